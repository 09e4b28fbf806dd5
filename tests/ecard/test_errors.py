"""The error catalogue: every declared error can be shown, and no two contradict each other."""

import re
from collections import defaultdict

import pytest

import ecard.app
import ecard.cli
from ecard.errors import EcardError, NotFound, TooMany, catalogue

ALL = list(catalogue())


def every_class() -> list[type[EcardError]]:
    """Return every declared class of the product, also those that share a code."""
    found, todo = [], [EcardError]
    while todo:
        error = todo.pop()
        todo.extend(error.__subclasses__())
        if error.__module__.split(".")[0] in {"auth", "ecard", "qr"}:
            found.append(error)
    return found


def test_every_code_stands_once_and_in_order() -> None:
    assert ecard.app.ROUTERS  # application and command line, and with them all features, are imported
    codes = [error.code for error in ALL]
    assert codes == sorted(set(codes))
    assert {error.code for error in every_class()} <= set(codes)
    assert len(codes) > 50


@pytest.mark.parametrize("error", every_class(), ids=lambda error: error.__name__)
def test_an_error_can_be_shown_in_both_languages(error: type[EcardError]) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", error.code)
    assert 400 <= error.status <= 599
    for text in (error.title, error.action):
        assert re.search("[一-鿿]", text.zh)
        assert re.search("[A-Za-z]", text.en)
        assert not re.search("[一-鿿]", text.en)


def test_errors_that_share_a_code_say_the_same() -> None:
    shown = defaultdict(set)
    for error in every_class():
        shown[error.code].add((error.status, error.title, error.action))
    assert {code: said for code, said in shown.items() if len(said) > 1} == {}


def test_an_error_carries_its_members_pointer_and_headers() -> None:
    error = TooMany(pointer="/x", headers={"Retry-After": "5"}, tries_left=3)
    assert (error.pointer, error.headers, error.members) == ("/x", {"Retry-After": "5"}, {"tries_left": 3})
    bare = NotFound()
    assert (bare.pointer, bare.headers, bare.members) == (None, {}, {})


def test_an_errors_text_is_its_code_and_nothing_of_its_members() -> None:
    error = NotFound(pointer="/id_no", reason="640102199001011234")
    assert str(error) == "not_found"
    assert "640102199001011234" not in repr(error)
