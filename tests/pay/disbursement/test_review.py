"""Four eyes on the very lines that are paid: whoever writes, in whatever order, at the same moment."""

import itertools

import asyncpg
import pytest

from ecard.client import Operator
from ecard.ids import new_id
from ecard.settings import Settings
from tests.benefits import Office, line
from tests.bureau import Bureau, outcomes, refused, rows

RACERS = 8


def test_a_batch_is_approved_level_by_level_by_two_operators(office: Office, bureau: Bureau) -> None:
    batch = office.handed_in([line(bureau.register())])
    with refused("benefit_wrong_level", 409) as refusal:
        office.approve(batch, 2)
    assert refusal.value.problem["level"] == 1
    assert office.approve(batch, 1)["state"] == "level1"
    assert office.approve(batch, 1)["state"] == "level1"
    with refused("benefit_wrong_level", 409):
        office.approve(batch, 1, by=office.second)
    with refused("benefit_same_operator", 403):
        office.approve(batch, 2, by=office.finance)
    with refused("benefit_not_approved", 409):
        office.release(batch)
    assert office.approve(batch, 2)["state"] == "level2"
    with refused("benefit_not_under_review", 409):
        office.approve(batch, 2, by=bureau.security.register_operator("第三人", "finance"))
    assert office.release(batch)["state"] == "releasing"
    assert office.release(batch)["state"] in {"releasing", "done"}


def test_direct_sql_can_neither_approve_alone_nor_release_nor_change_a_line(
    office: Office, bureau: Bureau, settings: Settings
) -> None:
    batch = office.handed_in([line(bureau.register())])
    approve = "INSERT INTO benefit_approval (batch, round, level, root, by) VALUES ($1, 1, $2, decode($3, 'hex'), $4)"
    one, two = office.finance.actor, office.second.actor
    manifest = batch["manifest"]
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="level_below"):
        rows(settings, approve, batch["id"], 2, manifest, one)
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="this_manifest"):
        rows(settings, approve, batch["id"], 1, "00" * 32, one)
    rows(settings, approve, batch["id"], 1, manifest, one)
    with pytest.raises(asyncpg.UniqueViolationError, match="four_eyes"):
        rows(settings, approve, batch["id"], 2, manifest, one)
    move = "UPDATE benefit_batch SET state = $2 WHERE id = $1"
    rows(settings, move, batch["id"], "level1")
    with pytest.raises(asyncpg.PostgresError) as refusal:
        rows(settings, move, batch["id"], "level2")
    assert refusal.value.sqlstate == "BN002"
    for change in ("UPDATE benefit_line SET amount = 1 WHERE batch = $1", "DELETE FROM benefit_line WHERE batch = $1"):
        with pytest.raises(asyncpg.PostgresError) as refusal:
            rows(settings, change, batch["id"])
        assert refusal.value.sqlstate == "BN003"
    with pytest.raises(asyncpg.PostgresError):
        rows(settings, "DELETE FROM benefit_approval WHERE batch = $1", batch["id"])
    rows(settings, approve, batch["id"], 2, manifest, two)


def test_direct_sql_brings_no_old_approval_to_other_lines(office: Office, bureau: Bureau, settings: Settings) -> None:
    batch = office.approved([line(bureau.register(), 100)])
    number = batch["id"]
    for change, state in (
        ("UPDATE benefit_batch SET state = 'draft' WHERE id = $1", "BN001"),
        ("UPDATE benefit_batch SET round = round + 1 WHERE id = $1", "BN001"),
        (
            """
            INSERT INTO benefit_batch (id, programme, agency, period, number, state, funding, escrow)
            SELECT ledger_id(), b.programme, b.agency, b.period, 'x' || b.number, 'releasing',
                   (SELECT id FROM journal LIMIT 1), (SELECT id FROM account LIMIT 1)
            FROM benefit_batch b WHERE b.id = $1
            """,
            "BN001",
        ),
    ):
        with pytest.raises(asyncpg.PostgresError) as refusal:
            rows(settings, change, number)
        assert refusal.value.sqlstate == state
    assert office.batch(batch)["state"] == "level2"
    office.finance.call("POST", f"/v1/benefit-reviews/{number}/cancel")


@pytest.mark.parametrize(
    "other", ["l.payee, 400000, l.n, l.try + 1", "$2, l.amount, l.n, l.try + 1", "l.payee, l.amount, l.n + 1, 2"]
)
def test_direct_sql_pays_nobody_else_by_another_try(
    office: Office, bureau: Bureau, settings: Settings, other: str
) -> None:
    batch = office.handed_in([line(bureau.register(), 100)])
    again = f"""
        INSERT INTO benefit_line (id, batch, programme, period, component, reference, salt, redrive_of,
                                  payee, amount, n, try)
        SELECT ledger_id(), l.batch, l.programme, l.period, l.component, l.reference, l.salt, l.id, {other}
        FROM benefit_line l WHERE l.batch = $1 AND $2::uuid IS NOT NULL
    """
    rows(settings, "UPDATE benefit_line SET state = 'returned' WHERE batch = $1", batch["id"])
    with pytest.raises(asyncpg.PostgresError) as refusal:
        rows(settings, again, batch["id"], new_id())
    assert refusal.value.sqlstate == "BN003"
    office.finance.call("POST", f"/v1/benefit-reviews/{batch['id']}/cancel")


def test_lines_that_were_changed_past_every_guard_are_not_released(
    office: Office, bureau: Bureau, settings: Settings
) -> None:
    batch = office.approved([line(bureau.register(), 100)])
    rows(settings, "ALTER TABLE benefit_line DISABLE TRIGGER benefit_line_unchanged")
    rows(settings, "UPDATE benefit_line SET amount = 400000 WHERE batch = $1", batch["id"])
    rows(settings, "ALTER TABLE benefit_line ENABLE TRIGGER benefit_line_unchanged")
    with refused("benefit_manifest_changed", 409):
        office.release(batch)
    assert office.batch(batch)["state"] == "level2"
    office.finance.call("POST", f"/v1/benefit-reviews/{batch['id']}/cancel")


def test_a_batch_that_was_sent_back_needs_both_approvals_again(office: Office, bureau: Bureau) -> None:
    person, other = bureau.register(), bureau.register()
    batch = office.handed_in([line(person, 100)])
    office.approve(batch, 1)
    with refused("benefit_batch_not_draft", 409):
        office.upload(batch, [line(other, 100)])
    body = {"manifest": batch["manifest"], "reason": "\0"}
    with refused("invalid_request", 400):
        office.second.call("POST", f"/v1/benefit-reviews/{batch['id']}/rejections", body)
    body["reason"] = "金额有误"
    office.second.call("POST", f"/v1/benefit-reviews/{batch['id']}/rejections", body)
    found = office.batch(batch)
    assert (found["state"], found["round"], found["reason"], found["approvals"]) == ("draft", 2, "金额有误", 0)
    office.upload(batch, [line(person, 90), line(other, 100)])
    again = office.submit(batch)
    assert again["manifest"] != batch["manifest"]
    with refused("benefit_manifest_stale", 409):
        office.approve(batch, 1)
    office.approve(again, 1)
    with refused("benefit_manifest_stale", 409):
        office.approve(batch, 2)
    office.approve(again, 2)
    with refused("benefit_manifest_stale", 409):
        office.release(batch)
    assert office.release(again)["state"] == "releasing"


def test_nothing_is_approved_while_the_public_notice_runs(bureau: Bureau, settings: Settings) -> None:
    announced = Office(bureau, notice_days=5)
    batch = announced.handed_in([line(bureau.register())])
    with refused("benefit_notice_running", 409) as refusal:
        announced.approve(batch, 1)
    assert refusal.value.problem["ends_at"].startswith(batch["notice_ends_at"][:10])
    rows(settings, "UPDATE benefit_batch SET notice_ends_at = now() WHERE id = $1", batch["id"])
    assert announced.approve(batch, 1)["state"] == "level1"


def test_nothing_is_released_that_the_fund_does_not_hold(bureau: Bureau) -> None:
    poor = Office(bureau, budget=29999)
    batch = poor.approved([line(bureau.register(), 30000)])
    with refused("balance_short", 409):
        poor.release(batch)
    poor.give(1)
    assert poor.release(batch)["state"] == "releasing"
    assert poor.fund() == 0


def test_of_operators_who_approve_at_once_one_decides_each_level(office: Office, bureau: Bureau) -> None:
    operators: list[Operator] = [bureau.security.register_operator("复核", "finance") for _ in range(RACERS)]
    for one in operators:
        one.open()
    batch = office.handed_in([line(bureau.register())])
    for level, others in itertools.product((1, 2), (operators,)):
        told = outcomes([lambda by=one, level=level: office.approve(batch, level, by=by) for one in others])  # type: ignore[misc] # bound now
        assert told["ok"] == 1, told
        losers = {"benefit_wrong_level", "benefit_same_operator", "benefit_not_under_review"}
        assert set(told) <= losers | {"ok"}
    assert office.batch(batch)["approvals"] == 2
    told = outcomes([lambda: office.release(batch)] * RACERS)
    assert set(told) <= {"ok", "idempotency_in_flight"}
    office.until(batch, "paid")
