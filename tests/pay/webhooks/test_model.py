"""A notification is signed so that any library of Standard Webhooks verifies it, and nothing else passes."""

import datetime
import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from pay.webhooks.model import Event, NotGenuine, headers, new_secret, secret_of, shown, verify

SECRET = bytes(range(32))
EVENT = Event(UUID(int=7), 12, "order.paid", datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), {"amount": 100})


def test_the_published_library_verifies_what_is_signed_here() -> None:
    body = EVENT.body()
    read = Webhook(shown(SECRET)).verify(body, headers(EVENT.id, time.time(), body, SECRET))
    assert read == {
        "type": "order.paid",
        "timestamp": "2026-01-02T00:00:00Z",
        "sequence": 12,
        "data": {"amount": 100},
    }


def test_what_the_published_library_signs_is_genuine_here() -> None:
    at = datetime.datetime.now(datetime.UTC)
    signature = Webhook(shown(SECRET)).sign("evt_1", at, "{}")
    given_ = {"webhook-id": "evt_1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
    assert verify(given_, b"{}", SECRET, time.time()) == "evt_1"


def test_while_a_secret_is_replaced_the_old_and_the_new_one_verify() -> None:
    body, new = EVENT.body(), new_secret()
    signed = headers(EVENT.id, time.time(), body, new, SECRET)
    for secret in (SECRET, new):
        Webhook(shown(secret)).verify(body, signed)
    with pytest.raises(WebhookVerificationError):
        Webhook(shown(new_secret())).verify(body, signed)


@given(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "body"]), st.text(max_size=80))
def test_whatever_is_changed_is_not_genuine(part: str, text: str) -> None:
    body, now = EVENT.body(), 1_790_000_000.0
    signed = headers(EVENT.id, now, body, SECRET)
    changed = {**signed, "body": body.decode()} | {part: text}
    if changed[part] == {**signed, "body": body.decode()}[part]:
        return
    if part == "webhook-signature" and signed[part] in text.split():
        return
    with pytest.raises(NotGenuine):
        verify(changed, changed["body"].encode("utf-8", "replace"), SECRET, now)


@pytest.mark.parametrize("late", [-301, 301])
def test_an_old_message_is_not_genuine_however_well_signed(late: int) -> None:
    with pytest.raises(NotGenuine):
        verify(headers(EVENT.id, 1_790_000_000, b"{}", SECRET), b"{}", SECRET, 1_790_000_000 + late)


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_%%", "sk_AAAA", "AAAA"])
def test_what_is_no_secret_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        secret_of(text)
    assert secret_of(shown(SECRET)) == SECRET
