"""The sandbox's authorities, which can be told to fail or to be slow, and its fictitious people.

The area code 119900 is assigned to nobody; numbers in it pass every check and belong to no one.
"""

import asyncio

from ecard.cards.errors import CheckUnavailable
from ecard.cards.model import Profile

FACE_PASSED = "sandbox-face-passed"
FACE_FAILED = "sandbox-face-failed"
FACE_SLOW = "sandbox-face-slow"
FACE_DOWN = "sandbox-face-down"


class SandboxChecks:
    """Every fictitious person is who they say; the face's evidence says how its check ends.

    FACE_PASSED passes, FACE_SLOW passes after a second, FACE_DOWN is an authority that does not
    answer, everything else fails. A bank account is ready when the profile has account and mobile.
    """

    async def real_name(self, name: str, id_no: str) -> bool:
        """Return True for every number of the fictitious area."""
        return bool(name) and id_no.startswith(AREA)

    async def face(self, profile: Profile, evidence: str) -> bool:
        """Return what `evidence` says."""
        if evidence == FACE_DOWN:
            raise CheckUnavailable
        if evidence == FACE_SLOW:
            await asyncio.sleep(1)
        return bool(profile.name) and evidence in {FACE_PASSED, FACE_SLOW}

    async def bank_ready(self, profile: Profile) -> bool:
        """Return whether the profile has an account and a mobile number."""
        return bool(profile.bank_account and profile.mobile)


AREA = "119900"
