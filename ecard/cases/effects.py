"""What the last approval of a case does beside ending it, in its own transaction; policy.toml says of which items."""

from typing import Any

from ecard.cases.model import Effect
from ecard.cases.policy import policy
from ecard.certification import service as certification
from ecard.db import Tx


async def done(tx: Tx, case: Any) -> None:
    """Do what a case that is done brings about: 三级审核 of documents certifies as a face would (A3-17, A3-19).

    Raises CertifiedBefore where the case's visit has certified otherwise.
    """
    if policy().effects.get(case["item"]) is Effect.CERTIFY:
        await certification.by_case(
            tx, case=case["id"], visit=case["visit"], holder=case["holder"], item=case["item"], agency=case["agency"]
        )
