"""How a row is played to its end: identification, logins, and what a refusal looks like.

A play takes the stage, an item and a form, uses public operations only, and returns what it has shown; it raises
Unproven, or what the server refused, where that is not what it must be.
"""

from collections.abc import Callable
from typing import Any

from ecard.cards.sandbox import FACE_PASSED
from ecard.catalogue.model import Form, Item, Strength
from ecard.cli.rehearse.stage import Person, Stage
from ecard.cli.story import PASSWORD, expect
from ecard.client import Refused, entries

Play = Callable[[Stage, Item, Form], str]
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_VISIT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_CALLBACK = "https://client.example/callback"


def identify(stage: Stage, item: Item, form: Form) -> str:
    """Have a holder identified and let in by either form, or identified on the own phone where only a face will do."""
    person = stage.person()
    if item.strength is Strength.BIOMETRIC:
        visit = person.phone.do(item.code, face=FACE_PASSED)
        expect(any(use["id"] == visit for use in person.phone.uses()), "the visit is in the holder's list")
        return "face on the own phone"
    place = stage.place("counter")
    seen = place.visit(item, form, person)
    said = place.terminal.introspect(seen["assertion"])
    expect(said["active"] and set(seen["holder"]) == {field.value for field in item.fields}, "what may be disclosed")
    entry = entries.enter(place.terminal, seen["visit"])
    expect(any(one["id"] == entry["id"] for one in entries.my_entries(person.phone)), "the holder sees the entry")
    return f"identified {seen['acr']}, let in"


def refuse(stage: Stage, item: Item, form: Form) -> str:
    """Show that a form which the item does not permit is refused, and that nothing comes of it."""
    person, place = stage.once(("refused", form), stage.person), stage.place("counter")
    try:
        place.visit(item, form, person)
    except Refused as refusal:
        expect(refusal.code == "form_not_accepted", f"refused for its form, not as {refusal.code}")
        expect(form.value not in refusal.problem["accepted"], "the refusal names the forms that are accepted")
        return refusal.code
    expect(False, "refused")  # noqa: FBT003 - it was not
    return ""


def login(stage: Stage, item: Item, form: Form) -> str:
    """Log a holder in: by scanning a device's code with the phone, or by a card shown at a counter (RFC 7523)."""
    person = stage.person()
    client = stage.once("client", lambda: _client(stage))
    if item.code.endswith("95"):
        body = {"id_no": person.facts["id_no"], "agency": str(stage.agency()), "role": "clerk"}
        stage.by.registrar.call("POST", "/v1/staff", body)
    if form is Form.PHYSICAL:
        visit = stage.place("counter").visit(item, form, person)
        tokens = _token(stage, client, grant_type=_VISIT, assertion=visit["assertion"])
    else:
        tokens = _scanned(stage, client, item, person)
    claims = _post(stage, client, "/oauth/introspect", token=tokens["access_token"])
    expect(bool(claims["active"]), "the token stands")
    return f"token for {claims['scope']}"


def _scanned(stage: Stage, client: dict[str, Any], item: Item, person: Person) -> dict[str, Any]:
    """Return the tokens of a device whose code the phone scanned and confirmed (RFC 8628)."""
    begun = _post(stage, client, "/oauth/device", scope=f"openid {item.scope}")
    found = person.phone.call("POST", "/v1/logins/scan", {"qr": begun["qr"]}).json()["id"]
    proof = {"busi_seq": person.phone.prove(PASSWORD)} if item.strength.meets(Strength.KNOWLEDGE) else {}
    person.phone.call("POST", f"/v1/logins/{found}/confirm", proof)
    return _token(stage, client, grant_type=_DEVICE, device_code=begun["device_code"])


def _client(stage: Stage) -> dict[str, Any]:
    """Return a relying party of the agency that may use every way to log in."""
    body = {
        "name": "沙箱网上办事大厅",
        "agency": str(stage.agency()),
        "profile": "standard",
        "auth_method": "client_secret_post",
        "items": ["A1-94", "A1-95", "A2-01"],
        "grant_types": ["authorization_code", _DEVICE, _VISIT],
        "redirect_uris": [_CALLBACK],
        "sandbox": True,
    }
    made: dict[str, Any] = stage.by.registrar.call("POST", "/v1/clients", body).json()
    return made


def _token(stage: Stage, client: dict[str, Any], **form: str) -> dict[str, Any]:
    return _post(stage, client, "/oauth/token", **form)


def _post(stage: Stage, client: dict[str, Any], path: str, **form: str) -> dict[str, Any]:
    named = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    answer = stage.http.post(path, data={**named, **form})
    expect(answer.is_success, f"{path}: {answer.text}")
    said: dict[str, Any] = answer.json()
    return said
