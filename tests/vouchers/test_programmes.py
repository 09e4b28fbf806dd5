"""A programme, its money by source, and its end."""

from typing import Any

import pytest

from ecard.ids import new_id
from tests.bureau import Bureau, refused
from tests.training import FACE, Programme, asked


def test_a_programme_is_told_as_it_was_made(bureau: Bureau) -> None:
    body = {**asked(), "groups": ["失业人员"], "institutions": [str(bureau.agency)], "validity_days": 30}
    made = bureau.training.call("POST", "/v1/voucher-programmes", body).json()
    found = bureau.training.call("GET", f"/v1/voucher-programmes/{made['id']}").json()
    assert found == made
    assert {name: made[name] for name in body} == body
    assert (made["funds"], made["ended_at"], made["per_person"]) == ([], None, 1)
    assert made in bureau.training.call("GET", "/v1/voucher-programmes").json()


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"validity_days": 93}, "voucher_validity_too_long"),
        ({"institutions": [str(new_id())]}, "voucher_institution_unknown"),
        ({"validity_days": 0}, "invalid_request"),
        ({"kind": "random"}, "invalid_request"),
    ],
)
def test_a_programme_keeps_the_rules(bureau: Bureau, changed: dict[str, Any], code: str) -> None:
    with refused(code):
        bureau.training.call("POST", "/v1/voucher-programmes", {**asked(), **changed})


def test_a_local_rule_may_allow_longer(bureau: Bureau) -> None:
    body = {**asked(), "validity_days": 180, "longer_by": "某省实施细则第七条"}
    assert bureau.training.call("POST", "/v1/voucher-programmes", body).json()["validity_days"] == 180


def test_a_name_is_one_programmes(bureau: Bureau) -> None:
    body = asked()
    bureau.training.call("POST", "/v1/voucher-programmes", body)
    with refused("voucher_programme_exists", 409):
        bureau.training.call("POST", "/v1/voucher-programmes", body)


def test_money_is_kept_by_source_and_goes_back_only_as_far_as_it_is_there(bureau: Bureau) -> None:
    programme = Programme(bureau, money=5 * FACE)
    programme.give(FACE, source="unemployment_fund")
    programme.batch(3)
    assert (programme.available(), programme.available("unemployment_fund")) == (2 * FACE, FACE)
    with refused("balance_short", 409):
        programme.give(2 * FACE + 1, returned=True)
    assert programme.give(2 * FACE, returned=True)["available"] == 0


def test_an_ended_programme_gives_nothing_more_and_takes_its_money_back(bureau: Bureau) -> None:
    programme = Programme(bureau)
    programme.batch(2)
    phone = bureau.phone()
    voucher = programme.claim(phone)
    bureau.training.call("POST", f"/v1/voucher-programmes/{programme.id}/end")
    with refused("voucher_programme_ended"):
        programme.batch()
    with refused("voucher_programme_ended"):
        programme.give(1)
    with refused("voucher_programme_ended"):
        programme.claim(bureau.phone())
    assert phone.call("GET", f"/v1/me/vouchers/{voucher['id']}").json()["state"] == "claimed"
    assert programme.give(98 * FACE, returned=True)["available"] == 0
