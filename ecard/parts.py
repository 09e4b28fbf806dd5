"""What exists only while a process serves: its stores' face, lines to others, and the work that runs by itself."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable

import httpx

from auth import logout, sweep
from auth.clients.directory import Directory
from auth.ended import Ended
from auth.logins.feed import LOGINS
from auth.proofs import Nonces
from auth.replay import Marks
from auth.server import Server
from cardio.keys.hsm import Hsm
from cardio.keys.model import KeyModule
from cardio.keys.software import sandbox_keys
from cardio.server.drive import driver
from cardio.server.hsm import line_to
from cardio.server.links import Hub
from ecard.audit import service as audit
from ecard.cases import materials as case_materials
from ecard.catalogue.model import Catalogue
from ecard.clock import Clock
from ecard.db import Db
from ecard.desk import store as visits
from ecard.desk.service import Desk, Readers
from ecard.feed import Feed
from ecard.keyring import service as keyring
from ecard.looked_up import CaseRecords
from ecard.records import store as record_store
from ecard.records.layout import load_layout
from ecard.records.papers import store as paper_store
from ecard.records.papers.publishing import Publisher
from ecard.records.papers.service import AT_ONCE, Press
from ecard.records.sandbox.systems import sandbox_systems
from ecard.records.service import Records
from ecard.records.sources import Asker, RecordSource
from ecard.runtime import Runtime, open_runtime
from ecard.settings import Settings
from pay.banks.connector import lines_to_banks
from pay.banks.directory import Banks
from pay.banks.resolver import KINDS, Resolver
from pay.bills import marking
from pay.bills.service import Office
from pay.disbursement import paying
from pay.disbursement.eligibility import NotConnected, SandboxStanding, Standing
from pay.disbursement.looked_up import BenefitRecords
from pay.disbursement.pacing import Pace
from pay.disbursement.paying import Disburser, disbursed
from pay.ledger import periods
from pay.medical import insured
from pay.medical import working as clinic_work
from pay.medical.confirming import Ward
from pay.medical.connector import Agencies
from pay.medical.looked_up import MedicalRecords
from pay.medical.service import Clinic
from pay.orders import store as order_store
from pay.orders.asking import Till
from pay.orders.waiting import PAYERS
from pay.rides import capture
from pay.rides import store as ride_store
from pay.rides.denied import DeniedMaker
from pay.settlements import daily as settling
from pay.settlements.service import payouts
from pay.webhooks import delivery
from pay.webhooks import store as webhook_store
from qr.bundle import BundleMaker
from vouchers.batches import working as voucher_issuing
from vouchers.credentials.looked_up import TrainingRecords
from vouchers.credentials.publishing import Register
from vouchers.life import working as voucher_ending
from vouchers.statistics.service import Counter

log = logging.getLogger("ecard.parts")
_OTHERS_SECONDS = 3.0
"""Seconds that a client's own server has to answer: its keys, a logout told to it."""
_EXPIRY_SECONDS = 5.0
"""Seconds between two looks for orders that ended unpaid."""
FORGETTING = (webhook_store.forget, ride_store.forget, case_materials.forget, record_store.forget, paper_store.forget)
"""What the sweep forgets beside what concerns logins."""


class Parts:
    """The parts of a serving process; `ecard.app` gives them to handlers by these names."""

    runtime: Runtime
    bundles: BundleMaker
    server: Server
    feed: Feed
    banks: Banks
    office: Office
    clinic: Clinic
    ward: Ward
    denials: DeniedMaker
    certificates: Register
    statistics: Counter
    resolver: Resolver
    hub: Hub
    records: Records
    press: Press

    @contextlib.asynccontextmanager
    async def serve(
        self, settings: Settings, catalogue: Catalogue, readers: Readers, *, clock: Clock | None
    ) -> AsyncIterator[Desk]:
        """Open every part and do all work until the context ends; yield the desk where visits are decided."""
        runtime = self.runtime = await open_runtime(settings, clock=clock)
        async with contextlib.AsyncExitStack() as ending:
            ending.push_async_callback(runtime.close)
            http = await ending.enter_async_context(httpx.AsyncClient(timeout=_OTHERS_SECONDS))
            await self._open(catalogue, http)
            ending.push_async_callback(self.banks.close)
            desk = Desk(runtime, catalogue, readers)
            self._settle(catalogue, Till(desk, self.banks), http)
            tasks = [asyncio.ensure_future(one) for one in self._work(Till(desk, self.banks), http)]
            try:
                yield desk
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _open(self, catalogue: Catalogue, http: httpx.AsyncClient) -> None:
        runtime = self.runtime
        self.server = Server(
            runtime,
            catalogue,
            Directory(runtime.pool, http),
            Nonces(runtime.vault),
            Ended(runtime.clock),
            Marks(runtime.pool),
        )
        await self.server.ended.refresh(runtime.pool)
        self.banks = Banks(runtime.clock, runtime.vault, lines_to_banks())
        await self.banks.refresh(runtime.pool)
        payout = disbursed(runtime.vault, otherwise=payouts(runtime.vault))
        self.resolver = Resolver(runtime.pool, self.banks, {**KINDS, "payout": payout})
        self.bundles, self.feed = BundleMaker(runtime), Feed(LOGINS, PAYERS)
        self.hub = Hub(runtime, driver(runtime, catalogue, _key_module(runtime.settings)))
        self.office, self.denials = Office(runtime, catalogue, http), DeniedMaker(runtime)
        self.certificates, self.statistics = Register(runtime), Counter(runtime)
        self.records = Records(runtime, catalogue, Asker(load_layout(catalogue), _sources(runtime, catalogue)))
        self.press = Press(self.records, Publisher(runtime), asyncio.Semaphore(AT_ONCE))

    def _settle(self, catalogue: Catalogue, till: Till, http: httpx.AsyncClient) -> None:
        sandbox = self.runtime.settings.sandbox
        insurance: insured.Insurance = insured.SandboxInsurance() if sandbox else insured.NotConnected()
        self.clinic = Clinic(self.runtime, catalogue, insurance)
        self.ward = Ward(self.clinic, Agencies(self.runtime, http), till)

    def _work(self, till: Till, http: httpx.AsyncClient) -> list[Awaitable[None]]:
        """Return what runs for ever."""
        runtime, database = self.runtime, self.runtime.settings.database_url or ""
        register: Standing = SandboxStanding() if runtime.settings.sandbox else NotConnected()
        return [
            _watch(self.server),
            _seal(runtime),
            self.feed.watch(database),
            self.hub.watch(database),
            logout.tell_for_ever(self.server, http),
            sweep.sweep_for_ever(runtime.pool, FORGETTING),
            settling.settle_for_ever(runtime, self.banks),
            delivery.deliver_for_ever(runtime.pool, runtime.vault, runtime.clock, http),
            self.banks.refresh_for_ever(runtime.pool),
            self.resolver.work_for_ever(),
            _close_orders(runtime),
            capture.work_for_ever(till),
            marking.mark_for_ever(self.office, till),
            clinic_work.work_for_ever(self.ward),
            periods.work_for_ever(runtime),
            paying.pay_for_ever(Disburser(runtime, self.banks, register, Pace())),
            voucher_issuing.work_for_ever(runtime.pool),
            voucher_ending.work_for_ever(runtime.pool),
        ]


def _sources(runtime: Runtime, catalogue: Catalogue) -> dict[str, RecordSource]:
    """Return the systems that look-ups ask: our own and the sandbox's; any other is missing, and a look-up says so."""
    ours: dict[str, RecordSource] = {
        "training": TrainingRecords(runtime.pool),
        "benefits": BenefitRecords(runtime.pool, catalogue),
        "settlements": MedicalRecords(runtime.pool),
        "cases": CaseRecords(runtime.pool, catalogue),
    }
    return {**(sandbox_systems(runtime.clock) if runtime.settings.sandbox else {}), **ours}


def _key_module(settings: Settings) -> KeyModule | None:
    """Return what cards' proofs are compared with: the installation's HSM, else the sandbox's invented keys, or none.

    Without one no card can prove itself, and what is read of it is evidence for nearly nothing.
    """
    if settings.card_hsm is not None:
        return Hsm(line_to(settings.card_hsm))
    return sandbox_keys() if settings.sandbox else None


async def _watch(server: Server) -> None:
    """Keep dead cards, ended grants and keys fresh."""
    runtime = server.runtime

    async def also(db: Db) -> None:
        await server.ended.refresh(db)
        await keyring.refresh(db, runtime.vault, runtime.ring, runtime.clock)

    await runtime.denied.watch(runtime.settings.database_url or "", also=also)


async def _seal(runtime: Runtime) -> None:
    """Seal the audit log every few seconds and forget used evidence that has long expired."""
    while True:
        await asyncio.sleep(audit.PERIOD)
        try:
            await audit.seal(runtime.pool, runtime.ring, runtime.clock, runtime.settings.issuer)
            await visits.forget(runtime.pool)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
            log.warning("the audit log was not sealed: %s", type(error).__name__)


async def _close_orders(runtime: Runtime) -> None:
    """Close orders that nobody confirmed in time; what is read of one says so from the second it ends."""
    while True:
        await asyncio.sleep(_EXPIRY_SECONDS)
        try:
            await order_store.expire(runtime.pool)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
            log.warning("orders were not closed: %s", type(error).__name__)
