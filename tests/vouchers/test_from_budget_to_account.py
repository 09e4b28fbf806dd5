"""The whole story of a training voucher, as the demonstration tells it, and what is left in the books and the bank."""

from collections.abc import Iterator

import httpx
import pytest

from ecard.cli.classroom import FACE, teach
from ecard.cli.ledger import CHECKS
from ecard.cli.story import Cast
from ecard.client import Channel, Operator, Terminal
from ecard.settings import Settings
from tests.bank import Bank
from tests.bureau import Bureau, rows


@pytest.fixture
def cast(bureau: Bureau, settings: Settings) -> Iterator[Cast]:
    """The actors: the bureau's own, and a second operator of training."""
    with httpx.Client(base_url=bureau.base_url, timeout=30) as http:

        def acting(one: Operator) -> Operator:
            return Operator(http, one.actor, one.signer)

        yield Cast(
            registrar=acting(bureau.registrar),
            cards=acting(bureau.cards),
            finance=acting(bureau.finance),
            training=acting(bureau.training),
            auditor=acting(bureau.security.register_operator("复审员", "training")),
            channel=Channel(http, bureau.channel.actor, bureau.channel.signer),
            counter=Terminal(http, bureau.terminal().actor, bureau.terminal().signer),
            agency=str(bureau.agency),
            http=http,
            issuer=settings.issuer,
        )


def test_a_voucher_goes_from_the_budget_to_the_institutions_account(cast: Cast, settings: Settings, bank: Bank) -> None:
    paid_before = {ref for ref, tx in bank.book().items() if tx["kind"] == "payout"}
    steps = list(teach(cast))
    assert {step.actor.split()[-1] for step in steps} == {"bureau", "phone", "institution", "counter", "everywhere"}
    assert all(step.zh and step.en for step in steps)
    paid = {ref: tx for ref, tx in bank.book().items() if tx["kind"] == "payout" and ref not in paid_before}
    assert FACE in [tx["amount"] for tx in paid.values()]
    for check in CHECKS:
        assert rows(settings, check.sql) == [], check.code
