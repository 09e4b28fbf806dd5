"""Why something about a card is refused."""

from ecard.errors import Conflict, EcardError, Forbidden, Invalid, Text, Unavailable


class IdentityMismatch(EcardError):
    """Name, number and card do not belong together; which one differs is not said."""

    status = 422
    code = "identity_mismatch"
    title = Text("姓名、证件号码与社会保障卡不一致", "Name, number and card do not belong together")
    action = Text("请核对本人信息与卡面信息。", "Check the person's and the card's details.")


class FaceMismatch(EcardError):
    """实人: the face check did not pass."""

    status = 422
    code = "face_mismatch"
    title = Text("人脸核验未通过", "The face check did not pass")
    action = Text("请在光线充足处重新核验。", "Try again in good light.")


class FaceRequired(Invalid):
    """The step needs a face check's result."""

    code = "face_required"
    title = Text("需要人脸核验", "A face check is required")
    action = Text("请完成人脸核验并提交 face。", "Do the face check and send face.")


class CheckUnavailable(Unavailable):
    """The authority that answers this check does not answer."""

    code = "check_unavailable"
    title = Text("核验服务暂不可用", "The authority's check is not available")


class CardNotUsable(Conflict):
    """The card is not active, so nothing can be opened on it."""

    code = "card_suspended"
    title = Text("该社会保障卡已挂失、锁定或注销", "The card is reported lost, locked or cancelled")
    action = Text("请持卡人到发卡服务网点办理。", "The holder should ask at a service point.")


class StatusConflict(Conflict):
    """The card cannot go from `current` to `wanted`."""

    code = "card_status_conflict"
    title = Text("卡状态不允许此操作", "The card's status does not allow this")
    action = Text("请查看 current 所示的当前状态。", "See the current status in current.")


class BankNotReady(Conflict):
    """The bank account on the card is not activated, or has no mobile number reserved."""

    code = "bank_not_ready"
    title = Text("银行账户未激活或未预留手机号", "The bank account is not activated or has no reserved mobile number")
    action = Text(
        "请先到卡上银行激活账户并预留手机号。", "Activate the account at the card's bank and reserve a mobile number."
    )


class PasswordNotAllowed(Invalid):
    """Not six digits, or too easy to guess."""

    code = "password_not_allowed"
    title = Text(
        "密码须为 6 位数字, 且不能为重复或连续数字", "The password must be 6 digits, neither all equal nor a run"
    )
    action = Text("请换一个密码。", "Choose another password.")


class PasswordWrong(Forbidden):
    """Wrong; `tries_left` before the lock."""

    code = "password_wrong"
    title = Text("密码错误", "Wrong password")
    action = Text(
        "请重新输入; 24 小时内错 6 次将锁定 24 小时。", "Try again; 6 wrong in 24 hours lock it for 24 hours."
    )


class PasswordLocked(Forbidden):
    """Locked; `Retry-After` in seconds."""

    code = "password_locked"
    title = Text("密码已锁定", "The password is locked")
    action = Text("请 24 小时后再试, 或通过人脸核验重置密码。", "Wait 24 hours, or reset it by a face check.")


class BusiSeqUnknown(Forbidden):
    """The proof of the password (busiSeq) is not this device's, was used, or is over 5 minutes old."""

    code = "busi_seq_invalid"
    title = Text("操作验证串无效或已使用", "The password's proof is not valid or was used")
    action = Text("请重新验证密码。", "Prove the password again.")


class QuotaReached(Conflict):
    """亲情账户 are limited: 4 elders, 3 children, 1 spouse, 2 others."""

    code = "relative_quota"
    title = Text("该类亲情账户已达上限", "No more relatives of this kind")
    action = Text("请先解除一个亲情账户。", "Remove a relative first.")


class RelativeExists(Conflict):
    """Bound already, or oneself."""

    code = "relative_exists"
    title = Text("该亲情账户已绑定", "This relative is bound already")


class HolderExists(Conflict):
    """A living card is registered for this person, or this card number is taken."""

    code = "holder_exists"
    title = Text("该人员已有在用社会保障卡", "This person has a living card")


class ProofRefused(EcardError):
    """The device's proof of possession does not verify."""

    status = 422
    code = "device_proof_refused"
    title = Text("设备密钥证明无效", "The device's proof of possession is not valid")
    action = Text(
        "请用设备私钥签发 typ 为 ecard-device+jwt 的证明, aud 为平台地址, 60 秒内有效。",
        "Sign an ecard-device+jwt with the device's key, aud the issuer, valid for 60 seconds.",
    )


class ProfileFieldFixed(EcardError):
    """A field that no change of personal data touches; `allowed` lists those that one may."""

    status = 422
    code = "profile_field_fixed"
    title = Text("该信息不能通过信息变更修改", "This field is not changed in this way")
    action = Text("请只提交 allowed 所列字段; 其余请到发卡机构办理。", "Change those in allowed; others at the issuer.")


class ProfileUnchanged(Conflict):
    """What is to be changed stands there already."""

    code = "profile_unchanged"
    title = Text("信息与现有登记一致", "The profile says so already")
