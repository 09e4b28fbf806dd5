"""Why nothing is settled, or taken back. Each leaves everything as it was.

by the institution   NotAnInstitution · CareNotOfItem · FeesDoNotSum · FeesMissing · OverSettlementLimit
by the person        NotInsured · InsurerSilent
by the rules         RegionUnknown · RulesMissing · RulesDiffer · RulesRefused
by the trial         TrialStale · FeesChanged · SegmentSettled · EncounterExists
by the cash          CashNotPaid · CashDiffers · CashTaken · NothingDue
by the settlement    NotConfirmed · OverReversal · ReversalNoUsed · NotWaiting · InstitutionShort
by the record        RecordDiffers · RecordRefused
"""

from ecard.errors import Conflict, EcardError, Forbidden, Text, Unavailable


class NotAnInstitution(Forbidden):
    """The terminal's agency is not a designated institution of any region."""

    code = "medical_not_an_institution"
    title = Text("该机构不是定点医药机构", "The agency is not a designated medical institution")
    action = Text("请由财务操作员登记定点机构。", "Ask an operator of role finance to register it as one.")


class CareNotOfItem(EcardError):
    """The item is not settled for this kind of care; `accepted` lists those that it is for."""

    status = 422
    code = "medical_care_not_of_item"
    title = Text("该事项不适用于此医疗类别", "The item is not for this kind of care")
    action = Text("请使用 accepted 所列的医疗类别。", "Use a kind of care that accepted lists.")


class FeesDoNotSum(EcardError):
    """A line is not price × quantity, or the lines do not add up to the total."""

    status = 422
    code = "medical_fees_do_not_sum"
    title = Text("费用明细与总额不符", "The fees do not add up to the total")
    action = Text("请核对 pointer 所指金额 (分)。", "Check the amount that pointer names (分).")


class FeesMissing(Conflict):
    """No fees were uploaded for this segment."""

    code = "medical_fees_missing"
    title = Text("该段尚未上传费用明细", "No fees were uploaded for this segment")
    action = Text("请先上传费用明细, 再试结算。", "Upload the fees, then ask for a trial.")


class OverSettlementLimit(EcardError):
    """The total is above what the region settles at once; `limit` is that, 分."""

    status = 422
    code = "medical_over_limit"
    title = Text("超过单次结算上限", "Above the region's limit for one settlement")
    action = Text("请分段结算, 或由经办机构人工处理。", "Settle in segments, or have the agency see to it.")


class NotInsured(EcardError):
    """The person is not insured in the scheme that the item is settled by."""

    status = 422
    code = "medical_not_insured"
    title = Text("未参加相应险种", "Not insured in the scheme of this item")
    action = Text("请核对参保状态, 或自费结算。", "Check the person's insurance, or let them pay themselves.")


class InsurerSilent(Unavailable):
    """The register of insured people does not answer, or is not connected."""

    code = "medical_insurer_silent"
    title = Text("参保信息暂不可查", "The register of insured people does not answer")
    action = Text("请稍后重试; 网络中断时按脱网记录办理。", "Try again later; while cut off, make an off-line record.")


class RegionUnknown(EcardError):
    """No such pooling region is registered."""

    status = 422
    code = "medical_region_unknown"
    title = Text("统筹地区不存在", "There is no such pooling region")
    action = Text("请由财务操作员先装载该地区的政策。", "Ask an operator of role finance to load the region's rules.")


class RulesMissing(EcardError):
    """The person's region has no rule for this scheme, care and day."""

    status = 422
    code = "medical_rules_missing"
    title = Text("参保地没有适用的待遇政策", "The region has no rule for this scheme, care and day")
    action = Text("请由财务操作员装载该地区的政策。", "Ask an operator of role finance to load it.")


class RulesDiffer(Conflict):
    """A rule of that region, scheme, care and first day stands already, and says otherwise."""

    code = "medical_rules_differ"
    title = Text("已有同起始日而内容不同的政策", "Another rule begins on that day")
    action = Text(
        "政策不作修改: 请装载自新日期起的政策。", "A rule is never changed: load one that begins on another day."
    )


class RulesRefused(EcardError):
    """The rules contradict themselves: bands do not rise, a rule stands twice, an address is not allowed."""

    status = 422
    code = "medical_rules_refused"
    title = Text("政策内容有误", "The rules contradict themselves")
    action = Text("请检查 pointer 所指之处。", "Check the place that pointer names.")


class EncounterExists(Conflict):
    """The visit was registered already; `encounter` says as which."""

    code = "medical_visit_registered"
    title = Text("该次到访已登记就诊", "The visit is registered already")
    action = Text("请使用 encounter, 或请持卡人重新出示。", "Use encounter, or ask the holder to show the card again.")


class TrialStale(Conflict):
    """The trial no longer says what would be settled: its time is over, or year or personal account have moved."""

    code = "medical_trial_stale"
    title = Text("试结算已失效", "The trial is stale")
    action = Text("请取消后重新试结算。", "Cancel it, and ask for a new trial.")


class FeesChanged(Conflict):
    """The fees were uploaded anew after the trial."""

    code = "medical_fees_changed"
    title = Text("费用明细在试结算后已变更", "The fees were changed after the trial")
    action = Text("请按新的明细重新试结算。", "Ask for a new trial of the new fees.")


class SegmentSettled(Conflict):
    """The segment is settled, or being settled."""

    code = "medical_segment_settled"
    title = Text("该段已结算或正在结算", "The segment is settled, or being settled")
    action = Text("如需更改, 请先冲正。", "To change it, reverse the settlement first.")


class CashNotPaid(Conflict):
    """The cash leg comes first, and was not paid; `cash` is it, 分."""

    code = "medical_cash_not_paid"
    title = Text("个人现金部分尚未支付", "The cash leg is not paid yet")
    action = Text("请先收取现金部分 (订单或窗口)。", "Take the cash leg first, by an order or at the till.")


class CashDiffers(EcardError):
    """The amount taken is not what is due; `due` is that, 分."""

    status = 422
    code = "medical_cash_differs"
    title = Text("收取金额与应付现金不符", "What was taken is not what is due")
    action = Text("请按 due (分) 收取。", "Take due (分).")


class CashTaken(Conflict):
    """The cash leg of the last trial was paid, or may be at any moment."""

    code = "medical_cash_taken"
    title = Text("现金部分已付或正在支付", "The cash leg is paid, or being paid")
    action = Text("请确认该结算, 或先取消。", "Confirm that settlement, or cancel it first.")


class NothingDue(Conflict):
    """The settlement has no cash that is still to be paid."""

    code = "medical_nothing_due"
    title = Text("没有待付的现金部分", "No cash is due")
    action = Text("请查询结算状态。", "See how the settlement stands.")


class NotWaiting(Conflict):
    """The settlement is not a trial any more; `state` says how it stands."""

    code = "medical_not_waiting"
    title = Text("该结算已不在试结算状态", "The settlement is not a trial any more")
    action = Text("请按 state 处理。", "See state.")


class NotConfirmed(Conflict):
    """Only what is settled can be reversed; `state` says how it stands."""

    code = "medical_not_confirmed"
    title = Text("该结算当前不可冲正", "The settlement cannot be reversed in its state")
    action = Text("请在结算确认后冲正。", "Reverse a settlement that is confirmed.")


class OverReversal(Conflict):
    """More than is left of the settlement; `remaining` is that, 分."""

    code = "medical_over_reversal"
    title = Text("冲正金额超过可冲正金额", "More than is left to reverse")
    action = Text("冲正不得超过 remaining (分)。", "Reverse at most remaining (分).")


class ReversalNoUsed(Conflict):
    """The institution's number is another reversal's of this settlement."""

    code = "medical_reversal_no_used"
    title = Text("冲正编号已使用", "The number of the reversal is used")
    action = Text(
        "重试请保持金额不变; 新的冲正请用新编号。", "Retry with the same amount; use a new number for another."
    )


class InstitutionShort(Conflict):
    """The institution's balance, less what is settled and held, does not cover what would go back to the insurance."""

    code = "medical_institution_short"
    title = Text("机构可用余额不足", "The institution's balance does not cover it")
    action = Text("待有新的结算入账后再冲正。", "Reverse it when more has been settled.")


class RecordDiffers(Conflict):
    """The institution's record number stands for another record."""

    code = "medical_record_differs"
    title = Text("脱网记录编号已用于另一记录", "The number is another off-line record's")
    action = Text("请核对编号与内容。", "Check number and content.")


class RecordRefused(EcardError):
    """The record is of a day to come or too long ago (`days` is the most), or more was taken than it cost."""

    status = 422
    code = "medical_record_refused"
    title = Text("脱网记录的日期或金额有误", "The record's day or amount is not possible")
    action = Text("请核对 pointer 所指字段; 逾期请由经办机构人工处理。", "Check the field that pointer names.")
