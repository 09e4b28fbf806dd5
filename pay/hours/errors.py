"""Why volunteer time is neither recorded nor spent. Each leaves everything as it was.

by the agency      NotRecording · NotRedeeming
by the person      NotInPerson · Serving · NotServing · ServiceLapsed · HoursShort
by the visit       VisitCounted
by the redemption  RedemptionOver · RedemptionExceeded
"""

from ecard.errors import Conflict, Forbidden, Text


class NotRecording(Forbidden):
    """The agency is not registered as a volunteer organisation."""

    code = "volunteer_not_recording"
    title = Text("该机构未登记为志愿服务组织", "The agency is not a registered volunteer organisation")
    action = Text("请联系登记机构办理登记。", "Ask the registrar to register it.")


class NotRedeeming(Forbidden):
    """The agency gives no services for volunteer time."""

    code = "volunteer_not_redeeming"
    title = Text("该机构未登记为时间银行服务单位", "The agency takes no volunteer time")
    action = Text("请联系登记机构办理登记。", "Ask the registrar to register it.")


class NotInPerson(Forbidden):
    """A relative shows the card: only the volunteer earns and spends the own time."""

    code = "volunteer_not_in_person"
    title = Text("须由志愿者本人出示社会保障卡", "The volunteer must show the own card")
    action = Text("请志愿者本人前来。", "Let the volunteer come in person.")


class Serving(Conflict):
    """The volunteer is at a service already; `since` says since when (Unix seconds)."""

    code = "volunteer_serving"
    title = Text("该志愿者正在服务中", "The volunteer is at a service already")
    action = Text("请先在该处签退。", "Check out there first.")


class NotServing(Conflict):
    """The volunteer has not checked in here."""

    code = "volunteer_not_serving"
    title = Text("该志愿者未在本组织签到", "The volunteer has not checked in here")
    action = Text("请先签到。", "Check in first.")


class ServiceLapsed(Conflict):
    """The volunteer checked in too long ago; `hours` says how long a service may be."""

    code = "volunteer_service_lapsed"
    title = Text("签到已超时, 本次服务不计时", "Checked in too long ago: this service earns nothing")
    action = Text("请重新签到。", "Check in again.")


class HoursShort(Conflict):
    """The volunteer has less time than is to be spent; `available` says how much (minutes)."""

    code = "volunteer_hours_short"
    title = Text("志愿服务时长不足", "Not enough volunteer time")
    action = Text("请按 available 所示分钟数兑换。", "Spend no more than the minutes in available.")


class VisitCounted(Conflict):
    """This visit has checked in, checked out or redeemed already."""

    code = "volunteer_visit_counted"
    title = Text("本次到访已登记", "This visit is on record already")
    action = Text("请志愿者重新出示社会保障卡。", "Ask the volunteer to show the card again.")


class RedemptionOver(Conflict):
    """The redemption is done, cancelled, or its time is over; `current` says which."""

    code = "volunteer_redemption_over"
    title = Text("该兑换已完成、取消或过期", "The redemption is done, cancelled or over")
    action = Text("请重新核验志愿者后兑换。", "Verify the volunteer again and redeem anew.")


class RedemptionExceeded(Conflict):
    """More is to be spent than was set aside; `held` says how much (minutes)."""

    code = "volunteer_redemption_exceeded"
    title = Text("超过已预留的时长", "More than was set aside")
    action = Text("请不超过 held 所示分钟数。", "Spend no more than the minutes in held.")
