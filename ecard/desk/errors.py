"""Why a visit is refused."""

from ecard.errors import Conflict, EcardError, Forbidden, NotFound, Text


class VisitRefused(EcardError):
    """The catalogue does not let this evidence do this item here."""

    status = 422
    code = "visit_refused"
    title = Text("该事项不能以此方式办理", "This item cannot be done in this way")
    action = Text("请查看应用目录中该事项的要求。", "See what the item requires in the catalogue.")


class FormNotAccepted(VisitRefused):
    """The item does not take this form of the card; `accepted` lists those that it takes."""

    code = "form_not_accepted"
    title = Text("该事项不接受此用卡形式", "The item does not accept this form of the card")
    action = Text("请使用 accepted 所列的用卡形式。", "Use a form of the card that accepted lists.")


class WrongScene(VisitRefused):
    """The code was shown for another scene; `required` names the item's."""

    code = "wrong_scene"
    title = Text("二维码的场景与事项不符", "The code is for another scene")
    action = Text(
        "请让持卡人切换到 required 所示场景重新出示。", "Ask the holder to show the code of the scene in required."
    )


class TooWeak(VisitRefused):
    """The evidence proves less than the item asks; `required` names the least strength."""

    code = "evidence_too_weak"
    title = Text("身份核验强度不足", "The evidence is too weak for this item")
    action = Text(
        "请持卡人先在手机上验证密码 (knowledge) 或人脸 (biometric), 再出示新码。",
        "Ask the holder to prove the password (knowledge) or face (biometric) first, then show a new code.",
    )


class WrongPlace(VisitRefused):
    """The item asks for a nearer place than this terminal; `required` is terminal or counter."""

    code = "wrong_place"
    title = Text("该事项不能在此类终端办理", "The item cannot be done at this kind of terminal")
    action = Text("请到 required 所示场所办理。", "Go to a place of the kind in required.")


class Replayed(Conflict):
    """The evidence was used before; `first_at` says when, to whoever used it second."""

    code = "code_replayed"
    title = Text("该二维码或读卡结果已使用过", "The code, or the read of the card, has been used")
    action = Text(
        "请让持卡人刷新后重新出示, 或重新读卡。",
        "Ask the holder to refresh the code and show it again, or read the card again.",
    )


class CardSuspended(Conflict):
    """The card is reported lost, locked or cancelled: both its forms are dead."""

    code = "card_suspended"
    title = Text("该社会保障卡已挂失、锁定或注销", "The card is reported lost, locked or cancelled")
    action = Text("请持卡人到发卡服务网点办理。", "The holder should ask at a service point.")


class LevelTooLow(Conflict):
    """The e-card's issuing level is below the item's; `required` is 1 or 2."""

    code = "level_too_low"
    title = Text("电子社保卡签发等级不足", "The e-card's issuing level is too low")
    action = Text("请持卡人在手机上开通缴费结算 (二级签发)。", "Ask the holder to open payment (level 2) on the phone.")


class DeviceUnbound(Conflict):
    """The phone that shows the code was unbound."""

    code = "device_unbound"
    title = Text("出示二维码的手机已解除绑定", "The phone that shows the code was unbound")
    action = Text("请持卡人重新绑定手机。", "Ask the holder to bind the phone again.")


class NotActing(Forbidden):
    """The phone's holder may not act for this card's holder (亲情账户 ended)."""

    code = "not_acting"
    title = Text("未绑定该亲情账户", "Not allowed to act for this relative")
    action = Text("请先在手机上添加亲情账户。", "Add the relative on the phone first.")


class VisitUnknown(NotFound):
    """No such visit, or one of another agency or phone."""

    code = "visit_unknown"
    title = Text("未找到该到访记录", "No such visit")
    action = Text("请先核验持卡人 (POST /v1/visits 或 /v1/me/visits)。", "Verify the holder first: POST /v1/visits.")


class VisitOver(Conflict):
    """The visit was too long ago to go on from, or its holder disputed it."""

    code = "visit_over"
    title = Text("到访已超时或被持卡人否认", "The visit was too long ago, or its holder disputed it")
    action = Text("请持卡人重新出示社会保障卡。", "Ask the holder to show the card again.")


class WrongFlow(EcardError):
    """The visit's item is not done in this way; `required` lists the flows that are."""

    status = 422
    code = "wrong_flow"
    title = Text("该事项不走此办理流程", "The item of the visit does not take this flow")
    action = Text(
        "请在应用目录中查看该事项的 flow, 或就 required 所列流程的事项重新核验。",
        "See the item's flow in the catalogue, or make a visit for an item of a flow in required.",
    )


class NotDelegated(Forbidden):
    """The agency has no grant for this item here, or only for accepting it."""

    code = "case_not_delegated"
    title = Text("该网点未获此事项的授权", "The outlet has no grant for this item")
    action = Text("请到获授权的网点办理, 或由人社部门授权。", "Go to an outlet that has one, or ask the bureau for it.")


class AssertionRefused(EcardError):
    """The token is no assertion for this agency."""

    status = 422
    code = "assertion_refused"
    title = Text("身份断言无效", "Not a valid assertion")
    action = Text("请核对 aud 是否为本机构。", "Check that aud is your agency.")
