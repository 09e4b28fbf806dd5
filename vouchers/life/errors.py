"""Why a voucher is not claimed, moved or redeemed. Each leaves everything as it was, and an audit row.

claiming    ForNamedPeople · GroupWanted · HasOne · NoneLeft
any use     VoucherFrozen · VoucherExpired · VoucherEarly · VoucherState · NotYourVoucher · SerialUnknown
redeeming   ServerWanted · WrongInstitution · NotAudited · AlreadyRedeemed
reversing   AlreadySettled
"""

from ecard.errors import Conflict, EcardError, Forbidden, Text


class ForNamedPeople(Forbidden):
    """The programme's vouchers are pushed to people who are named: nobody claims one."""

    code = "voucher_for_named_people"
    title = Text("定向券由发券部门发给指定人员", "These vouchers are for people who are named")
    action = Text("无需申领; 如在名单内, 券已在“我的培训券”。", "Nothing is claimed; see your vouchers.")


class GroupWanted(EcardError):
    """The programme is for certain groups, and the claim names none of them; `groups` lists them."""

    status = 422
    code = "voucher_group_wanted"
    title = Text("须声明所属人群", "Say which group you belong to")
    action = Text("请在 groups 所列人群中选择本人所属。", "Choose the group of groups that you belong to.")


class HasOne(Conflict):
    """The person has as many vouchers of the programme as one may have."""

    code = "voucher_has_one"
    title = Text("已持有本项目的培训券", "You have a voucher of this programme")
    action = Text("每人限领张数见项目说明。", "The programme says how many one person may have.")


class NoneLeft(Conflict):
    """Every voucher of the programme is taken, or none is valid now."""

    code = "voucher_none_left"
    title = Text("培训券已领完", "No voucher is left")
    action = Text("请留意下一批次。", "Wait for the next batch.")


class VoucherFrozen(Conflict):
    """The voucher is frozen."""

    code = "voucher_frozen"
    title = Text("培训券已冻结", "The voucher is frozen")
    action = Text("请联系发券部门。", "Ask the bureau that issued it.")


class VoucherExpired(Conflict):
    """The voucher's time is over, to the second."""

    code = "voucher_expired"
    title = Text("培训券已过有效期", "The voucher has expired")
    action = Text("过期作废, 不能再用。", "It is void and cannot be used any more.")


class VoucherEarly(Conflict):
    """The voucher's time has not begun."""

    code = "voucher_not_yet_valid"
    title = Text("培训券尚未生效", "The voucher is not valid yet")
    action = Text("请在有效期内使用。", "Use it within its validity.")


class VoucherState(Conflict):
    """The voucher is at another step of its life; `state` says which."""

    code = "voucher_state"
    title = Text("培训券当前状态不允许此操作", "The voucher's state does not allow this")
    action = Text("请按 state 处理。", "See state.")


class NotYourVoucher(Forbidden):
    """Another person's voucher, or somebody else shows the card: own use only. The attempt is on record."""

    code = "voucher_not_yours"
    title = Text("培训券仅限本人使用", "A voucher is for its own holder alone")
    action = Text("不得转让或代用; 此次操作已记录。", "It may not be passed on; this attempt is on record.")


class SerialUnknown(EcardError):
    """No voucher has this number: mistyped, or forged."""

    status = 422
    code = "voucher_serial_unknown"
    title = Text("培训券编号不存在", "No voucher has this number")
    action = Text("请核对 20 位编号; 此次操作已记录。", "Check its 20 digits; this attempt is on record.")


class ServerWanted(Forbidden):
    """A counter, kiosk, gate or till: classes, completions and redemptions are the institution's server's."""

    code = "institution_server_wanted"
    title = Text("仅培训机构的服务器可进行此操作", "Only the institution's server may do this")
    action = Text("请以 setting 为 online 的终端调用。", "Call as a terminal whose setting is online.")


class WrongInstitution(Forbidden):
    """The programme does not admit this institution, or the voucher is another institution's."""

    code = "voucher_wrong_institution"
    title = Text("该培训券不能在此机构使用", "The voucher is not for this institution")
    action = Text(
        "请到项目指定的机构, 或培训券已绑定的机构。",
        "Go to an institution of the programme, or the one it is bound to.",
    )


class NotAudited(Conflict):
    """The training was not audited yet, so there is nothing to pay for; `state` says how far it is."""

    code = "voucher_not_audited"
    title = Text("培训尚未审核通过", "The training has not been audited")
    action = Text("请在两级审核通过后核销。", "Redeem it when both audits have passed.")


class AlreadyRedeemed(Conflict):
    """The voucher was redeemed by another request of this institution: `first_at`, `first_by` (its terminal)."""

    code = "voucher_already_redeemed"
    title = Text("培训券已核销", "The voucher was redeemed already")
    action = Text("首次核销见 first_at 与 first_by; 不得重复核销。", "See first_at and first_by; it is paid once.")


class AlreadySettled(Conflict):
    """The redemption's money is on its way to the institution's bank, or there."""

    code = "voucher_already_settled"
    title = Text("该核销已进入结算", "The redemption is being settled, or was")
    action = Text(
        "结算开始后不能冲回, 请与机构另行处理。", "It cannot be reversed any more; settle it with the institution."
    )
