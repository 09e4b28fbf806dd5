"""Why a day file is not loaded, or a break not closed."""

from ecard.errors import Conflict, Forbidden, Invalid, Text, Unavailable


class FileRefused(Invalid):
    """The file is not this bank's of this day; `reason` is layout, header, bank, or day. Nothing of it is loaded."""

    code = "recon_file_refused"
    title = Text("对账文件不符", "Not the day file that was asked for")
    action = Text(
        "请核对文件、银行与日期; reason 说明不符之处, 未载入任何内容。",
        "Compare file, bank and day; reason says what differs. Nothing was loaded.",
    )


class DayLoaded(Conflict):
    """Another whole file of this bank and day was loaded."""

    code = "recon_day_loaded"
    title = Text("该银行当日的完整文件已载入", "A whole file of this bank and day was loaded")
    action = Text("完整文件不可替换; 请按差错处理。", "A whole file is not replaced; treat what differs as breaks.")


class DayOpen(Conflict):
    """The day has not ended by Beijing's time: its file cannot be whole."""

    code = "recon_day_open"
    title = Text("该日尚未结束", "The day is not over")
    action = Text("请于次日对账。", "Reconcile it on the day after.")


class BreakNotOpen(Conflict):
    """The break is closed, or another proposal waits for its decision."""

    code = "recon_break_not_open"
    title = Text("差错已关闭或正待复核", "The break is closed, or waits for a decision")
    action = Text("请重新读取差错的状态。", "Read the break's state again.")


class NothingProposed(Conflict):
    """There is nothing to decide."""

    code = "recon_nothing_proposed"
    title = Text("没有待复核的处理意见", "Nothing is proposed")
    action = Text("请先提交处理意见。", "Propose how to close it first.")


class NoMerchant(Conflict):
    """The break belongs to no order, so that no merchant can bear it."""

    code = "recon_no_merchant"
    title = Text("该差错没有对应商户", "The break has no merchant")
    action = Text("请改由平台承担, 或待银行更正。", "Let the platform bear it, or the bank correct it.")


class SamePerson(Forbidden):
    """Who proposed may not decide."""

    code = "recon_same_person"
    title = Text("须由另一名操作员复核", "Another operator must decide")
    action = Text("请由提交意见者以外的财务操作员复核。", "Ask an operator of finance who did not propose it.")


class StatementMissing(Unavailable):
    """The bank did not give its file, or not under its signature."""

    code = "recon_statement_unavailable"
    title = Text("未取得银行对账文件", "The bank's day file was not had")
    action = Text("请稍后重试, 或以命令行载入文件。", "Try again later, or load the file by the command line.")
