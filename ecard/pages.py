"""Two pages for people, made of this server's own files: the API reference and the error catalogue.

The networks of this field are closed, so no page names another host; a policy (CSP) holds the
browser to that. The scripts of the reference come from the installed package `litestar-offline-docs`.
"""

import html

from litestar import Response, Router, get

from ecard.errors import EcardError, catalogue
from ecard.given import Given

_POLICY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
_HEAD = '<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>{title}</title>{links}</head><body>'
_REFERENCE = (
    _HEAD.format(title="接口文档 · API", links='<link rel="stylesheet" href="/docs/static/swagger-ui.css">')
    + '<div id="api"></div><script src="/docs/static/swagger-ui-bundle.js"></script>'
    '<script src="/docs/api/start.js"></script></body></html>'
)
# A browser cannot sign a request, so there is nothing to try out; and no validator elsewhere is asked.
_START = """\
SwaggerUIBundle({
  url: "/docs/api/openapi.json", dom_id: "#api", deepLinking: true, docExpansion: "list", filter: true,
  supportedSubmitMethods: [], validatorUrl: null,
});
"""
_STYLE = "<style>body{font-family:sans-serif;margin:2rem}td,th{border:1px solid #bbb;padding:.4rem;text-align:left}\
table{border-collapse:collapse}tr:target{background:#ffc}</style>"


@get("/api", media_type="text/html")
async def reference() -> Response[str]:
    """Show the API reference."""
    return Response(_REFERENCE, media_type="text/html", headers=_POLICY)


@get("/api/start.js")
async def start() -> Response[str]:
    """Start the reference's script; a file of its own, because the policy allows no script in the page."""
    return Response(_START, media_type="text/javascript")


@get("/api/openapi.json")
async def openapi_json(api_document: Given[bytes]) -> Response[bytes]:
    """Return the API document."""
    return Response(api_document, media_type="application/json")


@get("/errors")
async def errors() -> Response[str]:
    """Show the error catalogue: `type` of every problem leads to its row."""
    rows = "".join(_row(error) for error in catalogue())
    head = _HEAD.format(title="错误目录 · Errors", links=_STYLE)
    columns = "<tr><th>code<th>HTTP<th>说明 · meaning<th>怎么办 · what to do</tr>"
    page = f"{head}<h1>错误目录 · Error catalogue</h1><table>{columns}{rows}</table></body></html>"
    return Response(page, media_type="text/html", headers=_POLICY)


def _row(error: type[EcardError]) -> str:
    zh, en, do_zh, do_en = (html.escape(text) for text in (*error.title, *error.action))
    texts = f"<td>{zh}<br>{en}<td>{do_zh}<br>{do_en}"
    return f'<tr id="{error.code}"><td><code>{error.code}</code><td>{error.status}{texts}</tr>'


router = Router(
    "/docs",
    route_handlers=[reference, start, openapi_json, errors],
    opt={"public": True},
    include_in_schema=False,
)
