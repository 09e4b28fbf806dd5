"""An institution of a sandbox region, and the patients who come to it."""

import datetime
import time
from typing import Any
from uuid import UUID

from cardio.virtual.card import VirtualCard
from ecard.client import Phone, Refused
from ecard.client.medical import Desk, designate, fee, load_sandbox_rules
from pay.ledger import checks as ledger_checks
from pay.medical.checks import CHECKS
from pay.medical.model import BEIJING
from tests.bureau import PASSWORD, Bureau, Person, new_uscc, rows
from tests.cardio.reads import Counter, new_card
from tests.shop import new_number

CLINIC = "A2-54"
ITEMS = ("A1-51", "A1-52", "A1-53", "A2-54", "A2-55", "A2-56", "A2-63")
HERE, THERE = "119901", "119902"
STAY = (fee(100_000), fee(40_000, listed="B", code="310300001"), fee(10_000, listed="C", code="990000001"))
"""1,500 yuan: 甲 1,000, 乙 400, 丙 100."""


class Hospital(Desk):
    """A designated institution with a counter."""

    def __init__(self, bureau: Bureau, region: str = HERE, grade: str = "tertiary") -> None:
        self.bureau = bureau
        self.agency: UUID = bureau.registrar.register_agency("测试医院", new_uscc())
        super().__init__(bureau.registrar.register_terminal(self.agency, "counter"))
        load_sandbox_rules(bureau.finance)
        bureau.finance.call("POST", "/v1/merchants", self.asked())
        designate(bureau.finance, self.agency, region, grade)

    def asked(self) -> dict[str, Any]:
        """Return the body that registers it as a merchant."""
        return {
            "agency": str(self.agency),
            "name": "测试医院",
            "category": "8062",
            "bank": "SANDBOX",
            "bank_account": "6299990000000000012",
            "items": ITEMS,
            "order_limit": 100_000_000,
        }

    def visit(self, phone: Phone, item: str = CLINIC) -> str:
        """Return the visit of a patient who showed a code of scene medical, with the password proven."""
        phone.prove(PASSWORD)
        return str(self.terminal.visit(item, phone.code("medical"))["visit"])


def patient(bureau: Bureau, insured: str = f"{HERE},employee,account=120000") -> Phone:
    """Return the phone of a new patient who is insured so (`pay.medical.insured`)."""
    return bureau.phone(bureau.register(address=f"sandbox-insured:{insured}"), level=2)


def legs(settlement: dict[str, Any]) -> dict[str, int]:
    """Return the legs of a settlement that bear something."""
    return {leg["kind"]: leg["amount"] for leg in settlement["legs"] if leg["amount"]}


def account(phone: Phone) -> dict[str, Any]:
    """Return the patient's personal account and years."""
    found: dict[str, Any] = phone.call("GET", "/v1/me/medical/account").json()
    return found


def sealed(phone: Phone, settlement: dict[str, Any]) -> dict[str, Any]:
    """Return the receipt of a settlement, once it is sealed into the books."""
    deadline = time.monotonic() + 30
    while True:
        try:
            receipt: dict[str, Any] = phone.call("GET", f"/v1/me/medical/settlements/{settlement['id']}/receipt").json()
        except Refused as refusal:
            if refusal.code != "receipt_not_ready" or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return receipt


def reconciled(bureau: Bureau) -> None:
    """Check what must hold of settlements and of the books at every moment."""
    assert bureau.settings is not None
    for check in (*CHECKS, *ledger_checks.CHECKS[:3]):
        assert rows(bureau.settings, check.sql) == [], check.title.en


RECORDED = [fee(20_000)]
"""What was done while off-line."""


def day_ago(ago: int = 0) -> str:
    """Return the day so many days before today."""
    return (datetime.datetime.now(BEIJING).date() - datetime.timedelta(days=ago)).isoformat()


class Outpost:
    """An institution's counter with a card reader."""

    def __init__(self, bureau: Bureau, hospital: Hospital) -> None:
        self.bureau = bureau
        self.counter = Counter(bureau, agency=hospital.agency)
        self.hospital = hospital
        hospital.terminal = self.counter.terminal

    def patient(self, insured: str = f"{HERE},employee,account=5000") -> tuple[Person, VirtualCard]:
        """Return a new patient with the physical card."""
        person, card = new_card(self.bureau, registered=False)
        person.facts["address"] = f"sandbox-insured:{insured}"
        self.bureau.cards.register_holder(**person.facts)
        return person, card

    def visit(self, card: VirtualCard, item: str = "A2-52") -> str:
        """Return the visit of a card that is in the reader."""
        read = self.counter.read(item, card)
        visit = str(self.counter.visit(item, read["id"])["visit"])
        self.counter.readers.remove("Test Reader 00")
        return visit

    def record(self, card: VirtualCard, *, paid: int, fees: Any = RECORDED, **more: Any) -> dict[str, Any]:
        """Return a new record."""
        said = {"day": day_ago(1), "number": new_number(), **more}
        return self.hospital.record(self.visit(card), "outpatient", fees, paid=paid, **said)
