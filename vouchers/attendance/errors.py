"""Why a learner is not checked in. Each leaves everything as it was, and an audit row.

by the class     NotEnrolled · OutsideWindow · OutsidePlace · AlreadyCheckedIn
by the code      ClassCodeWanted
by the upload    SeenInFuture · SeenTooLongAgo · OfflineCodeWanted
"""

from ecard.errors import Conflict, EcardError, Text


class NotEnrolled(Conflict):
    """The learner has no voucher bound to this class."""

    code = "class_not_enrolled"
    title = Text("该学员未报名本班", "The learner is not enrolled in this class")
    action = Text("请先用培训券报名。", "Bind a voucher to the class first.")


class OutsideWindow(Conflict):
    """No session of the class takes check-ins at this time."""

    code = "class_outside_window"
    title = Text("不在签到时间内", "Outside the time of check-in")
    action = Text("请在课次的签到时间内签到。", "Check in within a session's window.")


class OutsidePlace(Conflict):
    """The terminal or the phone is not where the class is; `radius` is the circle's, metres, where there is one."""

    code = "class_outside_place"
    title = Text("不在培训地点", "Not at the place of the class")
    action = Text(
        "请在班次的地点签到; 手机请开启定位。", "Check in where the class is; let the phone say where it stands."
    )


class AlreadyCheckedIn(Conflict):
    """The learner has checked in to this session; `first_at` says when."""

    code = "class_already_checked_in"
    title = Text("该课次已签到", "Checked in to this session already")
    action = Text("无需重复签到。", "There is nothing more to do.")


class ClassCodeWanted(EcardError):
    """The scanned code is signed by us, but is none of a class."""

    status = 422
    code = "class_code_wanted"
    title = Text("这不是培训班的签到码", "This is no class's check-in code")
    action = Text("请扫描教室出示的签到码。", "Scan the code that the class shows.")


class OfflineCodeWanted(EcardError):
    """An upload bears a text that is no code: digits cannot be verified offline."""

    status = 422
    code = "attendance_code_wanted"
    title = Text("离线签到须为动态码", "Offline check-ins are by dynamic code")
    action = Text("19 位数字只能联网核验。", "The 19 digits can be verified online only.")


class SeenInFuture(EcardError):
    """A line says a time that has not come."""

    status = 422
    code = "attendance_in_future"
    title = Text("签到时间在未来", "The check-in lies in the future")
    action = Text("请校准终端时钟。", "Correct the terminal's clock.")


class SeenTooLongAgo(EcardError):
    """A line is older than uploads may be."""

    status = 422
    code = "attendance_too_old"
    title = Text("离线签到上传过晚", "The check-in is too old to be uploaded")
    action = Text("请在 7 天内上传。", "Upload within seven days.")
