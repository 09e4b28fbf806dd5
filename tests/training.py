"""A bureau's vouchers: programmes with money, batches, and learners who claim."""

import time
from typing import Any
from uuid import UUID

from ecard.client import Phone
from ecard.ids import new_id
from ecard.settings import Settings
from tests.bureau import Bureau, new_person, rows
from tests.shop import Shop, new_number
from tests.vouchers.sql import COMPLETED, PASSED

FACE = 60_000
"""分 of a voucher."""
SOURCE = "province"


class Programme:
    """A programme of vouchers with a face value, and its money of one source.

    Args:
        bureau: Whose operator of training makes it.
        money: 分 that it is given.
        changed: Other fields of its registration.
    """

    def __init__(self, bureau: Bureau, *, money: int = 100 * FACE, **changed: Any) -> None:
        self.bureau = bureau
        self.training = bureau.training
        made = self.training.call("POST", "/v1/voucher-programmes", {**asked(), **changed}).json()
        self.id = str(made["id"])
        if money:
            self.give(money)

    def give(self, amount: int, **changed: Any) -> dict[str, Any]:
        """Give the programme money of a source, or (`returned`) give it back."""
        body = {"source": SOURCE, "amount": amount, **changed}
        given: dict[str, Any] = self.training.call("POST", f"/v1/voucher-programmes/{self.id}/budget", body).json()
        return given

    def available(self, source: str = SOURCE) -> int:
        """Return what may still be issued (分)."""
        funds = self.training.call("GET", f"/v1/voucher-programmes/{self.id}").json()["funds"]
        return sum(int(fund["available"]) for fund in funds if fund["source"] == source)

    def batch(self, quantity: int | None = 1, **changed: Any) -> dict[str, Any]:
        """Return a batch that was asked for: all of it is there when it is small."""
        body = {"number": new_number(), "source": SOURCE, "face": FACE, "quantity": quantity, **changed}
        body = {name: value for name, value in body.items() if value is not None}
        path = f"/v1/voucher-programmes/{self.id}/batches"
        made: dict[str, Any] = self.training.call("POST", path, body).json()
        return made

    def pushed(self, *lines: str, **changed: Any) -> dict[str, Any]:
        """Return a draft whose list is `lines`, CSV."""
        draft = self.batch(None, pushed=True, **changed)
        content = "\n".join(lines)
        self.training.call("PUT", f"/v1/voucher-batches/{draft['id']}/people", {"content": content})
        return draft

    def look(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return a batch as it stands."""
        found: dict[str, Any] = self.training.call("GET", f"/v1/voucher-batches/{batch['id']}").json()
        return found

    def until(self, batch: dict[str, Any], state: str, *, seconds: float = 60) -> dict[str, Any]:
        """Return a batch once it is in this state."""
        deadline = time.monotonic() + seconds
        while (found := self.look(batch))["state"] != state:
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
        return found

    def claim(self, phone: Phone, **changed: Any) -> dict[str, Any]:
        """Return the voucher that the phone's holder claimed."""
        made: dict[str, Any] = phone.call("POST", "/v1/me/voucher-claims", {"programme": self.id, **changed}).json()
        return made

    def move(self, voucher: dict[str, Any], how: str, reason: str = "复核") -> str:
        """Freeze, unfreeze, cancel or reverse a voucher; return its state then."""
        path = f"/v1/vouchers/{voucher['id']}/{how}"
        return str(self.training.call("POST", path, {"reason": reason}).json()["state"])

    def seen(self, voucher: dict[str, Any]) -> dict[str, Any]:
        """Return a voucher as the bureau sees it."""
        found: dict[str, Any] = self.training.call("GET", f"/v1/vouchers/{voucher['id']}").json()
        return found


def asked() -> dict[str, Any]:
    """Return the body that makes a programme."""
    return {
        "name": f"养老护理员培训 {new_number()}",
        "kind": "general",
        "worth": "face",
        "level": "basic",
        "content": "养老护理员（五级）",
        "region": "640100",
    }


def line(bureau: Bureau) -> tuple[str, dict[str, str]]:
    """Return a line of a list that names a new registered person, and that person's facts."""
    person = bureau.register()
    return f"{person.facts['name']},{person.facts['id_no']}", person.facts


def stranger() -> str:
    """Return a line that names a person whom nobody registered."""
    facts = new_person().facts
    return f"{facts['name']},{facts['id_no']}"


def step(settings: Settings, voucher: dict[str, Any], to: str, **more: object) -> bool:
    """Take a step of a voucher's life past the application, as the piece of software that it belongs to does."""
    before = {"bound": "claimed", "in_use": "bound", "completed": "in_use", "audited": "completed"}[to]
    named = {"p_class": None, "p_institution": None, "p_amount": None, **more}
    sql = "SELECT voucher_step($1, ARRAY[$2]::text[], $3, $3, NULL, p_class => $4, p_institution => $5, p_amount => $6)"
    return bool(rows(settings, sql, UUID(voucher["id"]), before, to, *named.values())[0][0])


def audited(programme: Programme, shop: Shop, amount: int = FACE) -> dict[str, Any]:
    """Return a new learner's voucher whose training at the shop's agency was audited."""
    settings = programme.bureau.settings
    assert settings is not None
    programme.batch()
    voucher = programme.claim(programme.bureau.phone())
    assert step(settings, voucher, "bound", p_class=new_id(), p_institution=UUID(str(shop.agency)))
    assert step(settings, voucher, "in_use")
    assert step(settings, voucher, "completed")
    for sql, *said in ((COMPLETED, amount, new_id()), (PASSED,)):
        rows(settings, sql, [UUID(voucher["id"])], *said)
    assert step(settings, voucher, "audited", p_amount=amount)
    return voucher
