"""What we and an agency's server say to each other: JSON over HTTPS, each side's words signed (`pay.partners`).

    POST {url}/requests   an `Asked`: decided once for its `ref`, and answered alike ever after
    POST {url}/queries    {"ref": "…"}

Both are answered 200 {"verdict": "ok" | "refused" | "unknown", "code": "…"}; `unknown` is a `ref` that it never had.
"""

from typing import Annotated

import msgspec

from pay.medical.agency import Verdict

REQUESTS, QUERIES = "/requests", "/queries"


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Asks what became of a reference."""

    ref: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What an agency says."""

    verdict: Verdict
    code: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_-]{0,40}(?!\n)$")] = ""
