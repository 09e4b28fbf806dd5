"""HTTP of certificates of employment (A1-04)."""

from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from cardio.employment import service
from cardio.employment.errors import CertificateNotOnCard, CertificateRecorded, OtherItem
from cardio.employment.schemas import EmploymentCertificate, EmploymentRequest
from cardio.server.errors import CardWriteRefused
from ecard.callers import Holder, Terminal
from ecard.catalogue.model import Catalogue
from ecard.desk.errors import CardSuspended, VisitOver, VisitUnknown, WrongFlow
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime

_STANDING = (VisitUnknown, VisitOver, CardSuspended, WrongFlow, OtherItem)


@post(
    "/employment-certificates",
    operation_id="employment_record",
    status_code=201,
    opt={"errors": (*_STANDING, CardWriteRefused, CertificateNotOnCard, CertificateRecorded, InFlight)},
)
async def employment_record(
    data: JSONBody[EmploymentRequest],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[EmploymentCertificate]:
    """Put a certificate on record 登记就业创业证 (A1-04): with the physical card, as it was just written to it."""
    return await creation.once(terminal.actor, lambda tx: service.record(tx, runtime, catalogue, data, terminal))


@get(
    "/employment-certificates/{visit:uuid}",
    operation_id="employment_certificate",
    opt={"errors": (*_STANDING, NotFound)},
)
async def employment_certificate(
    visit: FromPath[UUID], terminal: Given[Terminal], runtime: Given[Runtime], catalogue: Given[Catalogue]
) -> EmploymentCertificate:
    """Look the certificate of a visit's holder up 查看就业创业证, to go on with it here."""
    return await service.of_visit(runtime, catalogue, visit, terminal)


@get("/me/employment-certificates", operation_id="my_employment_certificates")
async def my_employment_certificates(holder: Given[Holder], runtime: Given[Runtime]) -> list[EmploymentCertificate]:
    """Show the holder's certificates 本人就业创业证, youngest first: the first is in force."""
    return await service.mine(runtime.pool, runtime.vault, holder)


router = Router(
    "/v1",
    route_handlers=[employment_record, employment_certificate, my_employment_certificates],
    tags=["employment"],
)
