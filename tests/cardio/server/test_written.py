"""What A1-04 and A2-52 put on a card through the server is on it, once and whole; nothing else is ever written."""

from typing import Any

import pytest

from cardio.files.tables import SETTLEMENTS
from cardio.virtual.faults import Fault, Faults, Kind
from ecard.settings import Settings
from tests.bureau import Bureau, refused, rows
from tests.cardio.reads import Counter, new_card

CERTIFICATE_ITEM, SETTLEMENT_ITEM = "A1-04", "A2-52"
FIELDS = {"certificate_no": "11990020260001", "status": "1", "employer": "测试厂"}
SETTLEMENT = dict(SETTLEMENTS.vectors[0][1])
AUDITED = """
    SELECT outcome, card, detail::text FROM audit_event
    WHERE kind = 'card_written' AND detail->>'session' = $1 ORDER BY n
"""


def ended(counter: Counter, session: Any) -> dict[str, Any]:
    """Return how a session stands when it is over."""
    for _ in range(10):
        view = counter.look(session, wait=5)
        if view["state"] not in {"opening", "reading", "pin"}:
            return view
    raise AssertionError(view)


def commands(counter: Counter, session: Any) -> list[str]:
    """Return the commands that the server sent in a session."""
    mine = [one for one in counter.seen if one["type"] == "apdus" and one["session"] == str(session)]
    return [command for one in mine for command in one["commands"]]


@pytest.mark.parametrize("version", ["1.00", "2.00", "3.00"])
def test_a_certificate_is_written_read_back_and_audited_by_names(
    bureau: Bureau, counter: Counter, settings: Settings, version: str
) -> None:
    _, card = new_card(bureau, version=version)
    counter.insert(card)
    session = counter.open(CERTIFICATE_ITEM, write=FIELDS)
    seen = ended(counter, session)
    assert (seen["state"], seen["written"], seen["mended"]) == ("proven", "written", None)
    assert counter.visit(CERTIFICATE_ITEM, session)["form"] == "physical"
    again = ended(counter, counter.open(CERTIFICATE_ITEM, write=FIELDS))
    assert again["written"] == "unchanged"
    begun, noted = rows(settings, AUDITED, str(session))
    assert (begun["outcome"], noted["outcome"]) == ("begun", "ok")
    assert noted["card"] is not None
    assert "employer" in noted["detail"]
    assert "测试厂" not in noted["detail"]
    [row] = rows(settings, "SELECT to_write FROM card_session WHERE id = $1", session)
    assert row["to_write"] is None


def test_a_settlement_is_appended_once(bureau: Bureau, counter: Counter) -> None:
    _, card = new_card(bureau)
    counter.insert(card)
    assert ended(counter, counter.open(SETTLEMENT_ITEM, write=SETTLEMENT))["written"] == "written"
    assert ended(counter, counter.open(SETTLEMENT_ITEM, write=SETTLEMENT))["written"] == "unchanged"


def test_a_torn_write_is_finished_or_undone_at_the_next_session(
    bureau: Bureau, counter: Counter, settings: Settings
) -> None:
    _, card = new_card(bureau)
    counter.insert(card)
    first = counter.open(CERTIFICATE_ITEM, write=FIELDS)
    ended(counter, first)
    updates = [n for n, one in enumerate(commands(counter, first), 1) if one.startswith("00DC")]
    # The last record of the certificate: the seal is open, and the journal whole.
    torn_at, new = updates[-2], {**FIELDS, "certificate_no": "11990020260002"}
    for following, mended in ((new, "finished"), (FIELDS, "undone")):
        card.faults = Faults(Fault(Kind.TORN, torn_at))
        counter.insert(card)
        torn = counter.open(CERTIFICATE_ITEM, write=new)
        assert ended(counter, torn)["reason"]["code"] == "card_removed"
        assert [one["outcome"] for one in rows(settings, AUDITED, str(torn))] == ["begun"]
        counter.insert(card)
        seen = ended(counter, counter.open(CERTIFICATE_ITEM, write=following))
        assert (seen["state"], seen["mended"]) == ("proven", mended)
        ended(counter, counter.open(CERTIFICATE_ITEM, write=FIELDS))


def test_a_copy_and_a_card_reported_lost_are_not_written_to(bureau: Bureau, counter: Counter) -> None:
    person, card = new_card(bureau)
    counter.insert(card.copy_of_files())
    copied = counter.open(CERTIFICATE_ITEM, write=FIELDS)
    assert ended(counter, copied)["reason"]["code"] == "not_authentic"
    bureau.cards.set_card_status(person.facts["card_no"], "lost")
    counter.insert(card)
    lost = counter.open(CERTIFICATE_ITEM, write=FIELDS)
    assert ended(counter, lost)["reason"]["code"] == "card_suspended"
    sent = [*commands(counter, copied), *commands(counter, lost)]
    assert sent
    assert not [one for one in sent if one[2:4] in {"DC", "E2", "D2"}]


UNFIT: dict[str, tuple[str, dict[str, str]]] = {
    "an item that writes nothing": ("A1-36", FIELDS),
    "no fields": (CERTIFICATE_ITEM, {}),
    "an unknown field": (CERTIFICATE_ITEM, {"pin": "123456"}),
    "a value too long": (CERTIFICATE_ITEM, {"employer": "厂" * 60}),
    "a date that is none": (CERTIFICATE_ITEM, {"issued_on": "20261399"}),
    "half a settlement": (SETTLEMENT_ITEM, {"institution": "H1"}),
    "a certificate for a settlement": (SETTLEMENT_ITEM, FIELDS),
}


@pytest.mark.parametrize("case", UNFIT)
def test_what_does_not_fit_is_refused_before_a_card_is_asked_for(counter: Counter, case: str) -> None:
    item, write = UNFIT[case]
    before = len(counter.seen)
    with refused("card_write_refused", 422):
        counter.open(item, write=write)
    assert len(counter.seen) == before
