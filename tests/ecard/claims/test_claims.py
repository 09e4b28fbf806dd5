"""A credential is bound to a phone, says what was asked for and no more, and a library of others accepts it."""

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from jwcrypto.jwk import JWK
from sd_jwt.verifier import SDJWTVerifier

from ecard.claims.errors import ClaimRefused, ClaimRevoked
from ecard.claims.offline import ClaimVerifier
from ecard.claims.sdjwt import parse, split
from ecard.claims.source import NOTHING
from ecard.client import Phone
from ecard.client.claims import answer, ask, bound, issue, my_claims, show
from ecard.encoding import unb64url
from ecard.ids import new_id
from ecard.keys import Suite
from ecard.settings import Settings
from qr.errors import BundleRefused
from qr.offline import trust_on_first_use
from qr.status import StatusList
from tests.bureau import PASSWORD, Bureau, ecard, outcomes, refused, rows, soon

ITEM, LICENCE = "A2-13", "driving_licence"
RENTAL = ["vehicle_classes", "age_over_18"]


def issued(phone: Phone) -> dict[str, Any]:
    return issue(phone, phone.do(ITEM))


def bundle_of(bureau: Bureau) -> str:
    return str(bureau.http.get("/v1/credentials/bundle").json()["bundle"])


def verifier_of(bureau: Bureau) -> ClaimVerifier:
    bundle = bundle_of(bureau)
    return ClaimVerifier.load(bundle, anchors=trust_on_first_use(bundle), now=time.time())


def test_a_licence_is_issued_to_the_phone_and_shown_to_a_terminal_no_further_than_asked(bureau: Bureau) -> None:
    phone, terminal = bureau.phone(), bureau.terminal()
    made = issued(phone)
    asked = ask(terminal, LICENCE, RENTAL, "租车")
    assert answer(terminal, asked["id"])["state"] == "waiting"
    wanted = phone.call("GET", f"/v1/me/claim-requests/{asked['id']}").json()
    assert (wanted["purpose"], wanted["claims"]) == ("租车", sorted(RENTAL))
    assert show(phone, made["credential"], asked["id"])["claims"] == sorted(RENTAL)
    found = answer(terminal, asked["id"])
    assert (found["state"], found["claims"].keys()) == ("presented", set(RENTAL))
    assert found["claims"]["age_over_18"] is True
    mine = my_claims(phone)
    assert [one["id"] for one in mine["credentials"]] == [made["id"]]
    assert [(one["purpose"], one["claims"]) for one in mine["shown"]] == [("租车", sorted(RENTAL))]


@pytest.mark.parametrize("suite", Suite)
def test_the_reference_library_accepts_what_a_phone_shows(bureau: Bureau, suite: Suite) -> None:
    phone = bureau.phone(suite=suite)
    made = issued(phone)
    keys = {one["kid"]: one for one in bureau.http.get("/v1/credentials/keys").json()["keys"]}

    def key(issuer: str, header: dict[str, str]) -> JWK:
        assert (issuer, header["typ"]) == (bureau.issuer, "dc+sd-jwt")
        return JWK.from_json(json.dumps(keys[header["kid"]]))

    text = bound(phone, made["credential"], RENTAL, audience="verifier", nonce="n-1")
    # The library binds by P-256 alone; what a phone with another key shows it reads without the binding.
    expected = {"expected_aud": "verifier", "expected_nonce": "n-1"} if suite is Suite.ES256 else {}
    found = SDJWTVerifier(text, key, **expected).get_verified_payload()
    assert set(RENTAL) <= found.keys()
    assert "name" not in found
    assert found["vct"] == "urn:ecard:driving-licence:1"
    if suite is Suite.ES256:
        with pytest.raises(ValueError, match="nonce"):
            SDJWTVerifier(text, key, expected_aud="verifier", expected_nonce="n-2")
    everything = SDJWTVerifier(made["credential"], key).get_verified_payload()
    assert everything["licence_no"].startswith("119900")


def test_what_is_signed_says_nothing_of_what_is_hidden(bureau: Bureau) -> None:
    phone = bureau.phone()
    one, two = (split(issued(phone)["credential"]) for _ in range(2))
    assert {parse(text).name for text in one.disclosures} == {
        "name",
        "licence_no",
        "vehicle_classes",
        "first_issued_on",
        "valid_until",
        "age_over_18",
    }
    assert not {parse(text).digest for text in one.disclosures} & {parse(text).digest for text in two.disclosures}


def test_a_presentation_is_for_one_request_one_phone_and_the_right_claims(bureau: Bureau) -> None:
    phone, terminal = bureau.phone(), bureau.terminal()
    credential = issued(phone)["credential"]
    asked = ask(terminal, LICENCE, RENTAL, "租车")
    to = {"audience": asked["audience"], "nonce": asked["nonce"]}
    path = f"/v1/me/claim-requests/{asked['id']}/presentation"

    def present(text: str, by: Phone = phone) -> None:
        by.call("POST", path, {"presentation": text})

    good = bound(phone, credential, RENTAL, **to)
    phone.call("GET", f"/v1/me/claim-requests/{asked['id']}")
    other = ask(terminal, LICENCE, RENTAL, "租车")
    education = ask(terminal, "education", ["school"], "应聘")
    with refused("claim_too_much", 422) as refusal:
        present(bound(phone, credential, [*RENTAL, "name"], **to))
    assert refusal.value.problem["claims"] == ["name"]
    with refused("claim_too_little", 422):
        present(bound(phone, credential, RENTAL[:1], **to))
    for text, reason in (
        (bound(phone, credential, RENTAL, audience=to["audience"], nonce=other["nonce"]), "binding"),
        (bound(phone, credential, RENTAL, audience=str(new_id()), nonce=to["nonce"]), "binding"),
        (good.rpartition("~")[0] + "~", "binding"),
        (good.replace(split(good).disclosures[0] + "~", "", 1), "binding"),
        (bound(bureau.phone(), credential, RENTAL, **to), "binding"),
        ("nonsense", "malformed"),
        (good[:-4] + "AAAA", "binding"),
        (good[3:], "malformed"),
        ("x" * 20_000, "malformed"),
    ):
        with refused("claim_refused", 422) as refusal:
            present(text)
        assert refusal.value.problem["reason"] == reason, text[-20:]
    thief = bureau.phone()
    with refused("not_found", 404):
        present(good, thief)  # the phone that was first has the request
    with refused("not_found", 404):
        thief.call("GET", f"/v1/me/claim-requests/{asked['id']}")
    stolen = ask(terminal, LICENCE, RENTAL, "租车")
    text = bound(phone, credential, RENTAL, audience=stolen["audience"], nonce=stolen["nonce"])
    with refused("claim_refused") as refusal:
        thief.call("POST", f"/v1/me/claim-requests/{stolen['id']}/presentation", {"presentation": text})
    assert refusal.value.problem["reason"] == "holder"
    with refused("claim_refused"):
        to_school = {"audience": education["audience"], "nonce": education["nonce"]}
        text = bound(phone, credential, RENTAL, **to_school)
        phone.call("POST", f"/v1/me/claim-requests/{education['id']}/presentation", {"presentation": text})
    present(good)
    with refused("claim_request_over", 409):
        present(good)


def test_a_request_is_answered_once_however_many_phones_show_at_once(bureau: Bureau) -> None:
    terminal = bureau.terminal()
    phones = [bureau.phone() for _ in range(6)]
    kept = [(phone, issued(phone)["credential"]) for phone in phones]
    asked = ask(terminal, LICENCE, ["age_over_18"], "入场")
    to = {"audience": asked["audience"], "nonce": asked["nonce"]}
    path = f"/v1/me/claim-requests/{asked['id']}/presentation"
    acts = [
        partial(phone.call, "POST", path, {"presentation": bound(phone, text, ["age_over_18"], **to)})
        for phone, text in kept
    ]
    found = outcomes(acts)
    assert found["ok"] == 1
    assert found.keys() <= {"ok", "claim_request_over", "not_found"}
    assert answer(terminal, asked["id"])["state"] == "presented"


def test_it_is_verified_offline_until_it_is_revoked(bureau: Bureau, settings: Settings, tmp_path: Path) -> None:
    phone = bureau.phone()
    made = issued(phone)
    verifier = verifier_of(bureau)
    shown = partial(bound, phone, made["credential"], RENTAL, audience="agency", nonce="once")
    verdict = verifier.verify(shown(), audience="agency", nonce="once", now=time.time())
    assert verdict.claims.keys() == set(RENTAL)
    (tmp_path / "bundle").write_text(bundle_of(bureau))
    (tmp_path / "shown").write_text(shown())
    command = ("credential", "verify", str(tmp_path / "shown"), "--offline", str(tmp_path / "bundle"))
    result = ecard(settings, *command, "--audience", "agency", "--nonce", "once")
    assert (result.exit_code, '"valid":true' in result.output) == (0, True), result.output
    assert ecard(settings, *command, "--audience", "agency", "--nonce", "twice").exit_code == 1
    phone.call("POST", f"/v1/me/claims/{made['id']}/revocation")
    asked = ask(bureau.terminal(), LICENCE, RENTAL, "租车")
    with refused("claim_revoked", 422):
        show(phone, made["credential"], asked["id"])

    def dead() -> bool:
        try:
            verifier_of(bureau).verify(shown(), audience="agency", nonce="once", now=time.time())
        except ClaimRevoked:
            return True
        return False

    deadline = time.monotonic() + 20
    while not dead():
        assert time.monotonic() < deadline
        time.sleep(0.5)
    with pytest.raises(ClaimRefused):
        verifier.verify(shown(), audience="agency", nonce="once", now=time.time() + 600)


def test_the_status_list_is_fetched_by_the_address_in_the_credential(bureau: Bureau, settings: Settings) -> None:
    phone = bureau.phone()
    made = issued(phone)
    [row] = rows(settings, "SELECT list, place FROM claim WHERE id = $1", made["id"])
    response = bureau.http.get(f"/v1/claims/status/{row['list']}")
    assert response.headers["content-type"].startswith("application/statuslist+jwt")

    def marked() -> bool:
        token = bureau.http.get(f"/v1/claims/status/{row['list']}").text
        lst = json.loads(unb64url(token.split(".")[1]))["status_list"]["lst"]
        return StatusList(lst, 17).dead(row["place"])

    assert not marked()
    bureau.registrar.call("POST", f"/v1/claims/{made['id']}/revocation", {"reason": "驾驶证被吊销"})
    assert marked()
    with refused("not_found", 404):
        bureau.registrar.call("POST", f"/v1/claims/{made['id']}/revocation", {"reason": "驾驶证被吊销"})
    assert bureau.http.get("/v1/claims/status/999999").status_code == 404
    assert bureau.http.get("/v1/claim-issuer").json()["jwks_uri"].endswith("/v1/credentials/keys")


def test_a_credential_ends_with_its_phone_and_with_the_card(bureau: Bureau) -> None:
    person = bureau.register()
    old = bureau.phone(person)
    first = issued(old)
    new = bureau.phone(person)  # in the same channel: the old phone is unbound
    assert [one["revoked_at"] is not None for one in my_claims(new)["credentials"]] == [True]
    second = issued(new)
    assert my_claims(new)["credentials"][0]["revoked_at"] is None
    bureau.cards.set_card_status(person.facts["card_no"], "cancelled")
    assert soon(lambda: all(one["revoked_at"] for one in my_claims(new)["credentials"]))
    assert first["id"] != second["id"]


def test_what_is_not_on_record_of_another_item_or_twice_of_a_visit_is_not_issued(bureau: Bureau) -> None:
    phone = bureau.phone()
    visit = phone.do(ITEM)
    with refused("claim_wrong_item", 422) as refusal:
        issue(phone, visit, "education")
    assert refusal.value.problem["items"] == ["A2-09"]
    with refused("claim_type_unknown", 404):
        issue(phone, visit, "passport")
    key = new_id().hex
    assert len({issue(phone, visit, key=key)["credential"] for _ in range(2)}) == 1
    with refused("claim_issued", 409):
        issue(phone, visit)
    with refused("wrong_flow", 422):
        issue(phone, phone.do("A1-03"))
    with refused("visit_unknown", 404):
        issue(bureau.phone(), visit)
    none = bureau.phone(bureau.register(address=NOTHING))
    with refused("claim_nothing_on_record", 404):
        issue(none, none.do(ITEM))
    with refused("claim_type_unknown", 404):
        ask(bureau.terminal(), LICENCE, ["shoe_size"], "租车")


@pytest.mark.parametrize(("type_", "item"), [("education", "A2-09"), ("disability", "A2-41"), ("residence", "A2-02")])
def test_other_types_go_on_from_a_visit_at_their_counter(bureau: Bureau, type_: str, item: str) -> None:
    phone, counter = bureau.phone(), bureau.terminal()
    phone.prove(PASSWORD)
    visit = str(counter.visit(item, phone.code())["visit"])
    made = issue(phone, visit, type_)
    known = bureau.http.get("/v1/claim-types").json()
    [claims] = [[field["name"] for field in one["claims"]] for one in known if one["name"] == type_]
    asked = ask(counter, type_, claims, "核验")
    show(phone, made["credential"], asked["id"])
    assert answer(counter, asked["id"])["claims"].keys() == set(claims)


def test_only_the_agency_that_asked_reads_the_answer_and_not_for_long(bureau: Bureau, settings: Settings) -> None:
    phone, terminal = bureau.phone(), bureau.terminal()
    asked = ask(terminal, LICENCE, RENTAL, "租车")
    show(phone, issued(phone)["credential"], asked["id"])
    with refused("not_found", 404):
        answer(bureau.counter_of_another_agency(), asked["id"])
    rows(settings, "UPDATE claim_request SET expires_at = now() - interval '1 second' WHERE id = $1", asked["id"])
    found = answer(terminal, asked["id"])
    assert (found["state"], found["claims"]) == ("expired", {})
    ask(terminal, LICENCE, RENTAL, "租车")
    [row] = rows(settings, "SELECT answer FROM claim_request WHERE id = $1", asked["id"])
    assert row["answer"] is None


def test_a_bundle_that_is_none_verifies_nothing(bureau: Bureau) -> None:
    bundle = bundle_of(bureau)
    with pytest.raises(BundleRefused):
        ClaimVerifier.load(bundle[:-6], anchors=trust_on_first_use(bundle), now=time.time())
