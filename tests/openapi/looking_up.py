"""Requests that the operations of look-ups fulfil."""

from collections.abc import Callable, Mapping

from tests.bureau import PASSWORD, Bureau
from tests.openapi.request import Good


def _at_terminal(bureau: Bureau) -> Good:
    counter = bureau.terminal()
    return Good(counter, {"visit": counter.visit("A1-03", bureau.phone().code())["visit"]})


def _on_phone(bureau: Bureau) -> Good:
    phone = bureau.phone()
    phone.prove(PASSWORD)
    return Good(phone, {"visit": phone.do("A1-24")})


LOOKING_UP: Mapping[str, Callable[[Bureau], Good]] = {
    "my_record_lookup": _on_phone,
    "record_lookup": _at_terminal,
}
