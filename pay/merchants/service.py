"""Registering merchants, and suspending them."""

from uuid import UUID

from ecard.access.store import agency_exists
from ecard.audit import store as audit
from ecard.catalogue.model import Catalogue
from ecard.db import Tx
from ecard.errors import NotFound
from ecard.runtime import Runtime
from ecard.vault import Vault
from pay.merchants import store
from pay.merchants.errors import LimitsContradict
from pay.merchants.model import check_chargeable, masked
from pay.merchants.schemas import Merchant, MerchantRequest

ACCOUNT = "merchant.bank_account"
"""The place that a merchant's account number is sealed for."""


async def register(tx: Tx, vault: Vault, catalogue: Catalogue, asked: MerchantRequest, by: UUID) -> Merchant:
    """Let an agency take money.

    Raises NotFound (no such agency), ItemUnknown, ItemNotPayable, LimitsContradict, MerchantExists.
    """
    if not await agency_exists(tx, asked.agency):
        raise NotFound(pointer="/agency")
    for code in asked.items:
        check_chargeable(catalogue.get(code))
    if asked.small_free_limit > asked.order_limit:
        raise LimitsContradict(pointer="/small_free_limit")
    await store.insert(tx, asked, vault.seal(ACCOUNT, asked.bank_account.encode()))
    await audit.insert(
        tx, kind="merchant_registered", outcome="ok", actor=by, detail={"agency": str(asked.agency), "bank": asked.bank}
    )
    return _merchant(vault, await store.find(tx, asked.agency))


async def merchants(runtime: Runtime) -> list[Merchant]:
    """Return every merchant, oldest first."""
    return [_merchant(runtime.vault, row) for row in await store.every(runtime.pool)]


async def suspend(tx: Tx, agency: UUID, *, suspended: bool, by: UUID) -> None:
    """Suspend a merchant, or lift it; raises NotFound. What is so already stays as it is."""
    if not await store.suspend(tx, agency, suspended=suspended):
        raise NotFound
    kind = "merchant_suspended" if suspended else "merchant_resumed"
    await audit.insert(tx, kind=kind, outcome="ok", actor=by, detail={"agency": str(agency)})


def _merchant(vault: Vault, row: store.Stored) -> Merchant:
    return Merchant(
        agency=row.agency,
        name=row.name,
        category=row.category,
        bank=row.bank,
        bank_account=masked(vault.open(ACCOUNT, row.bank_account).decode()),
        items=row.items,
        order_limit=row.order_limit,
        small_free_limit=row.small_free_limit,
        suspended=row.suspended,
    )
