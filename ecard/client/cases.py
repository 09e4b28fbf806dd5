"""Applications from their visit to their end, over HTTP only: what counters, banks, phones and reviewers do."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from ecard.client.actors import Operator, Phone, Terminal
from ecard.client.session import Session

Case = dict[str, Any]
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c6368000000"
    "82008177cd72b60000000049454e44ae426082"
)
"""One grey pixel: a material for where it does not matter which."""


def _mine(session: Session) -> str:
    return "/v1/me" if isinstance(session, Phone) else "/v1"


def upload(session: Terminal | Phone, content: bytes = PNG) -> str:
    """Return the id of an uploaded material."""
    body = {"content": b64encode(content).decode()}
    return str(session.call("POST", f"{_mine(session)}/case-materials", body).json()["id"])


def open_case(
    session: Terminal | Phone, visit: str, *, form: Mapping[str, str] | None = None, materials: Sequence[str] = ()
) -> Case:
    """Return the case that was opened from a visit, at a counter accepted already."""
    body = {"visit": visit, "form": dict(form or {}), "materials": list(materials)}
    opened: Case = session.call("POST", f"{_mine(session)}/cases", body).json()
    return opened


def look(session: Session, case: Case) -> Case:
    """Return a case as this caller may see it: an agency's, the holder's own, or one in the reviewer's hands."""
    place = "/v1/case-reviews" if isinstance(session, Operator) else f"{_mine(session)}/cases"
    seen: Case = session.call("GET", f"{place}/{case['id']}").json()
    return seen


def move(session: Terminal | Phone, case: Case, motion: str, **more: Any) -> Case:
    """Return a case after its applicant's motion: supplement, withdraw or appeal; a terminal names another `visit`."""
    body = {"motion": motion, "version": case["version"], **more}
    moved: Case = session.call("POST", f"{_mine(session)}/cases/{case['id']}/motions", body).json()
    return moved


def decide(session: Terminal | Operator, case: Case, decision: str = "approve", **more: Any) -> Case:
    """Return a case after a decision at the level that is due; `more` is a reason, or another version or level."""
    place = "/v1/case-reviews" if isinstance(session, Operator) else "/v1/cases"
    body = {"version": case["version"], "level": case["level"] + 1, "decision": decision, **more}
    decided: Case = session.call("POST", f"{place}/{case['id']}/decisions", body).json()
    return decided


def assign(reviewer: Operator, case: Case, to: UUID | None = None) -> Case:
    """Return a case that the reviewer took, or handed over."""
    assigned: Case = reviewer.call("POST", f"/v1/case-reviews/{case['id']}/assignments", {"to": to}).json()
    return assigned


def finish(case: Case, reviewers: Sequence[Operator]) -> Case:
    """Return a case that reviewers, each another person, took and approved to its end."""
    left = iter(reviewers)
    while case["state"] in {"submitted", "accepted", "reviewed"}:
        reviewer = next(left)
        assign(reviewer, case)
        case = decide(reviewer, look(reviewer, case))
    return case


def new_reviewer(security: Operator, cards: Operator, person: Mapping[str, str], name: str = "审核员") -> Operator:
    """Return a new reviewer who is a known person; `person` are the fields of `POST /v1/holders`."""
    cards.register_holder(**person)
    reviewer = security.register_operator(name, "reviewer")
    security.call("POST", "/v1/reviewers", {"operator": reviewer.actor, "id_no": person["id_no"]})
    return reviewer


def grant(registrar: Operator, agency: UUID, items: Sequence[str] = (), **more: Any) -> Case:
    """Return a grant: of all 必选 items where none are named."""
    made: Case = registrar.call("POST", "/v1/case-grants", {"agency": agency, "items": list(items), **more}).json()
    return made


def serve(counter: Terminal, visit: str, act: str, **more: str) -> Case:
    """Return what became of an act on a card or its account; `more` are passwords, or a face."""
    done: Case = counter.call("POST", "/v1/card-services", {"visit": visit, "act": act, **more}).json()
    return done


def serve_lost(counter: Terminal, act: str, person: Mapping[str, str], face: str) -> Case:
    """Return what became of an act on a lost card; `person` has name, id_no and card_no."""
    named = {key: person[key] for key in ("name", "id_no", "card_no")}
    done: Case = counter.call("POST", "/v1/card-services/lost", {"act": act, "face": face, **named}).json()
    return done


def make_card(cards: Operator, order: str, card_no: str, **more: str) -> Case:
    """Return an order whose card was made; `more` are the chip's numbers and the bank account on it."""
    made: Case = cards.call("POST", f"/v1/card-orders/{order}/made", {"card_no": card_no, **more}).json()
    return made
