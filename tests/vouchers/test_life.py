"""A voucher's life as learner, institution and bureau see it; each refusal is its own, and on record."""

from typing import Any

import httpx
import pytest

from ecard.ids import new_id
from ecard.settings import Settings
from tests.bureau import Bureau, refused, rows
from tests.pay.ledger.checking import checked
from tests.shop import Shop
from tests.training import FACE, Programme, audited, step


def ended_by_time(settings: Settings, voucher: dict[str, Any]) -> None:
    """Let a voucher's time be over, past the application."""
    sql = "UPDATE voucher SET valid_from = now() - interval '9 days', valid_until = now() WHERE id = $1 RETURNING 1"
    assert rows(settings, sql, voucher["id"])


def on_record(settings: Settings, kind: str, outcome: str) -> int:
    """Return how many audit rows say so."""
    sql = "SELECT count(*) FROM audit_event WHERE kind = $1 AND outcome = $2"
    return int(rows(settings, sql, kind, outcome)[0][0])


def test_a_learner_claims_one_and_sees_what_happened_to_it(bureau: Bureau, programme: Programme) -> None:
    programme.batch(2)
    phone = bureau.phone()
    [offer] = [one for one in phone.call("GET", "/v1/me/voucher-programmes").json() if one["id"] == programme.id]
    assert (offer["left"], offer["mine"]) == (True, 0)
    voucher = programme.claim(phone)
    assert (voucher["face"], voucher["state"]) == (FACE, "claimed")
    seen = phone.call("GET", f"/v1/me/vouchers/{voucher['id']}").json()
    assert [one["kind"] for one in seen["events"]] == ["issued", "claimed"]
    assert seen["events"][1]["evidence"] == "app"
    assert [one["id"] for one in phone.call("GET", "/v1/me/vouchers").json()] == [voucher["id"]]
    with refused("not_found", 404):
        bureau.phone().call("GET", f"/v1/me/vouchers/{voucher['id']}")


def test_one_person_has_one_voucher_of_a_programme_unless_it_says_otherwise(bureau: Bureau, settings: Settings) -> None:
    one, three = Programme(bureau), Programme(bureau, per_person=3)
    one.batch(9)
    three.batch(9)
    phone = bureau.phone()
    one.claim(phone)
    before = on_record(settings, "voucher_claim", "voucher_has_one")
    with refused("voucher_has_one", 409):
        one.claim(phone)
    assert on_record(settings, "voucher_claim", "voucher_has_one") == before + 1
    for _ in range(3):
        three.claim(phone)
    with refused("voucher_has_one"):
        three.claim(phone)


def test_a_claim_that_is_repeated_is_the_same_claim(bureau: Bureau) -> None:
    programme = Programme(bureau, per_person=2)
    programme.batch(2)
    phone = bureau.phone()
    body = {"programme": programme.id}
    answers = [phone.call("POST", "/v1/me/voucher-claims", body, key="claim-1").json()["id"] for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(phone.call("GET", "/v1/me/vouchers").json()) == 1


def test_who_claims_from_a_programme_for_groups_says_which(bureau: Bureau) -> None:
    programme = Programme(bureau, groups=["失业人员", "农村转移劳动者"])
    programme.batch()
    phone = bureau.phone()
    for group in ({}, {"group": "在校学生"}):
        with refused("voucher_group_wanted", 422) as refusal:
            programme.claim(phone, **group)
        assert refusal.value.problem["groups"] == ["失业人员", "农村转移劳动者"]
    voucher = programme.claim(phone, group="失业人员")
    assert programme.seen(voucher)["events"][1]["detail"] == {"group": "失业人员"}


def test_nothing_is_claimed_of_what_is_taken_or_not_valid_yet_or_unknown(bureau: Bureau, programme: Programme) -> None:
    phone = bureau.phone()
    with refused("voucher_none_left", 409):
        programme.claim(phone)
    programme.batch(valid_from=int(phone.now()) + 3600)
    with refused("voucher_none_left"):
        programme.claim(phone)
    with refused("not_found", 404):
        phone.call("POST", "/v1/me/voucher-claims", {"programme": str(new_id())})


def test_a_frozen_voucher_takes_no_step_and_goes_on_as_it_was(
    bureau: Bureau, programme: Programme, settings: Settings
) -> None:
    programme.batch()
    voucher = programme.claim(bureau.phone())
    assert programme.move(voucher, "freeze") == "frozen"
    assert programme.move(voucher, "freeze") == "frozen", "again changes nothing"
    assert not step(settings, voucher, "bound")
    assert programme.move(voucher, "unfreeze") == "claimed"
    assert step(settings, voucher, "bound")
    seen = programme.seen(voucher)
    assert [one["kind"] for one in seen["events"]] == ["issued", "claimed", "frozen", "unfrozen", "bound"]
    assert (seen["events"][2]["actor"], seen["events"][2]["detail"]) == (
        str(bureau.training.actor),
        {"reason": "复核"},
    )


def test_a_voucher_that_was_frozen_before_anybody_had_it_can_be_claimed(bureau: Bureau, programme: Programme) -> None:
    batch = programme.batch()
    [unclaimed] = programme.training.call("GET", f"/v1/voucher-batches/{batch['id']}/vouchers").json()
    programme.move(unclaimed, "freeze")
    with refused("voucher_none_left"):
        programme.claim(bureau.phone())
    programme.move(unclaimed, "unfreeze")
    assert programme.claim(bureau.phone())["id"] == unclaimed["id"]


def test_a_void_voucher_gives_its_money_and_its_persons_place_back(
    bureau: Bureau, programme: Programme, settings: Settings
) -> None:
    programme.batch(2)
    phone = bureau.phone()
    voucher = programme.claim(phone)
    assert programme.move(voucher, "cancel") == "cancelled"
    assert programme.move(voucher, "cancel") == "cancelled", "again changes nothing"
    assert programme.available() == 99 * FACE
    for how in ("freeze", "unfreeze", "reverse"):
        with refused("voucher_state", 409) as refusal:
            programme.move(voucher, how)
        assert refusal.value.problem["state"] == "cancelled"
    programme.claim(phone)
    checked(settings)


def test_a_voucher_ends_to_the_second_and_its_money_goes_back(
    bureau: Bureau, programme: Programme, settings: Settings
) -> None:
    programme.batch(2)
    phone = bureau.phone()
    voucher = programme.claim(phone)
    ended_by_time(settings, voucher)
    assert phone.call("GET", f"/v1/me/vouchers/{voucher['id']}").json()["state"] == "expired"
    assert not step(settings, voucher, "bound"), "not from that second on, whether it was swept or not"
    rows(settings, "SELECT voucher_expire(1000)")
    assert programme.available() == 99 * FACE
    assert programme.seen(voucher)["events"][-1]["kind"] == "expired"
    programme.claim(phone)
    checked(settings)


def test_what_was_completed_in_time_is_audited_and_redeemed_after_it(
    programme: Programme, institution: Shop, settings: Settings
) -> None:
    voucher = audited(programme, institution)
    ended_by_time(settings, voucher)
    rows(settings, "SELECT voucher_expire(1000)")
    made = institution.online.call("POST", "/v1/voucher-redemptions", {"voucher": voucher["id"]}).json()
    assert made["amount"] == FACE


def test_a_rejected_completion_has_days_to_be_put_right(
    bureau: Bureau, programme: Programme, institution: Shop, settings: Settings
) -> None:
    programme.batch()
    voucher = programme.claim(bureau.phone())
    for to in ("bound", "in_use", "completed"):
        assert step(settings, voucher, to, p_institution=institution.agency)
    ended_by_time(settings, voucher)
    rows(settings, "SELECT voucher_step($1, '{completed}', 'in_use', 'rejected', NULL)", voucher["id"])
    assert programme.seen(voucher)["state"] == "in_use"
    assert programme.seen(voucher)["valid_until"] > voucher["valid_from"] + 6 * 86400
    assert step(settings, voucher, "completed")


def test_a_number_finds_its_voucher_and_a_forged_one_is_on_record(
    bureau: Bureau, programme: Programme, settings: Settings
) -> None:
    programme.batch()
    voucher = programme.claim(bureau.phone())

    def look(serial: str) -> httpx.Response:
        return programme.training.call("POST", "/v1/voucher-lookups", {"serial": serial})

    assert look(voucher["serial"]).json()["id"] == voucher["id"]
    before = on_record(settings, "voucher_lookup", "voucher_serial_unknown")
    for forged in (voucher["serial"][:-1] + str(9 - int(voucher["serial"][-1])), "12345678901234567888", "二十位"):
        with refused("voucher_serial_unknown", 422) as refusal:
            look(forged)
        assert forged not in str(refusal.value.problem)
    assert on_record(settings, "voucher_lookup", "voucher_serial_unknown") == before + 3


@pytest.mark.parametrize("state", ["expired", "cancelled", "reversed"])
def test_no_way_leads_on_from_an_exit(
    bureau: Bureau, programme: Programme, institution: Shop, settings: Settings, state: str
) -> None:
    voucher = audited(programme, institution)
    if state == "reversed":
        institution.online.call("POST", "/v1/voucher-redemptions", {"voucher": voucher["id"]})
        programme.move(voucher, "reverse")
    elif state == "cancelled":
        programme.move(voucher, "cancel")
    else:
        programme.batch()
        voucher = programme.claim(bureau.phone())
        ended_by_time(settings, voucher)
        rows(settings, "SELECT voucher_expire(1000)")
    # Not even past the application.
    sql = "UPDATE voucher SET state = s FROM unnest($2::text[]) s WHERE id = $1 AND s <> state"
    for to in ("issued", "claimed", "bound", "in_use", "completed", "audited", "redeemed", "settled"):
        with pytest.raises(Exception, match=r"voucher: (no way from|not what)"):
            rows(settings, sql, voucher["id"], [to])
