"""The four actors of the main job, each a session with the calls that it makes."""

from typing import Any
from uuid import UUID

import httpx
import msgspec

from ecard.cards.service import DEVICE_ISSUER
from ecard.client.session import Session
from ecard.encoding import b64url
from ecard.ids import new_id
from ecard.keys import Signer, Suite, generate, to_jwk
from ecard.tokens import TokenType


def new_signer(suite: Suite = Suite.ES256) -> Signer:
    """Return a key as a phone's secure element would make it."""
    return generate(suite)[0]


def device_proof(signer: Signer, issuer: str, now: float) -> str:
    """Return a JWT, good for 60 s, by which a phone proves that it holds the key in its header."""
    header = {
        "alg": signer.suite.value,
        "typ": TokenType.DEVICE_PROOF.value,
        "jwk": to_jwk(signer.suite, signer.public),
    }
    claims = {"iss": DEVICE_ISSUER, "aud": issuer, "iat": int(now), "exp": int(now) + 60, "jti": new_id().hex}
    signed = f"{b64url(msgspec.json.encode(header))}.{b64url(msgspec.json.encode(claims))}"
    return f"{signed}.{b64url(signer.sign(signed.encode()))}"


class Operator(Session):
    """A bureau's operator."""

    def register_agency(self, name: str, uscc: str) -> UUID:
        """Return the id of a new agency."""
        return UUID(self.call("POST", "/v1/agencies", {"name": name, "uscc": uscc}).json()["id"])

    def register_terminal(
        self, agency: UUID, setting: str, *, name: str = "1号窗口", site: str = "政务大厅"
    ) -> "Terminal":
        """Return a new terminal of `agency`, with a key of its own."""
        signer = new_signer()
        place = {"agency": agency, "name": name, "setting": setting, "region": "640100", "site": site}
        body = {**place, "key": to_jwk(signer.suite, signer.public)}
        return Terminal(self.http, self.call("POST", "/v1/terminals", body).json()["id"], signer)

    def register_channel(self, name: str, kind: str, *, medium: str = "app", parent: UUID | None = None) -> "Channel":
        """Return a new service channel; with a parent it is second tier."""
        signer = new_signer()
        body: dict[str, Any] = {
            "name": name,
            "kind": kind,
            "medium": medium,
            "key": to_jwk(signer.suite, signer.public),
            "parent": parent,
        }
        return Channel(self.http, self.call("POST", "/v1/channels", body).json()["id"], signer)

    def register_operator(self, name: str, role: str) -> "Operator":
        """Return a new operator of `role`."""
        signer = new_signer()
        body = {"name": name, "role": role, "key": to_jwk(signer.suite, signer.public)}
        return Operator(self.http, self.call("POST", "/v1/operators", body).json()["id"], signer)

    def register_holder(self, **person: str) -> None:
        """Register a person with a physical card."""
        self.call("POST", "/v1/holders", person)

    def set_card_status(self, card_no: str, status: str) -> None:
        """Move a card to a status."""
        self.call("PUT", "/v1/cards/status", {"card_no": card_no, "status": status})

    def revoke(self, actor: UUID) -> None:
        """Take a terminal, channel or operator out of service."""
        self.call("DELETE", f"/v1/actors/{actor}")


class Channel(Session):
    """A service channel's server, which issues e-cards to its users' phones."""

    def issue(self, issuer: str, *, signer: Signer | None = None, key: str | None = None, **applicant: str) -> "Phone":
        """Return the phone that was given the e-card; `applicant` has name, id_no, password, card_no, face."""
        signer = signer or new_signer()
        body = {**applicant, "device_proof": device_proof(signer, issuer, self.now())}
        issued = self.call("POST", "/v1/issuances", body, key=key).json()
        return Phone(self.http, issued, signer)


class Phone(Session):
    """A holder's phone."""

    def __init__(self, http: httpx.Client, issued: dict[str, Any], signer: Signer) -> None:
        super().__init__(http, issued["device"], signer)
        self.issued = issued

    def codes(self, scene: str = "identity", count: int = 1, relative: str | None = None) -> list[dict[str, Any]]:
        """Return codes to show."""
        body = {"scene": scene, "count": count, "relative": relative}
        codes: list[dict[str, Any]] = self.call("POST", "/v1/me/codes", body).json()["codes"]
        return codes

    def code(self, scene: str = "identity") -> str:
        """Return the text of one code."""
        return str(self.codes(scene)[0]["code"])

    def prove(self, password: str) -> str:
        """Prove the password; return the busiSeq. Codes say so for five minutes."""
        proven = self.call("POST", "/v1/me/verifications", {"password": password}).json()
        self.renew(proven["session"])
        return str(proven["busi_seq"])

    def open_payment(self, password: str) -> dict[str, Any]:
        """Open level 2."""
        acted: dict[str, Any] = self.call("POST", "/v1/me/payment", {"busi_seq": self.prove(password)}).json()
        return acted

    def report_lost(self) -> None:
        """Report the card lost."""
        self.call("PUT", "/v1/me/card/status", {"status": "lost_temporary"})

    def report_found(self, password: str) -> None:
        """Take the report back."""
        self.call("PUT", "/v1/me/card/status", {"status": "active", "busi_seq": self.prove(password)})

    def do(self, item: str, *, key: str | None = None, **proof: str) -> str:
        """Return the visit of an item done on this phone, for its flow to go on from; `proof` is busi_seq or face."""
        return str(self.call("POST", "/v1/me/visits", {"item": item, **proof}, key=key).json()["visit"])

    def uses(self) -> list[dict[str, Any]]:
        """Return the uses of the card."""
        uses: list[dict[str, Any]] = self.call("GET", "/v1/me/uses").json()
        return uses


class Terminal(Session):
    """A terminal: counter, kiosk, gate, till or online service."""

    def visit(self, item: str, code: str, *, key: str | None = None) -> dict[str, Any]:
        """Return the answer for a holder who is here for `item` and showed `code`."""
        body = {"item": item, "evidence": {"kind": "code", "code": code}}
        answer: dict[str, Any] = self.call("POST", "/v1/visits", body, key=key).json()
        return answer

    def introspect(self, assertion: str) -> dict[str, Any]:
        """Return whether an assertion still stands."""
        answer: dict[str, Any] = self.call("POST", "/v1/assertions/introspect", {"token": assertion}).json()
        return answer
