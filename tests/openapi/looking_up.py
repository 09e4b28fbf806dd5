"""Requests that the operations of look-ups fulfil."""

from collections.abc import Callable, Mapping

from ecard.client import Phone, Terminal
from ecard.client.records import look_up, print_out
from tests.bureau import PASSWORD, Bureau
from tests.openapi.request import Good


def _at_terminal(bureau: Bureau) -> Good:
    counter = bureau.terminal()
    return Good(counter, {"visit": counter.visit("A1-03", bureau.phone().code())["visit"]})


def _on_phone(bureau: Bureau) -> Good:
    phone = bureau.phone()
    phone.prove(PASSWORD)
    return Good(phone, {"visit": phone.do("A1-24")})


def _looked_up(bureau: Bureau) -> tuple[Phone, str]:
    phone = bureau.phone()
    visit = phone.do("A1-21")
    look_up(phone, visit)
    return phone, visit


def _to_print(bureau: Bureau) -> Good:
    phone, visit = _looked_up(bureau)
    return Good(phone, {"visit": visit})


def _to_print_here(bureau: Bureau) -> Good:
    kiosk = bureau.terminal("kiosk")
    visit = kiosk.visit("A1-21", bureau.phone().code())["visit"]
    look_up(kiosk, visit)
    return Good(kiosk, {"visit": visit})


def _to_fetch(bureau: Bureau) -> Good:
    phone, visit = _looked_up(bureau)
    return Good(phone, path={"document": print_out(phone, visit)["document"]})


def _to_fetch_here(bureau: Bureau) -> Good:
    kiosk, body, _ = _to_print_here(bureau)
    assert isinstance(kiosk, Terminal)
    assert body is not None
    return Good(kiosk, path={"document": print_out(kiosk, body["visit"])["document"]})


def _to_check(bureau: Bureau) -> Good:
    return _to_fetch(bureau)._replace(caller=None)


LOOKING_UP: Mapping[str, Callable[[Bureau], Good]] = {
    "document_bundle": lambda _: Good(),
    "document_check": _to_check,
    "my_record_document": _to_print,
    "my_record_document_fetch": _to_fetch,
    "my_record_documents": lambda bureau: Good(bureau.phone()),
    "my_record_lookup": _on_phone,
    "record_document": _to_print_here,
    "record_document_fetch": _to_fetch_here,
    "record_lookup": _at_terminal,
}
