"""Why a tap, a fare or a payment of a ride is refused.

TapRefused is of one line of an upload: the others of the batch are not touched by it.
├── TapTooOld · TapInFuture
├── LineUnknown · StationUnknown · DirectionWrong · FaresMissing
└── RelativeRefused
"""

from ecard.errors import Conflict, EcardError, Forbidden, NotFound, Text


class TapRefused(EcardError):
    """A tap that makes no ride."""

    status = 422
    code = "tap_refused"
    title = Text("该刷码记录无法入账", "The tap cannot be taken")
    action = Text(
        "请按 code 排查该条记录; 其余记录不受影响。", "See the line's code; the other lines are not affected."
    )


class TapTooOld(TapRefused):
    """Uploaded more than seven days after it was made."""

    code = "tap_too_old"
    title = Text("刷码记录超过 7 天", "The tap is older than seven days")
    action = Text("请每天上传; 逾期记录由运营方承担。", "Upload daily; what comes later is the operator's loss.")


class TapInFuture(TapRefused):
    """Made in the future: the gate's clock is wrong."""

    code = "tap_in_future"
    title = Text("刷码时间晚于当前时间", "The tap lies in the future")
    action = Text("请校准闸机时钟。", "Correct the gate's clock.")


class FaresMissing(TapRefused):
    """The operator had no fare table in force at the time."""

    code = "fares_missing"
    title = Text("该时间没有生效的票价表", "No fare table was in force then")
    action = Text("请先登记票价表。", "Register a fare table first.")


class LineUnknown(TapRefused):
    """The fare table has no such line."""

    code = "line_unknown"
    title = Text("票价表中没有该线路", "The fare table has no such line")


class StationUnknown(TapRefused):
    """The line has no such station."""

    code = "station_unknown"
    title = Text("线路中没有该站点", "The line has no such station")


class DirectionWrong(TapRefused):
    """In or out on a line of one tap, or a single tap on one of two."""

    code = "direction_wrong"
    title = Text("刷码方向与线路计费方式不符", "The direction does not fit the line")
    action = Text("一票制线路用 single; 里程线路用 in、out。", "single on a flat line, in and out on one by distance.")


class RelativeRefused(TapRefused):
    """Somebody else shows the card: ride codes are personal, for a gate cannot see who rides."""

    code = "relative_refused"
    title = Text("乘车码限本人出示", "A ride code is shown by its holder")
    action = Text("请乘车人出示本人手机上的乘车码。", "The rider shows the code on their own phone.")


class RideDebt(Forbidden):
    """The card owes for a ride: the gate's negative list has it."""

    code = "ride_debt"
    title = Text("有未支付的乘车费用", "A ride is not paid for")
    action = Text("请持卡人在手机上补缴后再乘车。", "The holder pays it on the phone, then rides.")


class NotAGate(Forbidden):
    """Taps come from terminals of setting gate."""

    code = "not_a_gate"
    title = Text("仅闸机终端可上传刷码记录", "Only gates upload taps")
    action = Text("请以 setting 为 gate 的终端调用。", "Call as a terminal of setting gate.")


class OperatorUnknown(NotFound):
    """The agency is no merchant that takes fares."""

    code = "operator_unknown"
    title = Text("该机构未登记为收取乘车费用的商户", "The agency is not a merchant that takes fares")
    action = Text("请先登记商户, 其事项须含乘车事项。", "Register the merchant first, with the item of rides.")


class FareTableRefused(EcardError):
    """The table contradicts itself; `faults` are JSON pointers into it."""

    status = 422
    code = "fare_table_refused"
    title = Text("票价表自相矛盾", "The fare table contradicts itself")
    action = Text("请检查 faults 所指的位置。", "Check the places that faults names.")


class FareTableExists(Conflict):
    """A table from that time on exists, or the time has begun: what was ridden is not priced anew."""

    code = "fare_table_fixed"
    title = Text("该时间的票价表已存在或已生效", "A table of that time exists, or the time has begun")
    action = Text("请为以后的时间登记新表。", "Register a new table for a later time.")


class VisitWanted(EcardError):
    """A fare class is given to somebody who is here: a visit of this agency, of the right item, not ten minutes old."""

    status = 422
    code = "visit_wanted"
    title = Text("须有本机构 10 分钟内的到访记录", "A visit at this agency within ten minutes is wanted")
    action = Text(
        "请先以 item 所列事项扫码核验持卡人, 再登记票价类别。",
        "Scan the holder for one of the items first, then grant.",
    )


class NothingOwed(Conflict):
    """The ride is paid, free, or being captured."""

    code = "nothing_owed"
    title = Text("该行程没有欠费", "Nothing is owed for this ride")
    action = Text("请查看行程状态。", "Look at the ride's state.")
