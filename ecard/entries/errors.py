"""Why a holder is not let in, and what is wrong in a list or an upload. Each leaves everything as it was.

by the list      NotListed · WrongRoom · OutsideTime · UsedUp
by the place     Inside · PlaceFull · OneWay
by the visit     EnteredBefore
by the upload    SeenInFuture · SeenTooLongAgo · OfflineCodeWanted
by the office    ListPlace · ListExists
"""

from ecard.errors import Conflict, EcardError, Forbidden, Text


class NotListed(Conflict):
    """The place admits whoever is on its list, and the holder is on none."""

    code = "entry_not_listed"
    title = Text("不在本场所的名单中", "Not on the list of this place")
    action = Text("请与名单的编制单位核对。", "Ask whoever keeps the list.")


class WrongRoom(Conflict):
    """The holder is expected in another room; `room` says in which."""

    code = "entry_wrong_room"
    title = Text("不是该人员的考场或房间", "Expected in another room")
    action = Text("请到 room 所示的考场或房间。", "Go to the room that `room` names.")


class OutsideTime(Conflict):
    """The holder is on the list for another time; `opens_at` and `closes_at` say which (Unix seconds)."""

    code = "entry_outside_time"
    title = Text("不在名单规定的时间内", "Not within the time of the list")
    action = Text("请在 opens_at 与 closes_at 之间前来。", "Come between opens_at and closes_at.")


class UsedUp(Conflict):
    """The holder has entered as often as the list admits; `first_at` says when first (Unix seconds)."""

    code = "entry_used_up"
    title = Text("该人员已入场", "The holder has entered already")
    action = Text("请核对是否他人冒用, 并告知持卡人。", "See whether somebody else entered, and tell the holder.")


class Inside(Conflict):
    """The holder is inside and has not left; `since` says since when (Unix seconds)."""

    code = "entry_inside"
    title = Text("该人员已在场内", "The holder is inside already")
    action = Text("请先登记离场。", "Check out first.")


class PlaceFull(Conflict):
    """As many are inside as the place admits; `capacity` says how many."""

    code = "entry_place_full"
    title = Text("场内人数已满", "The place is full")
    action = Text("请等待有人离场。", "Wait until somebody leaves.")


class OneWay(EcardError):
    """This place notes who comes, not who leaves."""

    status = 422
    code = "entry_one_way"
    title = Text("该场所不登记离场", "This place notes no leaving")
    action = Text("请联系登记机构设置双向登记。", "Ask the registrar to set the place's rule to both ways.")


class EnteredBefore(Conflict):
    """This visit has been let in already."""

    code = "entry_done"
    title = Text("本次到访已登记", "This visit is on record already")
    action = Text("请让持卡人重新出示社会保障卡。", "Ask the holder to show the card again.")


class OfflineCodeWanted(EcardError):
    """An upload bears a text that is no code: digits cannot be verified offline."""

    status = 422
    code = "entry_code_wanted"
    title = Text("离线登记须为动态码", "Offline entries are by dynamic code")
    action = Text("19 位数字只能联网核验。", "The 19 digits can be verified online only.")


class SeenInFuture(EcardError):
    """A line says a time that has not come."""

    status = 422
    code = "entry_in_future"
    title = Text("登记时间在未来", "The entry lies in the future")
    action = Text("请校准闸机时钟。", "Correct the gate's clock.")


class SeenTooLongAgo(EcardError):
    """A line is older than uploads may be."""

    status = 422
    code = "entry_too_old"
    title = Text("离线登记上传过晚", "The entry is too old to be uploaded")
    action = Text("请在 7 天内上传。", "Upload within seven days.")


class ListPlace(Forbidden):
    """A gate, kiosk or till changes no list."""

    code = "entry_list_place"
    title = Text("该终端不能编制名单", "This terminal may not keep lists")
    action = Text("请由本机构的窗口或业务系统上传名单。", "Let the agency's counter or server upload it.")


class ListExists(Conflict):
    """The place has a list of this name."""

    code = "entry_list_exists"
    title = Text("已有同名名单", "There is a list of this name")
    action = Text("请向已有的名单补充人员, 或换一个名称。", "Add to that list, or choose another name.")
