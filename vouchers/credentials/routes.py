"""HTTP of certificates: its owner's, and what verifiers fetch."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.callers import Holder, Terminal
from ecard.desk.errors import (
    CardSuspended,
    DeviceUnbound,
    FormNotAccepted,
    LevelTooLow,
    NotActing,
    Replayed,
    TooWeak,
    VisitRefused,
    WrongPlace,
    WrongScene,
)
from ecard.desk.service import Desk
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import creation
from ecard.ids import ID, id_of
from ecard.keyring.model import NoKey, key_url
from ecard.runtime import Runtime
from vouchers.credentials import records, service
from vouchers.credentials.publishing import Register, keys
from vouchers.credentials.schemas import (
    Credential,
    CredentialBundle,
    CredentialKey,
    CredentialKeySet,
    Presentation,
    Training,
    TrainingRecord,
    TrainingRequest,
)

_JWT = "application/vc+jwt"
_PUBLISHED = {"Cache-Control": "public, max-age=60"}
_LONGEST_KID = 64
_VISIT_ERRORS = (
    FormNotAccepted,
    WrongScene,
    WrongPlace,
    TooWeak,
    LevelTooLow,
    VisitRefused,
    Replayed,
    CardSuspended,
    DeviceUnbound,
    NotActing,
    NoKey,
)
"""Beside those of the evidence's readers, which `ecard.app` knows."""


@get("/me/training", operation_id="my_training")
async def my_training(holder: Given[Holder], runtime: Given[Runtime]) -> Training:
    """List the holder's training 本人培训信息 (A1-76): what may be taken, is taken and was taken, and certificates."""
    return await records.mine(runtime, holder)


@post("/training-records", operation_id="training_record", status_code=201, opt={"errors": _VISIT_ERRORS})
async def training_record(
    data: JSONBody[TrainingRequest],
    request: Request[Any, Any, Any],
    terminal: Given[Terminal],
    desk: Given[Desk],
) -> TrainingRecord:
    """A holder looks the own training up at a terminal 培训与证书查询 (A1-76, A1-80, A1-81): a visit."""
    call = await creation(request, desk.runtime)
    return await records.at_terminal(desk, data, terminal, request_id=call.required_key(), body=call.body)


@get("/me/credentials", operation_id="my_credentials")
async def my_credentials(holder: Given[Holder], runtime: Given[Runtime]) -> list[Credential]:
    """List the holder's certificates of training 培训证书, youngest first."""
    return await service.mine(runtime, holder)


@get("/me/credentials/{credential:uuid}", operation_id="my_credential", opt={"errors": (NotFound, NoKey)})
async def my_credential(
    credential: FromPath[UUID],
    holder: Given[Holder],
    runtime: Given[Runtime],
    name: Annotated[bool, QueryParameter(description="写明姓名 (let it say whose it is)")] = False,  # noqa: FBT002 - a query's flag
    agency: Annotated[
        str | None,
        QueryParameter(pattern=ID, description="出示给哪个机构 (for which agency: with its own `sub`)"),
    ] = None,
) -> Presentation:
    """Sign a certificate to be shown 出示证书: Open Badges 3.0 as a JWT; no name stands in it unless asked for."""
    return await service.show(runtime, holder, credential, with_name=name, agency=id_of(agency))


@get(
    "/credentials/status/{number:int}",
    operation_id="credential_status",
    media_type=_JWT,
    opt={"public": True, "errors": (NotFound, NoKey), "media": _JWT},
)
async def credential_status(number: FromPath[int], certificates: Given[Register]) -> Response[str]:
    """Fetch a signed status list 证书状态列表 (W3C Bitstring Status List): which certificates are revoked."""
    return Response(await certificates.published(number), media_type=_JWT, headers=_PUBLISHED)


@get("/credentials/bundle", operation_id="credential_bundle", opt={"public": True, "errors": (NoKey,)})
async def credential_bundle(certificates: Given[Register]) -> CredentialBundle:
    """Fetch the signed bundle 证书离线包: keys and status lists, to verify certificates with no network."""
    return CredentialBundle(bundle=await certificates.bundle())


@get("/credentials/keys", operation_id="credential_keys", opt={"public": True})
async def credential_keys(runtime: Given[Runtime]) -> Response[CredentialKeySet]:
    """Fetch the public keys of certificates 证书公钥 (RFC 7517)."""
    return Response(CredentialKeySet(keys=_keys(runtime)), headers=_PUBLISHED)


@get("/credentials/keys/{kid:str}", operation_id="credential_key", opt={"public": True, "errors": (NotFound,)})
async def credential_key(kid: FromPath[str], runtime: Given[Runtime]) -> Response[CredentialKey]:
    """Fetch the key that a certificate's `kid` names 证书公钥: the address is that `kid` itself."""
    named = key_url(runtime.settings.issuer, kid[:_LONGEST_KID])
    found = next((one for one in _keys(runtime) if one.kid == named), None)
    if found is None:
        raise NotFound
    return Response(found, headers=_PUBLISHED)


def _keys(runtime: Runtime) -> list[CredentialKey]:
    return msgspec.convert(keys(runtime, runtime.clock.time()), list[CredentialKey])


router = Router(
    "/v1",
    route_handlers=[
        my_training,
        training_record,
        my_credentials,
        my_credential,
        credential_status,
        credential_bundle,
        credential_keys,
        credential_key,
    ],
    tags=["credentials"],
)
