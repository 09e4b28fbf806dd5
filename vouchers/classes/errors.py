"""Why a voucher is not bound to a class, or a class not opened. Each leaves everything as it was, and an audit row.

by the institution   InstitutionExists · NotAnInstitution · SessionsRefused
by the class         ClassFull · ClassOver · AlreadySeated · OtherProgramme · FeeCovered · OwnSharePaid
by the item          ItemNotTraining

What a voucher itself is refused for stands in `vouchers.life.errors`.
"""

from ecard.errors import Conflict, EcardError, Forbidden, Text


class InstitutionExists(Conflict):
    """The agency is a training institution already."""

    code = "institution_exists"
    title = Text("该机构已登记为培训机构", "The agency is a training institution already")
    action = Text("请在培训机构列表中查看。", "See the list of institutions.")


class NotAnInstitution(Forbidden):
    """The terminal's agency is no training institution, or is suspended as one."""

    code = "not_an_institution"
    title = Text("该机构未登记为培训机构或已暂停", "The agency is no training institution, or is suspended")
    action = Text("请联系培训券主管部门。", "Ask the bureau that runs the vouchers.")


class SessionsRefused(EcardError):
    """The class's sessions contradict each other or its hours; `faults` lists them by number."""

    status = 422
    code = "class_sessions_refused"
    title = Text("课次安排不合规则", "The sessions break the rules")
    action = Text("请按 faults 修改: 次序、重叠、学时与时长。", "See faults: order, overlap, hours against duration.")


class ClassFull(Conflict):
    """Every seat of the class is taken."""

    code = "class_full"
    title = Text("培训班名额已满", "The class is full")
    action = Text("请选择其他班次。", "Choose another class.")


class ClassOver(Conflict):
    """The class has ended."""

    code = "class_over"
    title = Text("培训班已结束", "The class is over")
    action = Text("请选择其他班次。", "Choose another class.")


class AlreadySeated(Conflict):
    """The learner sits in the class with another voucher."""

    code = "class_already_seated"
    title = Text("您已在该班", "You sit in this class already")
    action = Text("一人一班一个名额。", "One person has one seat in a class.")


class OtherProgramme(Conflict):
    """The class is not of the voucher's programme."""

    code = "voucher_other_programme"
    title = Text("培训券与班次不属于同一项目", "The class is of another programme than the voucher")
    action = Text("请选择本项目的班次。", "Choose a class of the voucher's programme.")


class FeeCovered(Conflict):
    """The voucher covers the whole fee: there is no own share."""

    code = "tuition_covered"
    title = Text("培训券已覆盖全部费用", "The voucher covers the whole fee")
    action = Text("无需缴费。", "There is nothing to pay.")


class OwnSharePaid(Conflict):
    """The own share is paid, or an order for it waits; `order` names it."""

    code = "tuition_ordered"
    title = Text("自费部分已有订单", "There is an order for the own share")
    action = Text("请确认 order 所指订单; 已支付则无需再付。", "Confirm that order; if it is paid, nothing is due.")


class ItemNotTraining(EcardError):
    """The item is not one of training; `accepted` lists them."""

    status = 422
    code = "item_not_training"
    title = Text("该事项不是培训事项", "The item is not one of training")
    action = Text("请使用 accepted 所列的事项。", "Use an item that accepted lists.")
