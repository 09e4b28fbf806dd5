"""Status words of ISO/IEC 7816-4 §5.6 as cards of this kind use them, explained to people."""

from collections.abc import Mapping

from cardio.commands.apdu import Response
from cardio.errors import Refused, Text

WRONG_LENGTH = 0x6700
SECURITY_NOT_SATISFIED = 0x6982
LOCKED = 0x6983
NO_RECORD = 0x6A83
NOT_FOUND = (0x6A81, 0x6A82, 0x6A83, 0x6A86, 0x6A88)
"""No such file or record, or none that is asked for in this way."""

WORDS: Mapping[int, Text] = {
    0x6200: Text("数据可能已损坏", "the data may be damaged"),
    0x6281: Text("返回数据可能有误", "the data may be wrong"),
    0x6283: Text("所选文件已失效", "the file or application is deactivated"),
    0x6300: Text("认证失败", "authentication failed"),
    0x6400: Text("卡片状态未改变", "nothing was changed"),
    0x6581: Text("写存储器失败", "the card could not write its memory"),
    0x6700: Text("长度错误", "wrong length"),
    0x6882: Text("不支持安全报文", "secure messaging is not supported"),
    0x6981: Text("命令与文件结构不符", "the command does not fit the file"),
    0x6982: Text("不满足安全状态", "a PIN or a key must be proven first"),
    0x6983: Text("已锁定", "locked"),
    0x6984: Text("引用数据无效或随机数失效", "the reference data or the challenge is no longer valid"),
    0x6985: Text("使用条件不满足", "the conditions of use are not met"),
    0x6986: Text("未选择文件", "no file is selected"),
    0x6988: Text("安全报文数据错误", "wrong data of secure messaging"),
    0x6A80: Text("数据域参数错误", "wrong data"),
    0x6A81: Text("功能不支持或应用锁定", "not supported, or the application is locked"),
    0x6A82: Text("未找到文件", "no such file"),
    0x6A83: Text("未找到记录", "no such record"),
    0x6A84: Text("文件空间不足", "no room in the file"),
    0x6A86: Text("参数 P1 P2 错误", "wrong P1 or P2"),
    0x6A88: Text("未找到引用数据", "no such key or PIN"),
    0x6B00: Text("参数错误或偏移超出文件", "wrong parameters or beyond the end"),
    0x6D00: Text("不支持该命令", "no such command"),
    0x6E00: Text("不支持该类别", "no such class"),
    0x6F00: Text("卡片内部错误", "an error inside the card"),
    0x9303: Text("应用永久锁定", "the application is locked for good"),
    0x9403: Text("密钥索引不支持", "no such key"),
}
_RANGES: Mapping[int, Text] = {
    0x61: Text("还有数据可取", "more data to fetch"),
    0x63: Text("比对失败", "the comparison failed"),
    0x6C: Text("期望长度错误", "wrong expected length"),
}
_OTHER = Text("未知状态字", "a status word without a known meaning")


def explain(sw: int) -> Text:
    """Return what a status word means."""
    return WORDS.get(sw) or _RANGES.get(sw >> 8) or _OTHER


def tries_left(sw: int) -> int | None:
    """Return x of 63Cx, the tries that are left; 0 of 6983; None of any other word."""
    if sw == LOCKED:
        return 0
    return sw & 0xF if sw & 0xFFF0 == 0x63C0 else None  # noqa: PLR2004 - 63Cx


def ask(answer: Response) -> bytes:
    """Return the data of an answer that is 9000; raises Refused with the word's meaning."""
    if not answer.ok:
        raise Refused(answer.sw, explain(answer.sw))
    return answer.data
