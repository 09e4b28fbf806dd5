"""HTTP of medical settlement for patients, and for the operators of finance who load the rules."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.access.model import Role
from ecard.callers import Holder, Operator
from ecard.cards import store as cards
from ecard.db import Pool, begin
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.ids import ID, id_of
from ecard.runtime import Runtime
from pay.ledger import receipts
from pay.ledger.errors import ReceiptNotReady
from pay.ledger.receipts import Receipt
from pay.medical import netting, reversing, rules, service, store
from pay.medical.errors import RegionUnknown, RulesDiffer, RulesRefused
from pay.medical.model import Sums
from pay.medical.schemas import (
    MedicalInstitutionRequest,
    MedicalNetting,
    MedicalRuleEntry,
    MedicalRulesAnswer,
    MedicalRulesRequest,
    MedicalSettlement,
    MedicalYear,
    MyMedicalAccount,
)

_FINANCE = {"role": Role.FINANCE}
_Before = Annotated[str | None, QueryParameter(pattern=ID, description="此笔之前 (before this one)")]
_Limit = Annotated[int, QueryParameter(ge=1, le=100, description="最多条数 (at most so many)")]
_Region = Annotated[str | None, QueryParameter(pattern=r"^[0-9]{6}(?!\n)$", description="统筹地区 (a region)")]


async def _person(pool: Pool, holder: Holder) -> UUID:
    row = await cards.by_seq(pool, holder.card)
    if row is None:
        raise NotFound
    found: UUID = row.holder
    return found


@get("/me/medical/settlements", operation_id="my_medical_settlements")
async def my_medical_settlements(
    holder: Given[Holder], runtime: Given[Runtime], before: _Before = None, limit: _Limit = 20
) -> list[MedicalSettlement]:
    """List the holder's medical settlements 我的就医结算, youngest first, with their legs."""
    person = await _person(runtime.pool, holder)
    return [service.view(one) for one in await store.mine(runtime.pool, person, id_of(before), limit)]


@get("/me/medical/settlements/{settlement:uuid}", operation_id="my_medical_settlement", opt={"errors": (NotFound,)})
async def my_medical_settlement(
    settlement: FromPath[UUID], holder: Given[Holder], runtime: Given[Runtime]
) -> MedicalSettlement:
    """Look at one of the holder's settlements 就医结算详情."""
    person = await _person(runtime.pool, holder)
    return await reversing.whole(runtime.pool, service.view(await service.of_holder(runtime.pool, settlement, person)))


@get(
    "/me/medical/settlements/{settlement:uuid}/receipt",
    operation_id="my_medical_receipt",
    opt={"errors": (NotFound, ReceiptNotReady)},
)
async def my_medical_receipt(settlement: FromPath[UUID], holder: Given[Holder], runtime: Given[Runtime]) -> Receipt:
    """Give the receipt of a settlement and its reversals 结算凭据: `ecard receipt verify` checks it offline."""
    person = await _person(runtime.pool, holder)
    async with runtime.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        one = await service.of_holder(connection, settlement, person)
        journals = await store.journals(connection, one.id)
        if not journals:
            raise NotFound
        return await receipts.made(connection, one.id, journals)


@get("/me/medical/account", operation_id="my_medical_account")
async def my_medical_account(holder: Given[Holder], runtime: Given[Runtime]) -> MyMedicalAccount:
    """Show the personal account and what the year has counted 个人账户与年度累计."""
    person = await _person(runtime.pool, holder)
    balance, held = await store.account(runtime.pool, person)
    years = [
        MedicalYear(
            region=row["region"],
            scheme=row["scheme"],
            care=row["care"],
            year=row["year"],
            **dict(zip(Sums.__struct_fields__, row["sums"], strict=True)),
        )
        for row in await store.years(runtime.pool, person)
    ]
    return MyMedicalAccount(balance=balance, held=held, years=years)


@post(
    "/medical/rules",
    operation_id="medical_rules_load",
    status_code=201,
    opt={**_FINANCE, "errors": (RulesRefused, RulesDiffer, InFlight)},
)
async def medical_rules_load(
    data: JSONBody[MedicalRulesRequest], operator: Given[Operator], runtime: Given[Runtime], creation: Given[Creation]
) -> Response[MedicalRulesAnswer]:
    """Load a pooling region's rules 装载统筹地区的待遇政策: what stands already, word for word, stays."""
    return await creation.once(operator.actor, lambda tx: rules.load(tx, runtime, data, operator))


@get("/medical/rules", operation_id="medical_rules_list", opt=_FINANCE)
async def medical_rules_list(
    operator: Given[Operator], runtime: Given[Runtime], region: _Region = None
) -> list[MedicalRuleEntry]:
    """List the rules 待遇政策列表, of one region or of all."""
    del operator
    return list(await rules.rules(runtime.pool, region))


@put(
    "/medical/institutions/{agency:uuid}",
    operation_id="medical_institution_put",
    status_code=204,
    opt={**_FINANCE, "errors": (NotFound, RegionUnknown)},
)
async def medical_institution_put(
    agency: FromPath[UUID],
    data: JSONBody[MedicalInstitutionRequest],
    operator: Given[Operator],
    runtime: Given[Runtime],
) -> None:
    """Let a merchant settle in a region 登记定点医药机构, by its grade; in force with the next patient."""
    async with begin(runtime.pool) as tx:
        await rules.designate(tx, agency, data, operator)


@post("/medical/nettings", operation_id="medical_net", status_code=200, opt=_FINANCE)
async def medical_net(operator: Given[Operator], runtime: Given[Runtime]) -> list[MedicalNetting]:
    """Net what regions owe each other, all to now 区域清算; by itself it is done once a day."""
    await netting.net(runtime.pool, operator.actor)
    return list(await netting.nettings(runtime.pool, 50))


@get("/medical/nettings", operation_id="medical_nettings_list", opt=_FINANCE)
async def medical_nettings_list(
    operator: Given[Operator], runtime: Given[Runtime], limit: _Limit = 50
) -> list[MedicalNetting]:
    """List what was netted between regions 区域清算列表, youngest first."""
    del operator
    return list(await netting.nettings(runtime.pool, limit))


HANDLERS = [
    my_medical_settlements,
    my_medical_settlement,
    my_medical_receipt,
    my_medical_account,
    medical_rules_load,
    medical_rules_list,
    medical_institution_put,
    medical_net,
    medical_nettings_list,
]
