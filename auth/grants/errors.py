"""How a consent or grant can be refused to a holder."""

from ecard.errors import Forbidden, Text


class NotStaff(Forbidden):
    """The item is for staff, and the holder is none of the client's agency."""

    code = "not_staff"
    title = Text("您不是该机构登记的工作人员", "You are not registered as staff of this agency")
    action = Text("请由管理机构登记后再登录。", "Ask the agency to register you first.")
