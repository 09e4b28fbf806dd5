"""参保信息 (insured status): where and how a person is insured, as the authority's register says.

The sandbox's fictitious people are insured by what is already known of them: the same person always alike. An address
may say otherwise: ``sandbox-uninsured``, ``sandbox-insurer-down``, or ``sandbox-insured:119901,employee,civil_servant,
account=120000``.
"""

from hashlib import sha256
from typing import Protocol

from ecard.cards.model import Profile
from pay.medical.errors import InsurerSilent
from pay.medical.model import Category, Insured, Scheme

REGIONS = ("119901", "119902")
UNINSURED, SILENT, TOLD = "sandbox-uninsured", "sandbox-insurer-down", "sandbox-insured:"
_ACCOUNT = "account="
_FIFTH = 5
_ACCOUNTS = (0, 50_000, 120_000, 300_000)
"""分 that personal accounts of the sandbox begin with."""


class Insurance(Protocol):
    """The register of insured people."""

    async def of(self, person: Profile) -> Insured | None:
        """Return how a person is insured, None where they are not; raises InsurerSilent."""
        ...


class SandboxInsurance:
    """The sandbox's register."""

    async def of(self, person: Profile) -> Insured | None:
        """Return what the address says, else what follows from the person's number."""
        if person.address == SILENT:
            raise InsurerSilent(headers={"Retry-After": "5"})
        if person.address == UNINSURED:
            return None
        if person.address.startswith(TOLD):
            return _told(person.address.removeprefix(TOLD).split(","))
        return sandbox_person(person.id_no)


class NotConnected:
    """No register is connected: nobody is settled on trust."""

    async def of(self, person: Profile) -> Insured | None:
        """Raise InsurerSilent."""
        del person
        raise InsurerSilent


def sandbox_person(id_no: str) -> Insured:
    """Return how a fictitious person is insured: by the number, always alike."""
    lot = sha256(b"sandbox insurance" + id_no.encode()).digest()
    employee = lot[0] % 2 == 0
    categories = [Category.COMMERCIAL] if lot[1] % 2 else []
    if lot[2] % _FIFTH == 0:
        categories.append(Category.CIVIL_SERVANT if employee else Category.MEDICAL_AID)
    return Insured(
        region=REGIONS[lot[3] % len(REGIONS)],
        schemes=(Scheme.EMPLOYEE if employee else Scheme.RESIDENT, Scheme.INJURY, Scheme.MATERNITY),
        categories=tuple(categories),
        account=_ACCOUNTS[lot[4] % len(_ACCOUNTS)] if employee else 0,
    )


def _told(words: list[str]) -> Insured:
    region, *rest = words
    account = sum(int(word.removeprefix(_ACCOUNT)) for word in rest if word.startswith(_ACCOUNT))
    return Insured(
        region=region,
        schemes=(*(Scheme(word) for word in rest if word in set(Scheme)), Scheme.INJURY),
        categories=tuple(Category(word) for word in rest if word in set(Category)),
        account=account,
    )
