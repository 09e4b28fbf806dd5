"""Why a completion is not submitted, or not audited. Each leaves everything as it was, and an audit row.

by the institution   TooFewHours · OwnShareOpen · OverAmount
by the operator      CompletionDecided · SameOperator
"""

from ecard.errors import Conflict, EcardError, Text


class TooFewHours(Conflict):
    """The learner attended less than is asked for: `hours` of `needed` 学时."""

    code = "completion_too_few_hours"
    title = Text("出勤学时不足", "Too few hours attended")
    action = Text("补足 needed 所示学时后再申报。", "Submit when the hours reach needed.")


class OwnShareOpen(Conflict):
    """The learner's own share of the fee is not paid."""

    code = "completion_own_share_open"
    title = Text("自费部分未缴", "The own share of the fee is not paid")
    action = Text("请学员在手机上缴费 (A1-75)。", "The learner pays it on the phone (A1-75).")


class OverAmount(EcardError):
    """More than there is to pay: `limit` is the smaller of the voucher's face and the fee, or what level 1 left, 分."""

    status = 422
    code = "completion_over_amount"
    title = Text("申报或审核金额超过上限", "The amount is above the limit")
    action = Text("金额不得超过 limit (分)。", "Ask for at most limit (分).")


class CompletionDecided(Conflict):
    """Both levels have spoken; `state` says how."""

    code = "completion_decided"
    title = Text("该申报已审结", "The completion is decided")
    action = Text("请按 state 处理。", "See state.")


class SameOperator(Conflict):
    """The operator has audited this completion at the other level: four eyes."""

    code = "completion_same_operator"
    title = Text("两级审核须由不同人员进行", "The two levels are audited by different people")
    action = Text("请由另一名操作员审核。", "Ask another operator.")
