"""A volunteer's time is earned by two visits, once, and spent by nobody else."""

import asyncio
import datetime
from functools import partial

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecard.client import Phone, Terminal
from ecard.client.hours import arrive, cancel, complete, depart, my_hours, redeem, register_body
from ecard.ids import new_id
from ecard.settings import Settings
from pay.hours.checks import CHECKS
from pay.hours.model import LONGEST, minutes
from tests.bureau import Bureau, new_uscc, outcomes, refused, rows
from tests.pay.ledger.checking import checked

ITEM, PROJECT = "A2-06", "社区助老"
AGED = "UPDATE volunteer_service SET came_at = came_at - make_interval(mins => $2) WHERE id = $1"


@pytest.fixture(scope="module")
def society(bureau: Bureau) -> Terminal:
    """The counter of an organisation that records service and takes time."""
    agency = bureau.registrar.register_agency("测试志愿者协会", new_uscc())
    register_body(bureau.registrar, agency)
    return bureau.registrar.register_terminal(agency, "counter", site="东街社区")


def visit(society: Terminal, phone: Phone) -> str:
    return str(society.visit(ITEM, phone.code())["visit"])


def served(society: Terminal, phone: Phone, settings: Settings, spent: int) -> dict[str, object]:
    """Return a service of so many minutes."""
    began = arrive(society, visit(society, phone), PROJECT)
    rows(settings, AGED, began["id"], spent - 1)
    return depart(society, visit(society, phone))


def test_a_service_between_two_visits_is_credited_and_stands_in_the_statement(
    bureau: Bureau, society: Terminal, settings: Settings
) -> None:
    phone = bureau.phone()
    assert my_hours(phone) == {"balance": 0, "held": 0, "available": 0, "services": [], "redemptions": []}
    made = served(society, phone, settings, 90)
    assert (made["state"], made["minutes"], made["project"]) == ("credited", 90, PROJECT)
    found = my_hours(phone)
    assert (found["balance"], found["available"], found["services"]) == (90, 90, [made])
    checked(settings)


def test_who_showed_the_card_twice_on_coming_was_not_seen_to_leave(
    bureau: Bureau, society: Terminal, settings: Settings
) -> None:
    phone = bureau.phone()
    spare, came = visit(society, phone), visit(society, phone)
    began = arrive(society, came, PROJECT)
    with refused("volunteer_visit_counted", 409):
        depart(society, spare)
    assert [one["state"] for one in my_hours(phone)["services"]] == ["open"]
    rows(settings, AGED, began["id"], 9)
    assert depart(society, visit(society, phone))["minutes"] == 10


def test_time_is_set_aside_spent_in_part_and_given_back(bureau: Bureau, society: Terminal, settings: Settings) -> None:
    phone = bureau.phone()
    served(society, phone, settings, 100)
    first, second = (redeem(society, visit(society, phone), 40, "居家照护") for _ in range(2))
    with refused("volunteer_hours_short", 409) as refusal:
        redeem(society, visit(society, phone), 21, "居家照护")
    assert refusal.value.problem["available"] == 20
    with refused("volunteer_redemption_exceeded", 409):
        complete(society, first["id"], 41)
    assert complete(society, first["id"], 30)["spent"] == 30
    assert cancel(society, second["id"])["state"] == "cancelled"
    for act in (partial(complete, society, first["id"], 1), partial(cancel, society, second["id"])):
        with refused("volunteer_redemption_over", 409):
            act()
    found = my_hours(phone)
    assert (found["balance"], found["held"], found["available"]) == (70, 0, 70)
    assert [one["state"] for one in found["redemptions"]] == ["cancelled", "redeemed"]
    checked(settings)


def test_what_was_set_aside_and_never_taken_is_free_again_after_a_day(
    bureau: Bureau, society: Terminal, settings: Settings
) -> None:
    phone = bureau.phone()
    served(society, phone, settings, 30)
    made = redeem(society, visit(society, phone), 30, "居家照护")
    late = "UPDATE hold SET expires_at = now() - interval '1 second' WHERE ref = $1"
    rows(settings, late, made["id"])
    with refused("volunteer_redemption_over", 409) as refusal:
        complete(society, made["id"], 30)
    assert refusal.value.problem["current"] == "expired"
    assert my_hours(phone)["redemptions"][0]["state"] == "expired"
    rows(settings, "SELECT ledger_expire_holds(1000)")
    assert my_hours(phone)["available"] == 30


def test_a_check_out_is_credited_once_however_many_ask_at_once(
    bureau: Bureau, society: Terminal, settings: Settings
) -> None:
    phone = bureau.phone()
    arrive(society, visit(society, phone), PROJECT)
    visits = [visit(society, phone) for _ in range(3)]
    found = outcomes([partial(depart, society, one) for one in visits * 4])
    assert found["ok"] == 1
    assert found.keys() <= {"ok", "volunteer_not_serving", "volunteer_visit_counted"}
    assert my_hours(phone)["balance"] == 1
    checked(settings)


def test_a_volunteer_spends_no_more_than_there_is_however_many_take_at_once(
    bureau: Bureau, society: Terminal, settings: Settings
) -> None:
    phone = bureau.phone()
    served(society, phone, settings, 50)
    visits = [visit(society, phone) for _ in range(8)]
    found = outcomes([partial(redeem, society, one, 20, "居家照护") for one in visits])
    assert found == {"ok": 2, "volunteer_hours_short": 6}
    held = [one["id"] for one in my_hours(phone)["redemptions"]]
    found = outcomes([partial(complete, society, one, 20) for one in held * 4])
    assert found == {"ok": 2, "volunteer_redemption_over": 6}
    assert my_hours(phone)["balance"] == 10
    checked(settings)


def test_arriving_and_leaving_are_two_visits_and_a_retry_is_the_same(bureau: Bureau, society: Terminal) -> None:
    phone, key = bureau.phone(), new_id().hex
    one = visit(society, phone)
    assert len({arrive(society, one, PROJECT, key=key)["id"] for _ in range(2)}) == 1
    with refused("volunteer_visit_counted", 409):
        depart(society, one)
    with refused("volunteer_serving", 409):
        arrive(society, visit(society, phone), PROJECT)
    with refused("volunteer_visit_counted", 409):
        arrive(society, one, PROJECT)


def test_a_visit_is_for_one_thing_to_earn_or_to_spend(bureau: Bureau, society: Terminal, settings: Settings) -> None:
    phone = bureau.phone()
    came, went, third = (visit(society, phone) for _ in range(3))
    rows(settings, AGED, arrive(society, came, PROJECT)["id"], 5)
    depart(society, went)
    for used in (came, went):
        with refused("volunteer_visit_counted", 409):
            redeem(society, used, 1, "居家照护")
    both = [partial(redeem, society, third, 1, "居家照护"), partial(arrive, society, third, PROJECT)]
    assert outcomes(both * 4) == {"ok": 1, "volunteer_visit_counted": 7}


def test_who_forgot_to_check_out_earned_nothing_and_may_come_again(
    bureau: Bureau, society: Terminal, settings: Settings
) -> None:
    phone = bureau.phone()
    began = arrive(society, visit(society, phone), PROJECT)
    rows(settings, AGED, began["id"], 13 * 60)
    with refused("volunteer_service_lapsed", 409):
        depart(society, visit(society, phone))
    arrive(society, visit(society, phone), PROJECT)
    assert [one["state"] for one in my_hours(phone)["services"]] == ["open", "lapsed"]


def test_only_registered_organisations_record_and_take_time_and_only_from_the_volunteer(
    bureau: Bureau, society: Terminal
) -> None:
    phone, stranger = bureau.phone(), bureau.counter_of_another_agency()
    with refused("volunteer_not_recording", 403):
        arrive(stranger, visit(stranger, phone), PROJECT)
    with refused("volunteer_not_redeeming", 403):
        redeem(stranger, visit(stranger, phone), 1, "居家照护")
    with refused("volunteer_not_serving", 409):
        depart(society, visit(society, phone))
    with refused("not_found", 404):
        cancel(society, str(new_id()))
    with refused("not_found", 404):
        register_body(bureau.registrar, new_id())
    elder = bureau.register()
    bureau.phone(elder)
    [shown] = phone.codes(relative=bureau.add_relative(phone, elder))
    with refused("volunteer_not_in_person", 403):
        arrive(society, str(society.visit(ITEM, shown["code"])["visit"]), PROJECT)
    other = bureau.terminal()
    with refused("wrong_flow", 422):
        arrive(other, str(other.visit("A1-01", phone.code())["visit"]), PROJECT)


def test_time_that_passed_from_one_volunteer_to_another_is_named_as_a_break(
    bureau: Bureau, society: Terminal, settings: Settings
) -> None:
    giver, taker = bureau.phone(), bureau.phone()
    for phone in (giver, taker):
        served(society, phone, settings, 10)
    wallets = rows(
        settings,
        """
        SELECT a.id FROM account a JOIN card c ON c.holder::text = a.owner JOIN device d ON d.card = c.seq
        WHERE a.owner_kind = 'volunteer' AND d.actor = ANY ($1)
        """,
        [giver.actor, taker.actor],
    )
    give = """
        SELECT ledger_post('gift', 'gift', gen_random_uuid(), ARRAY[($1::uuid, -5)::account_leg, ($2, 5)::account_leg])
    """

    async def look() -> list[str]:
        connection = await asyncpg.connect(settings.database_url)
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(give, *[row["id"] for row in wallets])
            return [check.code for check in CHECKS if await connection.fetch(check.sql)]
        finally:
            await transaction.rollback()
            await connection.close()

    assert asyncio.run(look()) == ["H1", "H2"]


_TIMES = st.timedeltas(datetime.timedelta(0), 2 * LONGEST)
_AT = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)


@given(_TIMES, _TIMES)
def test_a_longer_service_never_earns_less_and_a_begun_minute_is_one(
    one: datetime.timedelta, more: datetime.timedelta
) -> None:
    short, long = minutes(_AT, _AT + one), minutes(_AT, _AT + one + more)
    assert (short is None) == (one > LONGEST)
    if short is not None:
        assert short >= 1
        assert datetime.timedelta(0) <= datetime.timedelta(minutes=short) - one <= datetime.timedelta(minutes=1)
        assert long is None or long >= short
