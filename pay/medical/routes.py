"""HTTP of medical settlement for institutions: register, upload fees, trial, cash, confirm."""

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post, put
from litestar.params import FromPath, JSONBody, PathParameter

from ecard.callers import Terminal
from ecard.db import begin
from ecard.desk.errors import CardSuspended, VisitOver, VisitUnknown, WrongFlow
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from pay.medical import confirming, mine, records, reversing, service
from pay.medical.confirming import Ward
from pay.medical.errors import (
    CareNotOfItem,
    CashDiffers,
    CashNotPaid,
    CashTaken,
    EncounterExists,
    FeesChanged,
    FeesDoNotSum,
    FeesMissing,
    InstitutionShort,
    InsurerSilent,
    NotAnInstitution,
    NotConfirmed,
    NothingDue,
    NotInsured,
    NotWaiting,
    OverReversal,
    OverSettlementLimit,
    RecordDiffers,
    RecordRefused,
    RegionUnknown,
    ReversalNoUsed,
    RulesMissing,
    SegmentSettled,
    TrialStale,
)
from pay.medical.schemas import (
    MedicalCashRequest,
    MedicalConfirmRequest,
    MedicalEncounter,
    MedicalFeesRequest,
    MedicalRecordRequest,
    MedicalRegistrationRequest,
    MedicalReversal,
    MedicalReversalRequest,
    MedicalSettlement,
    MedicalTrialRequest,
)
from pay.medical.service import Clinic
from pay.merchants.errors import MerchantSuspended, NotAMerchant
from pay.orders.errors import ItemNotAllowed, OverOrderLimit

_VISIT = (VisitUnknown, VisitOver, CardSuspended, WrongFlow)


@post(
    "/medical/encounters",
    operation_id="medical_register",
    status_code=201,
    opt={
        "errors": (
            *_VISIT,
            NotAnInstitution,
            CareNotOfItem,
            NotInsured,
            InsurerSilent,
            RegionUnknown,
            EncounterExists,
            InFlight,
        )
    },
)
async def medical_register(
    data: JSONBody[MedicalRegistrationRequest],
    terminal: Given[Terminal],
    clinic: Given[Clinic],
    creation: Given[Creation],
) -> Response[MedicalEncounter]:
    """Register the patient of a visit 就诊登记: the register of insured people is asked now."""
    before = await creation.answered(terminal.actor)
    if before is not None:
        return before
    person = await service.insured(clinic, data.visit, terminal)
    return await creation.once(terminal.actor, lambda tx: service.register(tx, clinic, data, person, terminal))


@put(
    "/medical/encounters/{encounter:uuid}/segments/{segment:int}/fees",
    operation_id="medical_fees_put",
    status_code=204,
    opt={"errors": (NotFound, FeesDoNotSum, SegmentSettled)},
)
async def medical_fees_put(
    encounter: FromPath[UUID],
    segment: Annotated[int, PathParameter(ge=1, le=99, description="结算段 (segment of a stay)")],
    data: JSONBody[MedicalFeesRequest],
    terminal: Given[Terminal],
    clinic: Given[Clinic],
) -> None:
    """Upload the fees and prescriptions of a segment 上传费用明细; again replaces them, and its trial is stale."""
    async with begin(clinic.runtime.pool) as tx:
        await service.put_fees(tx, clinic, encounter, segment, data, terminal)


@post(
    "/medical/encounters/{encounter:uuid}/trials",
    operation_id="medical_trial",
    status_code=201,
    opt={
        "errors": (
            *_VISIT,
            NotFound,
            FeesMissing,
            RulesMissing,
            OverSettlementLimit,
            SegmentSettled,
            CashTaken,
            InFlight,
        )
    },
)
async def medical_trial(
    encounter: FromPath[UUID],
    data: JSONBody[MedicalTrialRequest],
    terminal: Given[Terminal],
    clinic: Given[Clinic],
    creation: Given[Creation],
) -> Response[MedicalSettlement]:
    """Split a segment's fees 试结算: who would bear how much; nothing is settled yet."""
    return await creation.once(terminal.actor, lambda tx: service.trial(tx, clinic, encounter, data, terminal))


@post(
    "/medical/settlements/{settlement:uuid}/cash",
    operation_id="medical_cash",
    status_code=201,
    opt={
        "errors": (
            NotFound,
            NothingDue,
            CashDiffers,
            CashTaken,
            NotAMerchant,
            MerchantSuspended,
            ItemNotAllowed,
            OverOrderLimit,
            InFlight,
        )
    },
)
async def medical_cash(
    settlement: FromPath[UUID],
    data: JSONBody[MedicalCashRequest],
    terminal: Given[Terminal],
    clinic: Given[Clinic],
    creation: Given[Creation],
) -> Response[MedicalSettlement]:
    """Take what the patient pays 收取现金部分: an order for the patient's phone, or what the till has taken."""
    key, body = creation.required_key(), creation.body
    return await creation.once(
        terminal.actor, lambda tx: service.cash(tx, clinic, settlement, data, terminal, key=key, body=body)
    )


@post(
    "/medical/settlements/{settlement:uuid}/confirm",
    operation_id="medical_confirm",
    status_code=200,
    opt={"errors": (NotFound, TrialStale, FeesChanged, CashNotPaid, NotWaiting, VisitOver)},
)
async def medical_confirm(
    settlement: FromPath[UUID], data: JSONBody[MedicalConfirmRequest], terminal: Given[Terminal], ward: Given[Ward]
) -> MedicalSettlement:
    """Settle what a trial said 正式结算; again is answered with how it stands now."""
    return await confirming.confirm(ward, settlement, data.split, terminal)


@post(
    "/medical/settlements/{settlement:uuid}/cancel",
    operation_id="medical_cancel",
    status_code=200,
    opt={"errors": (NotFound, NotWaiting)},
)
async def medical_cancel(settlement: FromPath[UUID], terminal: Given[Terminal], ward: Given[Ward]) -> MedicalSettlement:
    """Give a trial up 取消试结算; what an order took for it goes back, what the till took is given back there."""
    async with begin(ward.clinic.runtime.pool) as tx:
        cancelled = await service.cancel(tx, settlement, terminal)
    await confirming.give_back(ward, settlement)
    return cancelled


@get("/medical/settlements/{settlement:uuid}", operation_id="medical_settlement")
async def medical_settlement(
    settlement: FromPath[UUID], terminal: Given[Terminal], clinic: Given[Clinic]
) -> MedicalSettlement:
    """Look at a settlement 结算详情: how it stands, who bears what, what has gone back."""
    pool = clinic.runtime.pool
    return await reversing.whole(pool, service.view(await service.held(pool, settlement, terminal)))


@post(
    "/medical/settlements/{settlement:uuid}/reversals",
    operation_id="medical_reverse",
    status_code=200,
    opt={"errors": (NotFound, NotConfirmed, OverReversal, ReversalNoUsed, InstitutionShort)},
)
async def medical_reverse(
    settlement: FromPath[UUID], data: JSONBody[MedicalReversalRequest], terminal: Given[Terminal], ward: Given[Ward]
) -> MedicalReversal:
    """Take a settlement back, or a part of it 冲正: each leg by its share; one number is one reversal."""
    return await reversing.reverse(ward, settlement, data, terminal)


@post(
    "/medical/records",
    operation_id="medical_record",
    status_code=200,
    opt={
        "errors": (
            *_VISIT,
            NotAnInstitution,
            CareNotOfItem,
            NotInsured,
            InsurerSilent,
            RegionUnknown,
            EncounterExists,
            FeesDoNotSum,
            RecordRefused,
            RecordDiffers,
            NotFound,
        )
    },
)
async def medical_record(
    data: JSONBody[MedicalRecordRequest], terminal: Given[Terminal], clinic: Given[Clinic]
) -> MedicalSettlement:
    """Take down what was done while off-line 脱网记录; one number is one record, however often it is sent."""
    return (await records.record(clinic, data, terminal)).settlement


@post(
    "/medical/records/{record:uuid}/upload",
    operation_id="medical_record_upload",
    status_code=200,
    opt={"errors": (NotFound, RulesMissing, OverSettlementLimit, TrialStale)},
)
async def medical_record_upload(
    record: FromPath[UUID], terminal: Given[Terminal], ward: Given[Ward]
) -> MedicalSettlement:
    """Settle an off-line record late 上传补结算, by the rules of its day; once, however often it is asked."""
    return await records.upload(ward, record, terminal)


router = Router(
    "/v1",
    route_handlers=[
        medical_register,
        medical_fees_put,
        medical_trial,
        medical_cash,
        medical_confirm,
        medical_cancel,
        medical_settlement,
        medical_reverse,
        medical_record,
        medical_record_upload,
        *mine.HANDLERS,
    ],
    tags=["medical"],
)
