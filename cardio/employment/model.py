"""就业创业证 (certificate of employment and entrepreneurship): what is kept of it; pure.

With the physical card it is on record only as it stands on the card; with the electronic one the record is all there
is.
"""

from collections.abc import Mapping

import msgspec

from cardio.employment.errors import OtherItem
from cardio.server.model import CERTIFICATE_ITEM
from ecard.catalogue.model import Item


def check_item(item: Item) -> None:
    """Check that a visit is for the certificate; raises OtherItem."""
    if item.code != CERTIFICATE_ITEM:
        raise OtherItem


def encoded(fields: Mapping[str, str]) -> bytes:
    """Return a certificate's fields as they are sealed."""
    return msgspec.json.encode(dict(fields), order="sorted")
