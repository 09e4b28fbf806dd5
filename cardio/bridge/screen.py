"""What the counter sees: one line for each thing that happens, in both languages, and the pairing digits large.

Nothing of a card, a PIN or a scan is ever shown here but what a person at the counter must know.
"""

import time

from rich.console import Console
from rich.panel import Panel
from rich.text import Text as Rich

from cardio.errors import CardError, Text


class Screen:
    """The counter's screen, on a terminal or in a log."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)

    def say(self, text: Text, style: str = "") -> None:
        """Show a line."""
        at = time.strftime("%H:%M:%S")
        self._console.print(Rich(f"{at}  "), Rich(f"{text.zh} · {text.en}", style=style), sep="")

    def failed(self, error: CardError) -> None:
        """Show what is wrong, and what to do."""
        self.say(
            Text(f"{error.title.zh} ({error.code})。{error.action.zh}", f"{error.title.en}. {error.action.en}"), "red"
        )

    def connected(self, server: str) -> None:
        """Show that the backend has admitted this PC."""
        self.say(Text(f"已连接 {server}", "connected"), "green")

    def pairing(self, digits: str, seconds: int) -> None:
        """Show the digits that the counter's page types once."""
        spaced = f"{digits[: len(digits) // 2]} {digits[len(digits) // 2 :]}"
        title = f"窗口网页输入此配对码 ({seconds // 60} 分钟内) · type this into the counter's page"
        self._console.print(Panel(Rich(spaced, style="bold", justify="center"), title=title, width=76))

    def paired(self, terminal: str) -> None:
        """Show which page drives the readers."""
        self.say(Text(f"已与窗口配对: {terminal}", "paired"), "green")

    def unpaired(self) -> None:
        """Show that no page drives them."""
        self.say(Text("窗口已解除配对", "unpaired"))

    def reader(self, name: str, atr: bytes | None, *, gone: bool = False) -> None:
        """Show a reader's change."""
        if gone:
            self.say(Text(f"读卡器已移除: {name}", "reader removed"))
        else:
            state = Text("已插卡", "card in") if atr is not None else Text("无卡", "no card")
            self.say(Text(f"{name}: {state.zh}", state.en))

    def uploaded(self, seq: int) -> None:
        """Show that a record of the queue is kept."""
        self.say(Text(f"脱网结算第 {seq} 条已上传", f"off-line settlement {seq} uploaded"), "green")
