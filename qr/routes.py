"""HTTP of codes, and of what verifies them."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import JSONBody

from ecard import guards
from ecard.answers import JsonAnswer
from ecard.callers import Holder
from ecard.desk.errors import CardSuspended
from ecard.errors import EcardError, NotFound, Text, Unavailable
from ecard.given import Given
from ecard.keyring.model import NoKey
from ecard.runtime import Runtime
from qr import service
from qr.bundle import BundleMaker, jwks
from qr.errors import StatusUnknown
from qr.pictures import DRAWINGS, preferred
from qr.schemas import Bundle, Certificate, CertificateRequest, Codes, CodesRequest, JwkSet

_PUBLISHED = {"Cache-Control": "public, max-age=300"}


class OneAtATime(EcardError):
    """Only one code can be drawn or sent as text at a time."""

    status = 406
    code = "one_code_only"
    title = Text("图片或文本格式一次只能取一个码", "As picture or text, one code at a time")
    action = Text("请将 count 设为 1, 或使用 application/json。", "Set count to 1, or accept application/json.")


@post(
    "/v1/me/codes",
    operation_id="codes_issue",
    status_code=200,
    opt={
        "direct": True,
        "also": tuple(DRAWINGS),
        "errors": (OneAtATime, CardSuspended, StatusUnknown, NotFound, NoKey),
    },
)
async def codes_issue(
    data: JSONBody[CodesRequest], request: Request[Any, Any, Any], holder: Given[Holder], runtime: Given[Runtime]
) -> Response[Codes]:
    """Show a code 展码, or fetch up to 20 for a phone that goes offline; `Accept` asks for JSON, text, SVG or PNG."""
    drawn = preferred(guards.headers(request).get("accept", "*/*"))
    if drawn is not None and data.count > 1:
        raise OneAtATime
    codes = await service.issue(runtime, holder, data)
    if drawn is None:
        return JsonAnswer(codes, 200)
    picture: Any = await DRAWINGS[drawn](codes.codes[0].code)
    return Response(picture, media_type=drawn)


@post(
    "/v1/me/code-certificates",
    operation_id="code_certificate_issue",
    status_code=200,
    opt={"errors": (CardSuspended, StatusUnknown, NoKey)},
)
async def code_certificate_issue(
    data: JSONBody[CertificateRequest], holder: Given[Holder], runtime: Given[Runtime]
) -> Certificate:
    """Certify the phone's key 离线展码, so that it can sign codes itself for up to 24 hours offline."""
    return await service.certify(runtime, holder, data)


@get("/v1/bundle", operation_id="bundle_get", opt={"public": True, "errors": (NoKey, Unavailable)})
async def bundle_get(bundles: Given[BundleMaker]) -> Bundle:
    """Fetch the signed bundle 离线验证包: code keys and status lists, for terminals without a network."""
    return Bundle(bundle=await bundles.current())


@get("/.well-known/jwks.json", operation_id="jwks_get", opt={"public": True, "errors": (NoKey,)})
async def jwks_get(runtime: Given[Runtime]) -> Response[JwkSet]:
    """Fetch the public keys of assertions, bundles and seals (RFC 7517)."""
    return Response(JwkSet(keys=jwks(runtime)), headers=_PUBLISHED)


router = Router("/", route_handlers=[codes_issue, code_certificate_issue, bundle_get, jwks_get], tags=["codes"])
