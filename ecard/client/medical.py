"""What an institution does to settle, and what its patients and the bureau's finance do with it: over HTTP only."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from ecard.client.actors import Operator, Phone, Terminal
from ecard.ids import new_id
from pay.medical.items import items, sandbox_rules

Json = dict[str, Any]


def load_sandbox_rules(finance: Operator) -> None:
    """Load the sandbox's two regions with their rules; again changes nothing."""
    for region in sandbox_rules():
        finance.call("POST", "/v1/medical/rules", region)


def designate(finance: Operator, agency: UUID, region: str, grade: str = "tertiary") -> None:
    """Let a merchant settle in a region."""
    finance.call("PUT", f"/v1/medical/institutions/{agency}", {"region": region, "grade": grade})


def care_of(item: str) -> str:
    """Return the first kind of care that an item is settled for."""
    return items()[item].care[0].value


def fee(amount: int, *, listed: str = "A", code: str = "110200001", name: str = "诊疗费") -> Json:
    """Return a line of fees."""
    return {"code": code, "name": name, "listed": listed, "price": amount, "quantity": 1, "amount": amount}


class Desk:
    """The settlement desk of an institution, at one terminal."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def _post(self, path: str, body: object, key: str | None = None) -> Json:
        answer: Json = self.terminal.call("POST", f"/v1/medical/{path}", body, key=key).json()
        return answer

    def register(self, visit: str, care: str) -> Json:
        """Return the encounter of a visit."""
        return self._post("encounters", {"visit": visit, "care": care})

    def upload(self, encounter: Json, fees: Sequence[Json], *, segment: int = 1) -> int:
        """Upload a segment's fees; return their total."""
        total: int = sum(line["amount"] for line in fees)
        path = f"/v1/medical/encounters/{encounter['id']}/segments/{segment}/fees"
        self.terminal.call("PUT", path, {"fees": fees, "total": total})
        return total

    def trial(self, encounter: Json, visit: str, *, segment: int = 1) -> Json:
        """Return the trial of a segment."""
        return self._post(f"encounters/{encounter['id']}/trials", {"visit": visit, "segment": segment})

    def cash(self, settlement: Json, by: str, *, amount: int | None = None) -> Json:
        """Take what is due, by an order or at the till."""
        body = {"by": by, "amount": settlement["cash_due"] if amount is None else amount}
        return self._post(f"settlements/{settlement['id']}/cash", body)

    def confirm(self, settlement: Json) -> Json:
        """Settle what a trial said."""
        return self._post(f"settlements/{settlement['id']}/confirm", {"split": settlement["split"]})

    def cancel(self, settlement: Json) -> Json:
        """Give a trial up."""
        answer: Json = self.terminal.call("POST", f"/v1/medical/settlements/{settlement['id']}/cancel").json()
        return answer

    def settlement(self, settlement: Json) -> Json:
        """Return a settlement as it stands."""
        answer: Json = self.terminal.call("GET", f"/v1/medical/settlements/{settlement['id']}").json()
        return answer

    def reverse(self, settlement: Json, amount: int, *, number: str | None = None) -> Json:
        """Take a part of a settlement back."""
        body = {"out_reversal_no": number or new_id().hex, "amount": amount, "reason": "退费"}
        return self._post(f"settlements/{settlement['id']}/reversals", body)

    def record(
        self, visit: str | None, care: str, fees: Sequence[Json], *, day: str, paid: int, number: str, **more: str
    ) -> Json:
        """Take down what was done while off-line on `day`, under the institution's own number.

        Without a visit, `kept` in `more` names what the institution's bridge queued and handed in.
        """
        total = sum(line["amount"] for line in fees)
        body = {"visit": visit, "record_no": number, "recorded_on": day, "care": care, "fees": fees, "total": total}
        return self._post("records", {**body, "paid": paid, **more})

    def upload_record(self, record: Json) -> Json:
        """Settle an off-line record late."""
        answer: Json = self.terminal.call("POST", f"/v1/medical/records/{record['id']}/upload").json()
        return answer

    def tried(self, visit: str, care: str, fees: Sequence[Json]) -> Json:
        """Return the trial of a new encounter."""
        encounter = self.register(visit, care)
        self.upload(encounter, fees)
        return self.trial(encounter, visit)

    def settle(self, visit: str, care: str, fees: Sequence[Json], *, phone: Phone | None, password: str = "") -> Json:
        """Return a new encounter's settlement, driven to its end: cash by the patient's phone, or at the till."""
        settlement = self.tried(visit, care, fees)
        if settlement.get("cash_due"):
            settlement = self.cash(settlement, "till" if phone is None else "order")
            if phone is not None:
                pay(phone, settlement, password)
        return self.confirm(settlement)


def pay(phone: Phone, settlement: Mapping[str, Any], password: str) -> Json:
    """Return the order of a settlement's cash leg, confirmed by its patient."""
    body = {"busi_seq": phone.prove(password)}
    order: Json = phone.call("POST", f"/v1/me/orders/{settlement['order']}/confirm", body, key=new_id().hex).json()
    return order


def balances(settlement: Mapping[str, Any]) -> bool:
    """Return whether the legs are the total, and none is negative."""
    amounts: list[int] = [leg["amount"] for leg in settlement["legs"]]
    return (sum(amounts), min(amounts) >= 0) == (settlement["total"], True)
