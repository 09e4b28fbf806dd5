"""What a booking put into the outbox arrives, verified by the published library; nobody waits for anybody else."""

import time
from typing import Any

import pytest

from ecard.settings import Settings
from pay.webhooks.delivery import TOPIC
from tests.bureau import rows
from tests.pay.receivers import Receiver, receiving, trickling
from tests.pay.webhooks.conftest import Merchant

FAILING_SINCE = "UPDATE webhook_endpoint SET failing_since = now() - $2::text::interval WHERE id = $1::text::uuid"


def test_an_event_arrives_signed_with_what_happened(merchant: Merchant, receiver: Receiver) -> None:
    secret = merchant.endpoint(receiver.url)["secret"]
    [name] = merchant.books()
    [arrived] = receiver.hears(1)
    read = arrived.verified(secret)
    assert (arrived.name, read["type"], read["data"]) == (name, "order.paid", {"amount": 1})


def test_each_endpoint_of_a_merchant_hears_it_and_no_endpoint_of_another(
    merchant: Merchant, other: Merchant, receiver: Receiver
) -> None:
    with receiving() as second, receiving() as foreign:
        for url in (receiver.url, second.url):
            merchant.endpoint(url)
        other.endpoint(foreign.url)
        [name] = merchant.books()
        assert {receiver.hears(1)[0].name, second.hears(1)[0].name} == {name}
        time.sleep(0.5)
        assert foreign.arrived == []


@pytest.mark.parametrize("status", [500, 302])
def test_what_failed_comes_again_by_the_same_id_and_to_the_byte_and_then_no_more(
    merchant: Merchant, receiver: Receiver, status: int
) -> None:
    secret = merchant.endpoint(receiver.url)["secret"]
    receiver.statuses += [status, status]
    merchant.books()
    for times in (1, 2, 3):
        seen = receiver.hears(times)
        time.sleep(0.1)
        merchant.due()
    for arrived in seen:
        arrived.verified(secret)
    assert len({(arrived.path, arrived.name, arrived.body) for arrived in seen}) == 1
    time.sleep(1.5)
    assert len(receiver.arrived) == 3


def test_what_fails_waits_longer_each_time_and_is_given_up_after_three_days(
    merchant: Merchant, receiver: Receiver, settings: Settings
) -> None:
    endpoint = merchant.endpoint(receiver.url)["id"]
    receiver.statuses += [500] * 4
    merchant.books()
    state = """
        SELECT extract(epoch FROM due_at - clock_timestamp())::float8 AS wait, given_up_at IS NOT NULL AS given_up
        FROM outbox WHERE topic = 'webhook_delivery' AND body ->> 'endpoint' = $1
    """
    seen: list[Any] = []
    for tries in (0, 1, 9):
        rows(settings, "UPDATE outbox SET tries = $2 WHERE body ->> 'endpoint' = $1", endpoint, tries)
        merchant.due()
        receiver.hears(len(seen) + 1)
        seen.append(rows(settings, state, endpoint)[0])
    assert [row["given_up"] for row in seen] == [False, False, True]
    assert [row["wait"] for row in seen[:2]] == [pytest.approx(30, abs=5), pytest.approx(300, abs=5)]
    assert 72 * 3600 < sum(TOPIC.waits[:9]) < 4 * 24 * 3600
    merchant.due()
    time.sleep(1.2)
    assert len(receiver.arrived) == 3


def test_slow_and_dead_endpoints_with_a_backlog_delay_no_other(
    merchant: Merchant, other: Merchant, receiver: Receiver
) -> None:
    with trickling() as address:
        for url in (address, "http://127.0.0.1:9/told"):
            merchant.endpoint(url)
        merchant.books(count=300)
        other.endpoint(receiver.url)
        time.sleep(1)
        began = time.monotonic()
        other.books(count=20)
        receiver.hears(20)
        assert time.monotonic() - began < 4


def test_the_sequence_tells_the_order_of_what_happened_whatever_the_order_of_arrival(
    merchant: Merchant, receiver: Receiver
) -> None:
    merchant.endpoint(receiver.url)
    names = [merchant.books(event)[0] for event in ("order.processing", "order.paid", "order.refunded")]
    ordered = sorted(receiver.hears(3), key=lambda arrived: int(arrived.json["sequence"]))
    assert [arrived.name for arrived in ordered] == names


def test_an_endpoint_that_says_gone_is_told_nothing_more(
    merchant: Merchant, receiver: Receiver, settings: Settings
) -> None:
    endpoint = merchant.endpoint(receiver.url)["id"]
    receiver.statuses += [410]
    merchant.books()
    receiver.hears(1)
    time.sleep(0.3)
    merchant.books(count=3)
    time.sleep(1.5)
    assert len(receiver.arrived) == 1
    assert merchant.listed(endpoint)["why"] == "gone"
    audit = "SELECT outcome FROM audit_event WHERE kind = 'webhook_disabled' AND detail ->> 'endpoint' = $1"
    assert [row["outcome"] for row in rows(settings, audit, endpoint)] == ["gone"]


def test_an_endpoint_that_fails_for_three_days_is_disabled_and_the_others_are_told(
    merchant: Merchant, receiver: Receiver, settings: Settings
) -> None:
    with receiving() as failing:
        endpoint = merchant.endpoint(failing.url)["id"]
        failing.statuses += [500] * 3
        merchant.books()
        failing.hears(1)
        time.sleep(0.2)
        assert (merchant.listed(endpoint)["why"], merchant.listed(endpoint)["last_failure"]) == (None, "http_500")
        secret = merchant.endpoint(receiver.url)["secret"]
        rows(settings, FAILING_SINCE, endpoint, "3 days 1 minute")
        merchant.due()
        [notice] = receiver.hears(1)
        read = notice.verified(secret)
        assert (read["type"], read["data"]) == ("endpoint.disabled", {"endpoint": endpoint, "why": "failing"})
        assert merchant.listed(endpoint)["why"] == "failing"


def test_an_endpoint_that_answers_again_has_its_days_counted_anew(
    merchant: Merchant, receiver: Receiver, settings: Settings
) -> None:
    endpoint = merchant.endpoint(receiver.url)["id"]
    rows(settings, FAILING_SINCE, endpoint, "2 days 23 hours")
    merchant.books()
    receiver.hears(1)
    time.sleep(0.3)
    assert merchant.listed(endpoint)["failing_since"] is None


def test_a_replaced_secret_and_its_successor_both_verify_for_a_day(
    merchant: Merchant, receiver: Receiver, settings: Settings
) -> None:
    made = merchant.endpoint(receiver.url)
    new = merchant.server.call("POST", f"/v1/webhooks/{made['id']}/secret").json()["secret"]
    merchant.books()
    [arrived] = receiver.hears(1)
    for secret in (made["secret"], new):
        arrived.verified(secret)
    rows(settings, "UPDATE webhook_endpoint SET old_until = now() WHERE id = $1::text::uuid", made["id"])
    merchant.books()
    later = receiver.hears(2)[1]
    later.verified(new)
    assert len(later.headers["webhook-signature"].split()) == 1
