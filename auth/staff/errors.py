"""Why a member of staff is not registered."""

from ecard.errors import Conflict, Text


class StaffExists(Conflict):
    """The holder has a role at this agency now; it must end before there is another."""

    code = "staff_exists"
    title = Text("该持卡人已是此机构工作人员", "The holder is on the agency's staff")
    action = Text("如需变更角色, 请先结束原登记。", "To change the role, end the present one first.")
