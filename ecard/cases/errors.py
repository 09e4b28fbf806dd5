"""Why a case, a decision, a material or a grant is not what was asked for."""

from ecard.errors import Conflict, EcardError, Forbidden, Invalid, NotFound, Text


class NotReviewed(EcardError):
    """The item opens no case: it is not applied for, or ends with its own flow."""

    status = 422
    code = "item_opens_no_case"
    title = Text("该事项不走申请审核", "The item is not applied for")
    action = Text("请在应用目录中查看该事项的办理流程。", "See the item's flow in the catalogue.")


class AlreadyOpened(Conflict):
    """The visit has opened a case: one each."""

    code = "case_already_opened"
    title = Text("该到访已申请", "The visit has opened a case already")
    action = Text(
        "请查看已有的申请; 另行申请须重新核验持卡人。", "See the case, or verify the holder anew for another."
    )


class CaseOver(Conflict):
    """Nothing is due: the case is decided, withdrawn, or with its applicant; `state` is where it stands."""

    code = "case_not_open"
    title = Text("该申请不在此环节", "The case is not at this point")
    action = Text("请按 state 所示当前状态办理。", "See where it stands in state.")


class CaseMoved(Conflict):
    """The case has moved on since it was read; `version` is the present one."""

    code = "case_stale"
    title = Text("申请已有新进展, 决定依据失效", "The case has moved on since it was read")
    action = Text("请重新读取申请, 核对后再决定。", "Read the case again, then decide.")


class WrongCaseLevel(Conflict):
    """The level is not the one that is due; `level` is."""

    code = "case_wrong_level"
    title = Text("审核级次不正确", "Not the level that is due")
    action = Text("请按 level 所示级次办理。", "Decide at the level that level names.")


class CaseAssigned(Conflict):
    """Another reviewer has the case in hand."""

    code = "case_assigned"
    title = Text("该申请由其他审核人办理", "Another reviewer has the case in hand")
    action = Text("请由其移交后办理。", "Let that reviewer hand it over.")


class SameReviewer(Forbidden):
    """The person decided in this round already, or made the decision that is appealed against."""

    code = "case_same_person"
    title = Text("同一人不能在同一轮中作两次决定", "The same person may not decide twice")
    action = Text("请由另一人办理。", "Let another person decide.")


class CaseDisputed(Conflict):
    """The holder says that it was not they who came: nothing is given in their name."""

    code = "case_disputed"
    title = Text("持卡人否认该次到访", "The holder disputes the visit of this case")
    action = Text("请退回或不予批准, 并与持卡人核实。", "Send it back or refuse it, and ask the holder.")


class OwnCase(Forbidden):
    """回避: the applicant, or whoever applied for a relative, does not decide."""

    code = "case_own"
    title = Text("不能审核本人的申请", "Nobody decides on an own application")
    action = Text("请由他人办理。", "Let somebody else decide.")


class ReviewerUnnamed(Forbidden):
    """The operator is not known as a person, so that nobody could tell whether the applicant decides."""

    code = "reviewer_unnamed"
    title = Text("该审核员未登记本人身份", "The reviewer is not registered as a person")
    action = Text("请由安全操作员登记 (POST /v1/reviewers)。", "Ask an operator of role security: POST /v1/reviewers.")


class NotAtCounter(Forbidden):
    """Only an attended counter accepts a case."""

    code = "case_not_at_counter"
    title = Text("仅有人值守的窗口可以受理", "Only an attended counter accepts a case")
    action = Text("请到窗口办理, 或等待审核员受理。", "Go to a counter, or wait for a reviewer.")


class NotInHand(Forbidden):
    """What stands in a case is shown to whoever has it in hand."""

    code = "case_not_in_hand"
    title = Text("该申请不在您名下", "The case is not in your hands")
    action = Text("请先领办 (assignments)。", "Take it first: POST …/assignments.")


class AppealLate(Conflict):
    """The days in which a refusal may be appealed against are over, or it was appealed against before."""

    code = "case_appeal_over"
    title = Text("异议期已过或已提出过异议", "The time for an appeal is over, or it was made before")
    action = Text("请依法另行申请行政复议或诉讼。", "Turn to administrative reconsideration or a court.")


class OtherCase(EcardError):
    """The visit is of another item or holder than the case."""

    status = 422
    code = "case_other_visit"
    title = Text("到访与该申请的事项或申请人不符", "The visit is of another item or holder than the case")
    action = Text("请就该申请的事项核验申请人。", "Verify the applicant for the case's item.")


class MaterialsMissing(EcardError):
    """The item asks for materials; `least` is how many."""

    status = 422
    code = "case_materials_missing"
    title = Text("申请材料不全", "Materials are missing")
    action = Text("请先上传材料, 至少 least 件。", "Upload materials first: at least so many as least says.")


class MaterialUnknown(NotFound):
    """A material that this caller did not upload, that belongs to a case, or that waited longer than a day."""

    code = "material_unknown"
    title = Text("未找到材料", "No such material")
    action = Text("请重新上传。", "Upload it again.")


class MaterialTypeRefused(EcardError):
    """The content is none of the types that `accepted` lists, whatever its name says."""

    status = 422
    code = "material_type_refused"
    title = Text("材料类型不接受", "Not a type of material that is accepted")
    action = Text("请上传 PDF、JPEG 或 PNG。", "Upload a PDF, a JPEG or a PNG.")


class MaterialUnsafe(EcardError):
    """The content may harm whoever opens it; `reason`: inflates, pixels, active, encrypted, filters, streams, names."""

    status = 422
    code = "material_unsafe"
    title = Text("材料内容不安全", "The material is not safe to open")
    action = Text("请重新扫描或另存为普通文件后上传。", "Scan it anew, or save it as a plain file.")


class MaterialDamaged(EcardError):
    """The content begins as a type that is accepted and does not go on as one."""

    status = 422
    code = "material_damaged"
    title = Text("材料文件不完整", "The material is damaged")
    action = Text("请重新上传完整的文件。", "Upload the whole file again.")


class GrantBeyond(EcardError):
    """The source lets no bank do this: review is delegated for A3-26 alone, and only items of annex 3 are."""

    status = 422
    code = "grant_beyond_delegation"
    title = Text("超出可授权范围", "More than may be delegated")
    action = Text("请查看附件3的可申请权限。", "See what annex 3 lets a bank apply for.")


class ActNotOfItem(EcardError):
    """The item has no such act; `acts` lists those that it has."""

    status = 422
    code = "act_not_of_item"
    title = Text("该事项不办理此操作", "The item has no such act")
    action = Text("请选择 acts 所列操作。", "Choose one that acts lists.")


class HolderOnly(Forbidden):
    """A relative showed the card; acts on it are its holder's own."""

    code = "holder_only"
    title = Text("须持卡人本人办理", "Only the holder may do this")
    action = Text("请持卡人本人出示社会保障卡。", "Ask the holder to come and show the card.")


class ActIncomplete(Invalid):
    """The act needs a field that was not sent, or takes none that was."""

    code = "act_incomplete"
    title = Text("办理要素不全或多余", "The act needs or takes no such field")
    action = Text(
        "修改密码须有 old_password 与 new_password; 重置须有 face 与 new_password; 其他操作不带密码。",
        "A change takes old_password and new_password, a reset face and new_password, any other act none.",
    )


class AccountConflict(Conflict):
    """The bank account cannot go from `current` to what the act asks."""

    code = "account_status_conflict"
    title = Text("金融账户状态不允许此操作", "The bank account's state does not allow this")
    action = Text("请查看 current 所示的当前状态。", "See the present state in current.")


class NoAccount(Conflict):
    """The card has no bank account."""

    code = "account_missing"
    title = Text("该卡没有金融账户", "The card has no bank account")
    action = Text("请先在合作银行开立账户。", "Open one at the card's bank first.")


class OrderConflict(Conflict):
    """No new card is waiting for this holder, or one is ordered already; `current` says which."""

    code = "card_order_conflict"
    title = Text("制卡订单状态不允许此操作", "The order for a new card does not allow this")
    action = Text("请查看 current 所示的制卡进度。", "See how far the new card is in current.")


class PasswordUnset(Conflict):
    """There is no password to be changed: reset it."""

    code = "password_unset"
    title = Text("尚未设置密码", "No password is set")
    action = Text("请通过人脸核验重置密码。", "Reset it by a face check.")
