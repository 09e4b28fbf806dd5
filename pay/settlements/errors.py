"""Why a day is not settled or a shop not registered."""

from ecard.errors import Conflict, Invalid, Text


class DayNotOver(Conflict):
    """The day has not ended by Beijing's time: what is owed for it is not known."""

    code = "settlement_day_not_over"
    title = Text("该日尚未结束", "The day is not over")
    action = Text("请于次日再结算。", "Settle it on the day after.")


class ShopExists(Conflict):
    """The merchant has a shop of this name, or a terminal belongs to another shop."""

    code = "shop_exists"
    title = Text("门店名称或终端已登记", "The shop's name, or a terminal of it, is registered")
    action = Text("请核对门店名称; 每台终端只属于一个门店。", "Check the name; each terminal belongs to one shop.")


class ShopTerminalRefused(Invalid):
    """A terminal is not the merchant's."""

    code = "shop_terminal_refused"
    title = Text("终端不属于该商户", "A terminal is not this merchant's")
    action = Text("请只填写该商户机构的终端。", "Name terminals of the merchant's agency alone.")
