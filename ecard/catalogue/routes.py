"""The catalogue over HTTP: public, cached, and answered from bytes that are made once.

The application provides the dependency `catalogue`. The entity tag (RFC 9110 §8.8.3) is strong: it is
made of the digest of the whole served document, so that it changes with the data and with its rendering.
"""

import hashlib
from functools import lru_cache
from typing import Annotated

import msgspec
from litestar import Response, Router, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, PathParameter, QueryParameter

from ecard.catalogue.errors import ItemUnknown
from ecard.catalogue.model import Catalogue, Flow, Form, Function, Selection
from ecard.catalogue.schemas import AnyItemView, document, document_of
from ecard.errors import Invalid
from ecard.given import Given

_CACHE = "public, max-age=300"  # seconds

_NOT_MODIFIED = ResponseSpec(None, description="与 If-None-Match 相同 (not modified)")

_IfNoneMatch = Annotated[
    str | None, HeaderParameter(name="If-None-Match", description="上次响应的 ETag (the ETag of an earlier answer)")
]


@get(
    "/",
    operation_id="catalogue_list",
    opt={"public": True},
    summary="应用目录 (the application catalogue)",
    description="全部事项；各条件之间为“且”。(All items; the filters are joined by AND.)",
    responses={
        200: ResponseSpec(list[AnyItemView], description="事项列表 (the items)", generate_examples=False),
        304: _NOT_MODIFIED,
    },
)
async def catalogue_list(
    *,
    catalogue: Given[Catalogue],
    annex: Annotated[
        str | None, QueryParameter(description="附件 (annex)", schema_extra={"enum": ["1", "2", "3"]})
    ] = None,
    form: Annotated[
        str | None, QueryParameter(description="用卡形式 (form of the card)", schema_extra={"enum": list(Form)})
    ] = None,
    flow: Annotated[
        str | None, QueryParameter(description="办理流程 (flow)", schema_extra={"enum": list(Flow)})
    ] = None,
    function: Annotated[
        str | None, QueryParameter(description="功能分类 (function)", schema_extra={"enum": list(Function)})
    ] = None,
    domain: Annotated[str | None, QueryParameter(description="附件1的业务领域 (domain, annex 1)")] = None,
    agency: Annotated[str | None, QueryParameter(description="附件2的相关单位 (agency, annex 2)")] = None,
    q: Annotated[
        str | None,
        QueryParameter(
            description="在编号、事项、说明中查找 (sought in code, title, description)",
            schema_extra={"minLength": 1, "maxLength": 64},
        ),
    ] = None,
    if_none_match: _IfNoneMatch = None,
) -> Response[bytes]:
    """Return all items that pass the filters; raises Invalid for a value that no item could have."""
    asked = {
        "annex": annex,
        "form": form,
        "flow": flow,
        "function": function,
        "domain": domain,
        "agency": agency,
        "q": q,
    }
    selection = _selection(catalogue, {name: value for name, value in asked.items() if value is not None})
    body, digest = _whole(catalogue)
    if selection == Selection():
        return _answer(body, digest, if_none_match)
    tag = _digest(digest.encode(), msgspec.json.encode(selection))
    return _answer(document(catalogue.select(selection)), tag, if_none_match)


@get(
    "/{code:str}",
    operation_id="catalogue_item",
    opt={"public": True, "errors": (ItemUnknown,)},
    summary="一个事项 (one item)",
    responses={
        # A union is a fine body for the schema; only the annotation of ResponseSpec does not know it.
        200: ResponseSpec(AnyItemView, description="事项 (the item)", generate_examples=False),  # type: ignore[arg-type]
        304: _NOT_MODIFIED,
    },
)
async def catalogue_item(
    code: Annotated[str, PathParameter(description="事项编号, 如 A1-01 (the item's code)")],
    catalogue: Given[Catalogue],
    if_none_match: _IfNoneMatch = None,
) -> Response[bytes]:
    """Return the item of this code; raises ItemUnknown."""
    item = catalogue.get(code)
    _, digest = _whole(catalogue)
    return _answer(document_of(item), _digest(digest.encode(), code.encode()), if_none_match)


router = Router(path="/v1/catalogue", route_handlers=[catalogue_list, catalogue_item], tags=["目录 catalogue"])


def _selection(catalogue: Given[Catalogue], asked: dict[str, str]) -> Selection:
    kinds = {field.name: field.type for field in msgspec.structs.fields(Selection)}
    known = {"domain": catalogue.domains, "agency": catalogue.agencies}
    values: dict[str, object] = {}
    for name, value in asked.items():
        if value not in known.get(name, (value,)):
            raise Invalid(pointer=f"/query/{name}")
        try:
            values[name] = msgspec.convert(value, kinds[name], strict=False)
        except msgspec.ValidationError as error:
            raise Invalid(pointer=f"/query/{name}") from error
        if values[name] is None:
            # Read laxly, "null" is None, and a filter that selects nothing would select everything.
            raise Invalid(pointer=f"/query/{name}")
    return msgspec.convert(values, Selection)


@lru_cache(maxsize=1)
def _whole(catalogue: Given[Catalogue]) -> tuple[bytes, str]:
    body = document(catalogue.items)
    return body, _digest(body)


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]


def _answer(body: bytes, tag: str, if_none_match: str | None) -> Response[bytes]:
    headers = {"ETag": f'"{tag}"', "Cache-Control": _CACHE}
    # If-None-Match compares weakly (RFC 9110 §13.1.2), so the W/ that a proxy may add is dropped.
    held = {candidate.strip().removeprefix("W/") for candidate in (if_none_match or "").split(",")}
    if held & {headers["ETag"], "*"}:
        return Response(None, status_code=304, headers=headers)  # type: ignore[arg-type]
    return Response(body, media_type="application/json", headers=headers)
