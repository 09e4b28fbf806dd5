"""HTTP of the registry of clients, for operators."""

from uuid import UUID

from litestar import Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody

from auth.clients import service
from auth.clients.errors import (
    AddressRefused,
    AgencyAmbiguous,
    GrantTypesRefused,
    KeysRefused,
    MethodRefused,
    NoCredentials,
    RedirectRefused,
    SandboxRefused,
    SectorTaken,
)
from auth.clients.schemas import ClientCredentials, ClientRequest, ClientView, CredentialsRequest
from auth.errors import NO_STORE
from ecard.access.errors import UsccRefused
from ecard.access.model import Role
from ecard.callers import Operator
from ecard.catalogue.errors import ItemUnknown
from ecard.catalogue.model import Catalogue
from ecard.db import begin
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime

_REGISTER_ERRORS = (
    AddressRefused,
    AgencyAmbiguous,
    GrantTypesRefused,
    KeysRefused,
    MethodRefused,
    RedirectRefused,
    SandboxRefused,
    SectorTaken,
    UsccRefused,
    ItemUnknown,
    NotFound,
    InFlight,
)


@post(
    "/clients",
    operation_id="client_register",
    status_code=201,
    opt={"role": Role.REGISTRAR, "errors": _REGISTER_ERRORS},
)
async def client_register(
    data: JSONBody[ClientRequest],
    operator: Given[Operator],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[ClientCredentials]:
    """Register a client of an agency 登记接入应用: its secret, if it has one, is in this answer and nowhere else."""
    answer = await creation.once(
        operator.actor,
        lambda tx: service.register(tx, catalogue, data, sandbox=runtime.settings.sandbox, by=operator.actor),
    )
    answer.headers.update(NO_STORE)
    return answer


@get("/clients", operation_id="clients_list", opt={"role": Role.REGISTRAR})
async def clients_list(operator: Given[Operator], runtime: Given[Runtime]) -> list[ClientView]:
    """List the clients, also the disabled ones, without their secrets 列出接入应用."""
    del operator
    return await service.listed(runtime.pool)


@post(
    "/clients/{client:uuid}/credentials",
    operation_id="client_rotate",
    status_code=201,
    opt={"role": Role.REGISTRAR, "errors": (KeysRefused, AddressRefused, NoCredentials, InFlight)},
)
async def client_rotate(
    client: FromPath[UUID], data: JSONBody[CredentialsRequest], operator: Given[Operator], creation: Given[Creation]
) -> Response[ClientCredentials]:
    """Replace a client's secret or keys 更换凭据: the old ones are refused everywhere within two seconds."""
    answer = await creation.once(operator.actor, lambda tx: service.rotate(tx, client, data, operator.actor))
    answer.headers.update(NO_STORE)
    return answer


@delete("/clients/{client:uuid}", operation_id="client_disable", status_code=204, opt={"role": Role.REGISTRAR})
async def client_disable(client: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime]) -> None:
    """Disable a client 停用接入应用: whatever it was granted ends with it."""
    async with begin(runtime.pool) as tx:
        await service.disable(tx, client, operator.actor)


router = Router("/v1", route_handlers=[client_register, clients_list, client_rotate, client_disable], tags=["clients"])
