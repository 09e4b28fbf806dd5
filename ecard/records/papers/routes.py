"""HTTP of papers: printing from a visit, fetching what was printed, and what everybody may check."""

from typing import Any
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from ecard.callers import Holder, Terminal
from ecard.desk.errors import CardSuspended, NotDelegated, VisitOver, VisitUnknown, WrongFlow
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.keyring.model import NoKey
from ecard.records.errors import DocumentGone, DocumentUnknown, Incomplete, NotLookedUp, NotPrintable
from ecard.records.papers import service
from ecard.records.papers.schemas import DocumentBundle, DocumentCheck, RecordDocument, RecordDocumentRequest
from ecard.records.papers.service import Press

_PDF = "application/pdf"
_PUBLISHED = {"Cache-Control": "public, max-age=60"}
_PRINTING = (VisitUnknown, VisitOver, CardSuspended, WrongFlow, InFlight, NotPrintable, NotLookedUp, Incomplete, NoKey)


async def _printed(
    press: Press, asked: RecordDocumentRequest, by: Terminal | Holder, creation: Creation
) -> Response[Any]:
    """Make it first, record it then: no transaction waits for a drawing, and a retry gets what was answered before."""
    before = await creation.answered(by.actor)
    if before is not None:
        return before
    made = await service.make(press, asked.visit, by)
    return await creation.once(by.actor, lambda tx: service.issue(tx, press, asked.visit, by, made))


@post(
    "/record-documents",
    operation_id="record_document",
    status_code=201,
    opt={"errors": (*_PRINTING, NotDelegated)},
)
async def record_document(
    data: JSONBody[RecordDocumentRequest], terminal: Given[Terminal], press: Given[Press], creation: Given[Creation]
) -> Response[RecordDocument]:
    """Print what was looked up in a visit 打印文书: a signed PDF with a verification code, one for each visit."""
    return await _printed(press, data, terminal, creation)


@post("/me/record-documents", operation_id="my_record_document", status_code=201, opt={"errors": _PRINTING})
async def my_record_document(
    data: JSONBody[RecordDocumentRequest], holder: Given[Holder], press: Given[Press], creation: Given[Creation]
) -> Response[RecordDocument]:
    """Have what was looked up on the own phone as a document 生成文书."""
    return await _printed(press, data, holder, creation)


@get("/me/record-documents", operation_id="my_record_documents")
async def my_record_documents(holder: Given[Holder], press: Given[Press]) -> list[RecordDocument]:
    """List the holder's documents 本人文书, wherever they were printed, youngest first."""
    return await service.mine(press, holder)


async def _fetched(press: Press, number: UUID, by: Terminal | Holder) -> Response[bytes]:
    printed, pdf = await service.fetch(press, number, by)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{number}.pdf"',
        "ETag": f'"{printed.sha256.hex()}"',
    }
    return Response(pdf, media_type=_PDF, headers=headers)


@get(
    "/record-documents/{document:uuid}",
    operation_id="record_document_fetch",
    media_type=_PDF,
    opt={"errors": (DocumentUnknown, DocumentGone, VisitOver, CardSuspended, NotDelegated), "media": _PDF},
)
async def record_document_fetch(
    document: FromPath[UUID], terminal: Given[Terminal], press: Given[Press]
) -> Response[bytes]:
    """Fetch the PDF of a document to print it 下载文书, while its visit stands."""
    return await _fetched(press, document, terminal)


@get(
    "/me/record-documents/{document:uuid}",
    operation_id="my_record_document_fetch",
    media_type=_PDF,
    opt={"errors": (DocumentUnknown, DocumentGone), "media": _PDF},
)
async def my_record_document_fetch(
    document: FromPath[UUID], holder: Given[Holder], press: Given[Press]
) -> Response[bytes]:
    """Fetch the PDF of one of the holder's documents 下载本人文书: the same bytes each time, for thirty days."""
    return await _fetched(press, document, holder)


@get(
    "/documents/{document:uuid}",
    operation_id="document_check",
    opt={"public": True, "errors": (DocumentUnknown,)},
)
async def document_check(document: FromPath[UUID], press: Given[Press]) -> DocumentCheck:
    """Check a document's number 核验文书: that it was issued, when, and its SHA-256; nothing of its holder."""
    return await service.check(press, document)


@get("/documents/bundle", operation_id="document_bundle", opt={"public": True, "errors": (NoKey,)})
async def document_bundle(press: Given[Press]) -> Response[DocumentBundle]:
    """Fetch the signed keys and certificates of documents 文书密钥包, to verify documents with no network."""
    return Response(DocumentBundle(bundle=await press.publisher.bundle()), headers=_PUBLISHED)


router = Router(
    "/v1",
    route_handlers=[
        record_document,
        my_record_document,
        my_record_documents,
        record_document_fetch,
        my_record_document_fetch,
        document_check,
        document_bundle,
    ],
    tags=["records"],
)
