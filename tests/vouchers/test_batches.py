"""Batches: their money at once, each voucher once, lists with every bad line reported."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from ecard.ids import new_id
from ecard.settings import Settings
from tests.bureau import Bureau, refused, rows
from tests.pay.ledger.checking import checked
from tests.training import FACE, SOURCE, Programme, line, stranger
from vouchers.life.model import serial_valid

SMALL, LARGE = 20, 1100


def test_a_small_batch_is_there_at_once_and_its_money_is_set_aside(programme: Programme) -> None:
    batch = programme.batch(SMALL)
    assert (batch["state"], batch["issued"], batch["skipped"]) == ("issued", SMALL, 0)
    assert programme.available() == (100 - SMALL) * FACE
    path = f"/v1/voucher-batches/{batch['id']}/vouchers"
    listed = programme.training.call("GET", path).json()
    assert [one["n"] for one in listed] == list(range(SMALL))
    assert {one["state"] for one in listed} == {"issued"}
    serials = {programme.seen(one)["serial"] for one in listed}
    assert len(serials) == SMALL
    assert all(serial_valid(one) for one in serials)


def test_a_large_batch_is_issued_by_the_server(bureau: Bureau, settings: Settings) -> None:
    programme = Programme(bureau, money=LARGE * FACE)
    batch = programme.batch(LARGE)
    assert batch["state"] == "issuing"
    assert programme.available() == 0, "all of the money is set aside before the first voucher"
    assert programme.until(batch, "issued")["issued"] == LARGE
    checked(settings)


def test_no_batch_goes_beyond_the_money(programme: Programme) -> None:
    with refused("balance_short", 409):
        programme.batch(101)
    assert programme.training.call("GET", f"/v1/voucher-programmes/{programme.id}/batches").json() == []
    programme.batch(100)
    with refused("balance_short"):
        programme.batch(1)


def test_a_trial_says_what_it_comes_to_and_does_nothing(programme: Programme) -> None:
    body = {"number": "1", "source": SOURCE, "face": FACE, "quantity": 101}
    path = f"/v1/voucher-programmes/{programme.id}/batch-plans"
    planned = programme.training.call("POST", path, body).json()
    assert (planned["total"], planned["available"], planned["enough"]) == (101 * FACE, 100 * FACE, False)
    assert planned["valid_until"] - planned["valid_from"] == 92 * 86400
    assert programme.available() == 100 * FACE


def test_the_same_number_with_the_same_terms_is_the_same_batch(programme: Programme) -> None:
    first = programme.batch(3, number="2026-A")
    assert programme.batch(3, number="2026-A")["id"] == first["id"]
    assert programme.available() == 97 * FACE
    others: list[dict[str, Any]] = [{"face": 2 * FACE}, {"quantity": 4}, {"source": "city"}, {"valid_days": 9}]
    for changed in others:
        terms: dict[str, Any] = {"quantity": 3, "number": "2026-A", **changed}
        with refused("voucher_batch_exists", 409):
            programme.batch(**terms)


@pytest.mark.parametrize(
    ("programmes", "batches", "pointer"),
    [
        ({}, {"face": 0}, "/face"),
        ({"worth": "attendance"}, {"face": 1}, "/face"),
        ({"kind": "targeted"}, {}, "/pushed"),
        ({}, {"quantity": None}, "/quantity"),
        ({"validity_days": 30}, {"valid_days": 31}, "/valid_days"),
        ({}, {"valid_from": 0}, "/valid_from"),
    ],
)
def test_a_batch_keeps_its_programmes_terms(
    bureau: Bureau, programmes: dict[str, Any], batches: dict[str, Any], pointer: str
) -> None:
    with refused("voucher_batch_terms", 422) as refusal:
        Programme(bureau, money=0, **programmes).batch(**batches)
    assert refusal.value.problem["pointer"] == pointer


def test_vouchers_without_a_face_move_no_money(bureau: Bureau, settings: Settings) -> None:
    programme = Programme(bureau, money=0, worth="entitlement")
    programme.batch(2, face=0)
    assert programme.claim(bureau.phone())["face"] == 0
    checked(settings)


def test_every_bad_line_of_a_list_is_reported_and_the_others_get_their_vouchers(
    bureau: Bureau, programme: Programme, settings: Settings
) -> None:
    (one, _), (two, facts) = line(bureau), line(bureau)
    wrong_name = f"测试丙,{facts['id_no']}"
    lines = ["姓名,身份号码", one, two, "", one, stranger(), wrong_name, "测试丁", f"{facts['name']},119900", ",1"]
    draft = programme.pushed(*lines)
    reasons = {5: "twice", 6: "not_registered", 7: "not_registered", 8: "columns", 9: "id_no", 10: "name"}
    path = f"/v1/voucher-batches/{draft['id']}"
    bad = programme.training.call("GET", f"{path}/bad-rows").json()
    assert {row["place"]: row["reason"] for row in bad} == reasons
    assert programme.look(draft)["bad"] == len(reasons)
    issued = programme.training.call("POST", f"{path}/issue").json()
    assert (issued["state"], issued["quantity"], issued["issued"]) == ("issued", 2, 2)
    assert programme.available() == 98 * FACE
    with refused("voucher_batch_state"):
        programme.training.call("PUT", f"{path}/people", {"content": one})
    assert programme.training.call("POST", f"{path}/issue").json()["issued"] == 2, "again changes nothing"
    text = "\n".join(str(row["detail"]) for row in rows(settings, "SELECT detail FROM audit_event"))
    assert facts["id_no"] not in text


def test_a_part_of_a_list_that_is_sent_again_replaces_what_stood_there(bureau: Bureau, programme: Programme) -> None:
    draft = programme.pushed(stranger(), stranger())
    path = f"/v1/voucher-batches/{draft['id']}/people"
    answer = programme.training.call("PUT", path, {"first": 2, "content": line(bureau)[0]}).json()
    assert answer == {"people": 1, "bad": []}
    assert programme.look(draft)["bad"] == 1


def test_a_part_that_is_sent_again_takes_no_line_of_another(bureau: Bureau, programme: Programme) -> None:
    one, two, three = (line(bureau)[0] for _ in range(3))
    draft = programme.pushed(one, two)
    path = f"/v1/voucher-batches/{draft['id']}"

    def put(first: int, content: str) -> int:
        said = programme.training.call("PUT", f"{path}/people", {"first": first, "content": content}).json()
        return int(said["people"])

    assert put(3, three) == 1
    for ends in ("\n", "\r\n", "\r"):
        assert put(1, f"{one}{ends}{two}{ends}") == 2
    assert programme.training.call("POST", f"{path}/issue").json()["quantity"] == 3


def test_a_list_is_numbered_as_it_is_issued_so_that_beginning_takes_no_longer_the_longer_it_is(
    programme: Programme, bureau: Bureau, settings: Settings
) -> None:
    people = [bureau.register() for _ in range(5)]
    programme.batch()
    programme.claim(bureau.phone(people[2]))
    draft = programme.pushed(*(f"{one.facts['name']},{one.facts['id_no']}" for one in people))
    batch = UUID(str(draft["id"]))

    async def chunks() -> list[int]:
        connection = await asyncpg.connect(settings.database_url)
        try:
            async with connection.transaction():  # The server's own hand is at it as soon as it is seen.
                assert await connection.fetchval("SELECT voucher_batch_begin($1)", batch) == "ok"
                assert await connection.fetchval("SELECT count(n) FROM batch_person WHERE batch = $1", batch) == 0
                return [await connection.fetchval("SELECT voucher_batch_issue($1, 2)", batch) for _ in range(3)]
        finally:
            await connection.close()

    assert asyncio.run(chunks()) == [2, 4, 5]
    sql = """
        SELECT p.place FROM voucher v JOIN batch_person p ON p.batch = v.batch AND p.n = v.n AND p.holder = v.holder
        WHERE v.batch = $1 ORDER BY v.n
    """
    assert [row["place"] for row in rows(settings, sql, batch)] == [1, 2, 4, 5]
    seen = programme.look(draft)
    assert (seen["state"], seen["quantity"], seen["issued"], seen["skipped"]) == ("issued", 5, 4, 1)
    checked(settings)


def test_somebody_who_has_one_is_passed_over_and_the_money_goes_back(
    bureau: Bureau, programme: Programme, settings: Settings
) -> None:
    person = bureau.register()
    programme.batch()
    programme.claim(bureau.phone(person))
    named = [f"{person.facts['name']},{person.facts['id_no']}", line(bureau)[0]]
    draft = programme.pushed(*named)
    issued = programme.training.call("POST", f"/v1/voucher-batches/{draft['id']}/issue").json()
    assert (issued["issued"], issued["skipped"], issued["bad"]) == (1, 1, 1)
    assert programme.available() == 98 * FACE
    checked(settings)


def test_a_list_of_nobody_is_not_issued(programme: Programme) -> None:
    draft = programme.pushed(stranger())
    with refused("voucher_batch_nobody", 409):
        programme.training.call("POST", f"/v1/voucher-batches/{draft['id']}/issue")


def test_a_pushed_voucher_is_its_persons_from_the_start(bureau: Bureau) -> None:
    programme = Programme(bureau, kind="targeted")
    person = bureau.register()
    draft = programme.pushed(f"{person.facts['name']},{person.facts['id_no']}")
    programme.training.call("POST", f"/v1/voucher-batches/{draft['id']}/issue")
    phone = bureau.phone(person)
    [voucher] = phone.call("GET", "/v1/me/vouchers").json()
    assert (voucher["programme"], voucher["state"]) == (programme.id, "claimed")
    with refused("voucher_for_named_people"):
        programme.claim(bureau.phone())


def test_a_cancelled_batch_keeps_what_was_claimed_and_gives_the_rest_back(bureau: Bureau, settings: Settings) -> None:
    programme = Programme(bureau, money=LARGE * FACE)
    batch = programme.batch(LARGE)
    phone = bureau.phone()
    mine = programme.claim(phone)
    cancelled = programme.training.call("POST", f"/v1/voucher-batches/{batch['id']}/cancel").json()
    assert cancelled["state"] == "cancelling"
    programme.until(batch, "cancelled")
    assert programme.available() == (LARGE - 1) * FACE
    assert phone.call("GET", f"/v1/me/vouchers/{mine['id']}").json()["state"] == "claimed"
    with refused("voucher_none_left"):
        programme.claim(bureau.phone())
    checked(settings)


def test_a_batch_that_does_not_exist_is_not_found(bureau: Bureau) -> None:
    for method, tail in (("GET", ""), ("GET", "/bad-rows"), ("GET", "/vouchers"), ("POST", "/cancel")):
        with refused("not_found", 404):
            bureau.training.call(method, f"/v1/voucher-batches/{new_id()}{tail}")
