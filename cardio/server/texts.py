"""What a counter is told of a session that failed, by its code: the server's own reasons, and those of the reader."""

from functools import cache

from cardio.errors import CardError
from cardio.server.model import TEXTS
from ecard.errors import Text


def text_of(code: str) -> Text:
    """Return the sentence for a code, in both languages; a code of a newer bridge has the general one."""
    own = {why.value: text for why, text in TEXTS.items()}
    if code in own:
        return own[code]
    title = _titles().get(code, CardError.title)
    return Text(title.zh, title.en)


@cache
def _titles() -> dict[str, Text]:
    found: dict[str, Text] = {}
    todo: list[type[CardError]] = [CardError]
    while todo:
        error = todo.pop()
        found.setdefault(error.code, Text(error.title.zh, error.title.en))
        todo.extend(error.__subclasses__())
    return found
