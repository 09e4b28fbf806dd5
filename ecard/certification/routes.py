"""HTTP of certifications: a counter's, the phone's, and what a holder sees of the own ones."""

from litestar import Response, Router, get, post
from litestar.params import JSONBody

from ecard.callers import Holder, Terminal
from ecard.cards.checks import Checks
from ecard.cards.errors import CheckUnavailable
from ecard.catalogue.model import Catalogue
from ecard.certification import service
from ecard.certification.errors import CaseNeeded, CertificationFaceMismatch, CertifiedBefore, FaceNeeded
from ecard.certification.schemas import (
    Certification,
    CertificationRequest,
    MyCertificationRequest,
    MyCertifications,
)
from ecard.desk.errors import CardSuspended, NotDelegated, VisitOver, VisitUnknown, WrongFlow
from ecard.errors import TooMany, Unavailable
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime

_STANDING = (VisitUnknown, VisitOver, CardSuspended, WrongFlow, FaceNeeded, CaseNeeded, CertifiedBefore, InFlight)


@post(
    "/certifications",
    operation_id="certification_create",
    status_code=201,
    opt={"errors": (*_STANDING, NotDelegated, CertificationFaceMismatch, CheckUnavailable, TooMany, Unavailable)},
)
async def certification_create(
    data: JSONBody[CertificationRequest],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    checks: Given[Checks],
    creation: Given[Creation],
) -> Response[Certification]:
    """Certify the holder of a visit 资格认证: seen by a clerk; elsewhere, and for A3-18, by the face."""
    before = await creation.answered(terminal.actor)
    if before is not None:
        return before
    await service.check_face(runtime, catalogue, checks, data, terminal)
    return await creation.once(terminal.actor, lambda tx: service.at_terminal(tx, catalogue, data, terminal))


@post("/me/certifications", operation_id="my_certification", status_code=201, opt={"errors": _STANDING})
async def my_certification(
    data: JSONBody[MyCertificationRequest],
    holder: Given[Holder],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[Certification]:
    """Certify oneself on the phone 自助资格认证, by a visit that was made with the face (A1-35, A1-56)."""
    return await creation.once(holder.actor, lambda tx: service.on_own_phone(tx, catalogue, data.visit, holder))


@get("/me/certifications", operation_id="my_certifications")
async def my_certifications(
    holder: Given[Holder], runtime: Given[Runtime], catalogue: Given[Catalogue]
) -> MyCertifications:
    """List the holder's certifications 认证记录: whether each is in force, until when, and the history."""
    return await service.mine(runtime, catalogue, holder)


router = Router(
    "/v1", route_handlers=[certification_create, my_certification, my_certifications], tags=["certification"]
)
