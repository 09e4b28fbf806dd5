"""What the operations of cases share: errors of a visit, an upload's own limit, a material as it is sent."""

from typing import Any

from litestar import Response

from ecard.cards.errors import ProfileFieldFixed, ProfileUnchanged
from ecard.cases.errors import MaterialDamaged, MaterialTypeRefused, MaterialUnsafe
from ecard.cases.materials import Shown
from ecard.cases.schemas import MAX_UPLOAD
from ecard.certification.errors import CertifiedBefore
from ecard.desk.errors import CardSuspended, VisitOver, VisitUnknown, WrongFlow
from ecard.errors import TooMany
from ecard.idempotency import InFlight
from ecard.keyring.model import NoKey

VISIT = (VisitUnknown, VisitOver, CardSuspended, WrongFlow)
"""What a visit is refused for."""
FILLED = (ProfileFieldFixed,)
"""What is filled in may be refused for, where the item does something with it."""
EFFECTS = (CertifiedBefore, ProfileUnchanged, NoKey)
"""What the last approval may be refused for, by what it does."""
BYTES = "application/octet-stream"
MATERIAL: dict[str, Any] = {"media": BYTES}
UPLOAD: dict[str, Any] = {
    "max_body": MAX_UPLOAD,
    "errors": (MaterialTypeRefused, MaterialDamaged, MaterialUnsafe, TooMany, InFlight),
}
_HEADERS = {
    "Content-Disposition": "attachment",
    "Cache-Control": "no-store",
}


def sent(shown: Shown) -> Response[bytes]:
    """Return a material to be kept and opened, never shown in a page: its type is in the case's list of materials."""
    return Response(shown.content, media_type=BYTES, headers=_HEADERS)
