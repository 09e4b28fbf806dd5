"""Why a programme, a batch or a line is not what was asked for."""

from ecard.errors import Conflict, EcardError, Forbidden, Invalid, Text


class ItemNotReceived(EcardError):
    """The item's flow is not `receive`: nothing is paid out for it."""

    status = 422
    code = "item_not_received"
    title = Text("该事项不是待遇领取事项", "The item is not a benefit")
    action = Text("请选择办理流程为 receive 的事项。", "Choose an item whose flow is receive.")


class ItemNotCertifying(EcardError):
    """An item in `certified_by` is none by which entitlement is certified."""

    status = 422
    code = "item_not_certifying"
    title = Text("该事项不是资格认证事项", "The item does not certify entitlement")
    action = Text("certified_by 请只列办理流程为 certify 的事项。", "Name items whose flow is certify in certified_by.")


class ProgrammeExists(Conflict):
    """Another programme has this name."""

    code = "benefit_programme_exists"
    title = Text("该名称的项目已存在", "A programme of this name exists")
    action = Text("请在项目列表中查看, 或换一个名称。", "See the list of programmes, or choose another name.")


class ProgrammeEnded(Conflict):
    """The programme takes no new batch."""

    code = "benefit_programme_ended"
    title = Text("该项目已结束", "The programme has ended")
    action = Text("请联系财务操作员。", "Ask an operator of role finance.")


class AgencyNotOfProgramme(Forbidden):
    """The agency may hand in nothing for this programme, or the batch is another agency's."""

    code = "benefit_wrong_agency"
    title = Text("该机构无权提交此项目的批次", "The agency may not hand in for this programme")
    action = Text("请由项目登记的机构提交。", "Hand it in as an agency that the programme names.")


class BatchExists(Conflict):
    """The agency's number is another batch's: of another period."""

    code = "benefit_batch_exists"
    title = Text("该批次号已用于另一期", "The batch number was used for another period")
    action = Text("请使用新的批次号。", "Use a new number.")


class BatchNotDraft(Conflict):
    """What was handed in does not change; it must be refused or cancelled first."""

    code = "benefit_batch_not_draft"
    title = Text("批次已提交, 不能修改", "The batch was handed in and does not change")
    action = Text("请等待审核; 被退回后方可修改。", "Wait for the review; it may be changed once it was sent back.")


class BatchEmpty(Conflict):
    """There is no line to hand in."""

    code = "benefit_batch_empty"
    title = Text("批次没有有效明细", "The batch has no line")
    action = Text("请先上传明细, 并查看被拒绝的行。", "Upload lines first, and see which were refused.")


class BatchFull(Conflict):
    """The batch has as many lines as a batch may."""

    code = "benefit_batch_full"
    title = Text("批次明细过多", "The batch has too many lines")
    action = Text("请拆分为多个批次; most 为上限。", "Split it; most is the limit.")


class NotUnderReview(Conflict):
    """The batch is a draft, or decided."""

    code = "benefit_not_under_review"
    title = Text("该批次不在审核中", "The batch is not under review")
    action = Text("请重新读取批次状态。", "Read the batch's state again.")


class ManifestStale(Conflict):
    """The manifest that was named is not the one that was handed in last."""

    code = "benefit_manifest_stale"
    title = Text("清单已变化, 审核依据失效", "The manifest is not the one that was handed in")
    action = Text(
        "请重新读取批次, 核对后按新的清单哈希审核。", "Read the batch again and decide on its present manifest."
    )


class ManifestChanged(Conflict):
    """The lines do not give the manifest that was approved: somebody changed them past the application."""

    code = "benefit_manifest_changed"
    title = Text("明细与已审核的清单不一致, 未发放", "The lines are not those that were approved; nothing is paid")
    action = Text("请停止处理并联系安全管理员核查。", "Stop, and have operators of role security look into it.")


class NoticeRunning(Conflict):
    """The public notice period is not over."""

    code = "benefit_notice_running"
    title = Text("公示期未满", "The public notice period is not over")
    action = Text("请在 ends_at 之后审核。", "Review it after ends_at.")


class WrongLevel(Conflict):
    """The level is not the one that is due; `level` is."""

    code = "benefit_wrong_level"
    title = Text("审核级次不正确", "Not the level that is due")
    action = Text("请按 level 所示级次审核。", "Approve at the level that level names.")


class SameApprover(Forbidden):
    """The operator has approved this batch, or proposed this, already: another one must look."""

    code = "benefit_same_operator"
    title = Text("同一操作员不能进行两次审核", "The same operator may not approve twice")
    action = Text("请由另一名操作员审核。", "Let another operator decide.")


class NotApproved(Conflict):
    """Two operators have not approved the batch."""

    code = "benefit_not_approved"
    title = Text("批次尚未通过两级审核", "The batch is not approved at both levels")
    action = Text("请先完成两级审核。", "Have it approved at both levels first.")


class BatchUnderWay(Conflict):
    """Banks have not said what became of some lines."""

    code = "benefit_under_way"
    title = Text("仍有明细等待银行答复", "Some lines wait for their bank's answer")
    action = Text("请在银行答复后再关闭。", "Close it once the banks have answered.")


class BatchClosed(Conflict):
    """The batch is closed, or not released."""

    code = "benefit_batch_closed"
    title = Text("批次已关闭或尚未发放", "The batch is closed, or not released")
    action = Text("请重新读取批次状态。", "Read the batch's state again.")


class LineNotOpen(Conflict):
    """The line's state does not allow this."""

    code = "benefit_line_not_open"
    title = Text("该明细的状态不允许此操作", "The line's state does not allow this")
    action = Text("请重新读取明细状态。", "Read the line again.")


class LineElsewhere(Conflict):
    """The same payee, period and component stand in another batch meanwhile."""

    code = "benefit_line_elsewhere"
    title = Text("同一人同期同项已在其他批次中", "Another batch has this payee, period and component")
    action = Text("请核对其他批次, 避免重复发放。", "See the other batch: nothing is paid twice.")


class ClawbackDiffers(Conflict):
    """Another amount was proposed, or more than was paid or is still owed."""

    code = "benefit_clawback_differs"
    title = Text("追回金额不一致或超出", "The amount differs from what was proposed, or exceeds what is owed")
    action = Text("请核对已提出的追回金额。", "Check the amount that was proposed.")


class NotPseudonymous(Conflict):
    """The programme names its payees: a pseudonym is of no use in it."""

    code = "benefit_not_pseudonymous"
    title = Text("该项目不使用领取代号", "The programme uses no pseudonyms")
    action = Text("请直接向发放单位申请。", "Apply to its agency by name.")


class ProofNotReady(Conflict):
    """The batch is not approved at both levels: there is nothing yet to be in."""

    code = "benefit_proof_not_ready"
    title = Text("批次尚未审核通过, 暂无发放凭证", "The batch is not approved yet: there is no proof")
    action = Text("请在审核通过后再取。", "Ask again once it is approved.")


class ProofRefused(Invalid):
    """The proof proves nothing; `reason` says why."""

    code = "benefit_proof_refused"
    title = Text("发放凭证无效", "The proof is not valid")
    action = Text("reason 为原因; 请向平台重新获取凭证。", "reason says why; fetch the proof from the platform again.")


class FileRefused(Invalid):
    """The file's first line does not name the columns; `reason` says which is missing."""

    code = "benefit_file_refused"
    title = Text("明细文件表头不正确", "The file's first line does not name its columns")
    action = Text(
        "首行须含 id_no,name 或 payee, 以及 component,amount。",
        "The first line names id_no and name, or payee, and component and amount.",
    )
