"""Bodies are one JSON text, read strictly; what is wrong is named by its place and never by its value."""

import asyncio
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import post

from ecard.errors import EcardError, Invalid, TooLarge
from ecard.requests import MAX_BODY, ClientDisconnect, DuplicateName, NotJson, StrictRequest, decode


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    site: str
    floor: int = 0


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    count: Annotated[int, msgspec.Meta(ge=1, le=20)]
    kind: Literal["code"] = "code"
    actor: UUID | None = None
    flag: bool = False
    place: Place | None = None
    places: list[Place] = []
    names: dict[str, str] = {}
    anything: Any = None


def refusal(body: bytes | str, wanted: Any = Body) -> EcardError:
    """Return why `body` is refused; fails when it is not, or when the reason is no declared error."""
    with pytest.raises(EcardError) as refused:
        decode(body.encode() if isinstance(body, str) else body, wanted)
    return refused.value


def test_a_good_body_is_the_handlers_struct() -> None:
    body = '{"count": 3, "place": {"site": "大厅", "floor": 2}, "places": [{"site": "x"}], "names": {"a": "b"}}'
    assert decode(body.encode(), Body) == Body(
        count=3, place=Place(site="大厅", floor=2), places=[Place(site="x")], names={"a": "b"}
    )


@pytest.mark.parametrize(
    "body",
    [
        '{"count": 1, "count": 1}',
        '{"count": 1, "count": 2}',
        '{"count": 2, "kind": "code", "count": 1}',
        '{"count": 1, "c\\u006funt": 2}',
        '{"count": 1, "place": {"site": "a", "site": "b"}}',
        '{"count": 1, "places": [{"site": "a"}, {"site": "a", "site": "a"}]}',
        '{"count": 1, "names": {"a": "1", "a": "2"}}',
        '{"count": 1, "names": {"": "1", "": "2"}}',
        '{"count": 1, "anything": {"deep": [[{"x": 1, "x": 1}]]}}',
    ],
)
def test_a_name_given_twice_is_refused_at_any_depth(body: str) -> None:
    assert type(refusal(body)) is DuplicateName


def test_the_same_name_in_two_objects_is_no_duplicate() -> None:
    body = b'{"count": 1, "place": {"site": "a"}, "places": [{"site": "a"}, {"site": "a"}]}'
    assert decode(body, Body).places == [Place(site="a")] * 2


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"count": "5"}', "/count"),
        ('{"count": 5.0}', "/count"),
        ('{"count": 5.5}', "/count"),
        ('{"count": true}', "/count"),
        ('{"count": null}', "/count"),
        ('{"count": [5]}', "/count"),
        ('{"count": 0}', "/count"),
        ('{"count": 21}', "/count"),
        ('{"count": 1e999}', "/count"),
        ('{"count": ' + "9" * 5000 + "}", "/count"),
        ('{"count": 1, "flag": 1}', "/flag"),
        ('{"count": 1, "flag": "true"}', "/flag"),
        ('{"count": 1, "kind": "card"}', "/kind"),
        ('{"count": 1, "kind": 5}', "/kind"),
        ('{"count": 1, "actor": "x"}', "/actor"),
        ('{"count": 1, "actor": 5}', "/actor"),
        ('{"count": 1, "place": {"site": 5}}', "/place/site"),
        ('{"count": 1, "place": {}}', "/place/site"),
        ('{"count": 1, "place": []}', "/place"),
        ('{"count": 1, "places": [{"site": "a"}, {"site": "b", "floor": "2"}]}', "/places/1/floor"),
        ('{"count": 1, "names": {"a": 1}}', "/names"),
        ('{"count": 1, "unknown": 1}', "/unknown"),
        ('{"count": 1, "place": {"site": "a", "unknown": 1}}', "/place/unknown"),
        ('{"Count": 1}', "/Count"),
        ("{}", "/count"),
        ("[]", ""),
        ("5", ""),
        ('"count"', ""),
        ("null", ""),
    ],
)
def test_a_wrong_type_field_or_value_is_named_by_its_pointer(body: str, pointer: str) -> None:
    error = refusal(body)
    assert type(error) is Invalid
    assert error.pointer == pointer


@pytest.mark.parametrize("name", ["中", "a/b", "a~b", "a b", "<script>", "x` - at `$.y", "a\\u0000"])
def test_an_unknown_field_of_strange_spelling_is_refused_without_an_echo(name: str) -> None:
    error = refusal(f'{{"count": 1, "{name}": 1}}')
    assert type(error) is Invalid
    assert set(error.pointer or "") <= set("/abcdefghijklmnopqrstuvwxyz_.0123456789")


def test_a_wrong_value_is_never_echoed() -> None:
    error = refusal('{"count": 1, "kind": "640102199001011234"}')
    assert "640102199001011234" not in f"{error!r} {error} {error.members} {error.pointer} {error.__cause__}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"}",
        b'{"count": 1',
        b'{"count": 1}}',
        b'{"count": 1} {"count": 1}',
        b'{"count": 1}x',
        b'{"count": 1,}',
        b"{'count': 1}",
        b"{count: 1}",
        b'{"count": 01}',
        b'{"count": +1}',
        b'{"count": 1, "anything": 0x1}',
        b'{"count": NaN}',
        b'{"count": 1, "anything": Infinity}',
        b'{"count": 1} // x',
        b"count=1",
        b"<count>1</count>",
        b'{"count": 1}\0',
        b'\0{"count": 1}',
        b'{"count": 1, "names": {"a": "\0"}}',
        b'{"count": 1, "names": {"a": "\n"}}',
        b'{"count": 1, "names": {"a": "\xff"}}',
        b'{"count": 1, "names": {"\xff": "a"}}',
        b'{"count": 1, "names": {"a": "\xed\xa0\x80"}}',
        b'{"count": 1, "names": {"a": "\xc0\x80"}}',
        b'{"count": 1, "names": {"a": "\\ud800"}}',
        b'{"count": 1, "names": {"a": "\\x"}}',
        b'\xef\xbb\xbf{"count": 1}',
        '{"count": 1}'.encode("utf-16"),
        '{"count": 1}'.encode("utf-16-le"),
        '{"count": 1}'.encode("utf-32"),
        '{"count": 1, "names": {"a": "é"}}'.encode("latin-1"),
    ],
)
def test_what_is_not_one_json_text_in_utf_8_is_refused(body: bytes) -> None:
    assert type(refusal(body)) is NotJson


def nested(opening: str, inside: str, closing: str, depth: int = 100_000) -> str:
    return opening * depth + inside + closing * depth


@pytest.mark.parametrize("wanted", [Any, Body, dict[str, Any], list[Any]])
@pytest.mark.parametrize(
    "deep",
    [
        nested("[", "", "]"),
        nested("[", "", ""),
        nested('{"a":', "1", "}"),
        nested('{"a":', "", ""),
        nested('[{"count":', "1", "}]"),
    ],
    ids=["lists", "open lists", "objects", "open objects", "both"],
)
def test_a_body_nested_too_deep_is_refused_and_does_not_crash(wanted: Any, deep: str) -> None:
    for body in (deep, f'{{"count": 1, "anything": {deep}}}', f'{{"other": {deep}}}', f"[{deep}]"):
        assert isinstance(refusal(body, wanted), Invalid)


@pytest.mark.parametrize("depth", range(200, 1100, 9))
def test_at_every_depth_a_body_is_either_taken_or_refused(depth: int) -> None:
    body = '{"count": 1, "anything": ' + nested("[", '{"x": 1, "x": 1}', "]", depth) + "}"
    assert type(refusal(body)) in {DuplicateName, NotJson}
    taken = '{"count": 1, "anything": ' + nested("[", "", "]", depth) + "}"
    try:
        decode(taken.encode(), Body)
    except NotJson:
        assert depth > 500  # nobody's honest body


@given(st.binary(max_size=60))
def test_whatever_the_bytes_the_refusal_is_a_declared_one(body: bytes) -> None:
    for sent in (body, b'{"count": ' + body, b'{"count": 1, "anything": ' + body + b"}"):
        try:
            decode(sent, Body)
        except Invalid:
            continue


def test_a_number_longer_than_the_interpreter_reads_is_refused_wherever_it_stands() -> None:
    class Lax(msgspec.Struct):
        count: int

    assert isinstance(refusal('{"count": 1, "more": ' + "9" * 5000 + "}", Lax), Invalid)
    assert isinstance(refusal('{"count": 1, "more": 1' + "0" * 5000 + "}", Any), Invalid)


def reading(*messages: Any) -> StrictRequest:
    """Return a request whose body arrives in these messages; asking for more than there are is an error."""
    left = list(messages)

    async def receive() -> Any:
        return left.pop(0)

    @post()
    async def handler() -> None: ...

    scope: Any = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    scope["route_handler"] = handler
    return StrictRequest(scope, receive)


def piece(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_is_the_pieces_in_order_and_read_once() -> None:
    request = reading(piece(b"a"), piece(b""), piece(b"bc"), piece(b"d", more=False))
    assert asyncio.run(request.body()) == b"abcd"
    assert asyncio.run(request.body()) == b"abcd"
    assert asyncio.run(reading({"type": "http.request", "body": b"x"}).body()) == b"x"
    assert asyncio.run(reading({"type": "http.request", "more_body": True}, {"type": "http.request"}).body()) == b""


def test_a_body_may_be_as_large_as_the_limit_and_no_larger() -> None:
    assert asyncio.run(reading(piece(bytes(MAX_BODY), more=False)).body()) == bytes(MAX_BODY)
    for pieces in (
        [piece(bytes(MAX_BODY + 1), more=False)],
        [piece(bytes(MAX_BODY)), piece(b"x", more=False)],
        [piece(bytes(MAX_BODY)), piece(b"x")],  # refused at once: what follows is not waited for
    ):
        with pytest.raises(TooLarge):
            asyncio.run(reading(*pieces).body())


def test_a_caller_that_hangs_up_is_no_whole_request() -> None:
    for pieces in ([], [piece(b'{"count": 1}')]):
        with pytest.raises(ClientDisconnect):
            asyncio.run(reading(*pieces, {"type": "http.disconnect"}).body())
