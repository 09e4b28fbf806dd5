"""核销: an institution is paid for an audited voucher, once; a redemption is undone before it is settled, or never."""

import datetime
from typing import Any
from uuid import UUID

from ecard.settings import Settings
from tests.bureau import Bureau, refused, rows
from tests.pay.ledger.checking import checked
from tests.shop import Shop, new_number
from tests.training import FACE, Programme, audited

PAYABLE = "SELECT balance FROM account_balance b JOIN merchant m ON m.payable = b.id WHERE m.agency = $1"


def redeem(shop: Shop, voucher: dict[str, Any], *, key: str | None = None) -> dict[str, Any]:
    """Return the redemption of a voucher by the institution's server."""
    body = {"voucher": voucher["id"]}
    made: dict[str, Any] = shop.online.call("POST", "/v1/voucher-redemptions", body, key=key).json()
    return made


def owed(settings: Settings, shop: Shop) -> int:
    """Return what an institution is owed."""
    return int(rows(settings, PAYABLE, shop.agency)[0][0])


def test_the_institution_is_owed_what_the_audit_found_and_the_rest_is_the_programmes(
    programme: Programme, institution: Shop, settings: Settings
) -> None:
    before = owed(settings, institution)
    voucher = audited(programme, institution, FACE - 500)
    made = redeem(institution, voucher)
    assert (made["voucher"], made["amount"]) == (voucher["id"], FACE - 500)
    assert owed(settings, institution) == before + FACE - 500
    assert programme.available() == 99 * FACE + 500
    seen = programme.seen(voucher)
    assert (seen["state"], seen["amount"], seen["journal"]) == ("redeemed", FACE - 500, made["journal"])
    event = seen["events"][-1]
    assert (event["kind"], event["actor"]) == ("redeemed", str(institution.online.actor))
    assert event["place"]
    checked(settings)


def test_an_audit_that_found_nothing_pays_nothing(programme: Programme, institution: Shop, settings: Settings) -> None:
    assert redeem(institution, audited(programme, institution, 0))["amount"] == 0
    assert programme.available() == 100 * FACE
    checked(settings)


def test_the_same_request_again_is_answered_as_the_first_and_another_is_told_of_it(
    programme: Programme, institution: Shop, settings: Settings
) -> None:
    voucher = audited(programme, institution)
    before = owed(settings, institution)
    key = new_number()
    first = redeem(institution, voucher, key=key)
    assert redeem(institution, voucher, key=key) == first
    with refused("voucher_already_redeemed", 409) as refusal:
        redeem(institution, voucher)
    problem = refusal.value.problem
    assert (problem["first_at"], problem["first_by"]) == (first["redeemed_at"], str(institution.online.actor))
    assert owed(settings, institution) == before + FACE
    with refused("idempotency_key_reused", 422):
        redeem(institution, audited(programme, institution), key=key)


def test_another_institution_is_told_nothing(bureau: Bureau, programme: Programme, institution: Shop) -> None:
    other = Shop(bureau)
    voucher = audited(programme, institution)
    with refused("voucher_wrong_institution", 403):
        redeem(other, voucher)
    redeem(institution, voucher)
    with refused("voucher_wrong_institution", 403) as refusal:
        redeem(other, voucher)
    assert "first_at" not in refusal.value.problem


def test_only_the_institutions_server_redeems(programme: Programme, institution: Shop) -> None:
    with refused("institution_server_wanted", 403):
        body = {"voucher": audited(programme, institution)["id"]}
        institution.till.call("POST", "/v1/voucher-redemptions", body)


def test_what_is_not_audited_is_not_paid_and_what_is_frozen_is_not_either(
    programme: Programme, institution: Shop, settings: Settings
) -> None:
    voucher = audited(programme, institution)
    programme.move(voucher, "freeze")
    with refused("voucher_frozen", 409):
        redeem(institution, voucher)
    programme.move(voucher, "cancel")
    with refused("voucher_state", 409):
        redeem(institution, voucher)
    # Back before the audit, as a voucher in training is.
    other = audited(programme, institution)
    sql = "ALTER TABLE voucher {} TRIGGER voucher_moved"
    rows(settings, sql.format("DISABLE"))
    rows(settings, "UPDATE voucher SET state = 'in_use', amount = NULL WHERE id = $1", other["id"])
    rows(settings, sql.format("ENABLE"))
    with refused("voucher_not_audited", 409):
        redeem(institution, other)


def test_an_institution_that_takes_no_money_is_not_paid(bureau: Bureau, programme: Programme) -> None:
    shop = Shop(bureau)
    voucher = audited(programme, shop)
    state = f"/v1/merchants/{shop.agency}/state"
    bureau.finance.call("PUT", state, {"suspended": True})
    with refused("merchant_suspended", 403):
        redeem(shop, voucher)
    bureau.finance.call("PUT", state, {"suspended": False})
    assert redeem(shop, voucher)["amount"] == FACE


def test_a_redemption_is_undone_and_its_money_is_the_programmes_again(
    bureau: Bureau, programme: Programme, settings: Settings
) -> None:
    shop = Shop(bureau)
    voucher = audited(programme, shop, FACE - 1)
    redeem(shop, voucher)
    assert programme.move(voucher, "reverse") == "reversed"
    assert programme.move(voucher, "reverse") == "reversed", "again changes nothing"
    assert (owed(settings, shop), programme.available()) == (0, 100 * FACE)
    with refused("voucher_state", 409):
        redeem(shop, voucher)
    sql = "SELECT body FROM outbox WHERE topic = 'webhook' AND body->>'voucher' = $1"
    [told] = rows(settings, sql, voucher["id"])
    assert '"voucher.reversed"' in told["body"]
    checked(settings)


def test_what_is_being_settled_is_not_undone_and_what_was_paid_is_settled(
    bureau: Bureau, programme: Programme, settings: Settings
) -> None:
    shop = Shop(bureau)
    failed, paid = audited(programme, shop), audited(programme, shop)
    redeem(shop, failed)
    pay_out(settings, shop, 0, "failed")
    assert programme.seen(failed)["state"] == "redeemed"
    assert programme.move(failed, "reverse") == "reversed", "the money is the institution's still, and is taken back"
    redeem(shop, paid)
    attempt = pay_out(settings, shop, 1)
    with refused("voucher_already_settled", 409):
        programme.move(paid, "reverse")
    assert programme.seen(paid)["state"] == "redeemed"
    rows(settings, "SELECT settle_book($1, 'ok', '00')", attempt)
    rows(settings, "SELECT voucher_settle(1000)")
    assert programme.seen(paid)["state"] == "settled"
    with refused("voucher_already_settled", 409):
        programme.move(paid, "reverse")
    checked(settings)


def test_what_is_still_on_its_way_is_not_settled_by_a_later_day(
    programme: Programme, bureau: Bureau, settings: Settings
) -> None:
    shop = Shop(bureau)
    first, second = audited(programme, shop), audited(programme, shop)
    redeem(shop, first)
    attempt = pay_out(settings, shop, 0)
    redeem(shop, second)
    pay_out(settings, shop, 1, "ok")
    assert programme.seen(first)["state"] == "redeemed", "its bank has not answered yet"
    rows(settings, "SELECT settle_book($1, 'failed', '05')", attempt)
    rows(settings, "SELECT voucher_settle(1000)")
    assert programme.seen(first)["state"] == "redeemed", "it is owed again"
    pay_out(settings, shop, 2, "ok")
    assert {programme.seen(one)["state"] for one in (first, second)} == {"settled"}
    checked(settings)


def pay_out(settings: Settings, shop: Shop, days: int, outcome: str = "") -> UUID:
    """Pay a voucher's face out with the settlement of a day from today on; return the attempt, booked if said."""
    today = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).date()
    sql = "SELECT settle_begin($1, $2, $3)"
    [begun] = rows(settings, sql, shop.agency, today + datetime.timedelta(days=days), FACE)
    [attempt] = rows(settings, "SELECT id FROM bank_attempt WHERE subject = $1", begun[0])
    if outcome:
        rows(settings, "SELECT settle_book($1, $2, '05')", attempt[0], outcome)
        rows(settings, "SELECT voucher_settle(1000)")
    return UUID(str(attempt[0]))


def test_money_that_the_institution_has_spent_is_not_taken_back(
    bureau: Bureau, programme: Programme, settings: Settings
) -> None:
    shop = Shop(bureau)
    voucher = audited(programme, shop)
    redeem(shop, voucher)
    # What is held for a refund is spent already.
    sql = "SELECT ledger_hold(payable, 1, 'test', agency) FROM merchant WHERE agency = $1"
    [held] = rows(settings, sql, shop.agency)
    with refused("balance_short", 409):
        programme.move(voucher, "reverse")
    assert programme.seen(voucher)["state"] == "redeemed"
    rows(settings, "SELECT ledger_void_hold($1)", held[0])
    assert programme.move(voucher, "reverse") == "reversed"


def test_a_person_may_have_another_after_the_first_was_redeemed_unless_it_is_once_for_all(
    bureau: Bureau, institution: Shop
) -> None:
    for once in (False, True):
        programme = Programme(bureau, once=once)
        programme.batch()
        voucher = audited(programme, institution)
        redeem(institution, voucher)
        [row] = rows(bureau.settings, "SELECT slot FROM voucher WHERE id = $1", voucher["id"])  # type: ignore[arg-type] # it is the test's server
        assert (row[0] is not None) == once
