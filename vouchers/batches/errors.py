"""Why a batch is not issued."""

from ecard.errors import Conflict, EcardError, Text


class BatchExists(Conflict):
    """Another batch of the programme has this number, with other terms."""

    code = "voucher_batch_exists"
    title = Text("同编号的批次已存在且内容不同", "A batch of this number exists with other terms")
    action = Text("请换用批次编号; 重试须与原请求一致。", "Choose another number; a retry repeats the same terms.")


class BatchStateRefused(Conflict):
    """The batch is past this step, or not there yet; `state` says where it is."""

    code = "voucher_batch_state"
    title = Text("批次当前状态不允许此操作", "The batch's state does not allow this")
    action = Text("请按 state 处理。", "See state.")


class NobodyNamed(Conflict):
    """No line of the batch's list names somebody who may have a voucher."""

    code = "voucher_batch_nobody"
    title = Text("名单中没有可发放的人员", "Nobody on the list can be given a voucher")
    action = Text("请提交名单, 或按错误行修改后重传。", "Give the list, or correct the lines that are reported.")


class BatchTermsRefused(EcardError):
    """Face, quantity or validity do not fit the programme; `pointer` says which."""

    status = 422
    code = "voucher_batch_terms"
    title = Text("批次的面值、数量或有效期与项目不符", "Face, quantity or validity do not fit the programme")
    action = Text(
        "面值券须有面值, 其他券为 0; 定向券凭名单发放; 有效期不超过项目规定。",
        "Only vouchers of a face value have one; targeted ones need a list; validity is the programme's at most.",
    )
