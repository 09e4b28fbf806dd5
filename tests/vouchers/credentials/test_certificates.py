"""A completed training gives a certificate that its owner shows as he likes, and that ends with its voucher."""

import collections
import json
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import jwt
import pytest

from ecard.client import Phone
from ecard.settings import Settings
from tests.bureau import Bureau, ecard, new_person, refused, rows
from tests.clients.node import Failed, run
from tests.vouchers.credentials.trained import Academy, Trained
from vouchers.credentials.publishing import FRESH

OPEN_BADGE = jsonschema_rs.Draft201909Validator(
    json.loads(Path(__file__).with_name("open_badge.schema.json").read_text("utf-8"))
)


@pytest.fixture(scope="module")
def school(bureau: Bureau) -> Academy:
    return Academy(bureau)


@pytest.fixture(scope="module")
def learner(school: Academy) -> Trained:
    return school.train(school.bureau.phone(school.bureau.register(name="测试员")))


def shown(phone: Phone, credential: object, query: str = "") -> str:
    answer = phone.call("GET", f"/v1/me/credentials/{credential}", query=query).json()
    return str(answer["credential"])


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def independently(bureau: Bureau, token: str) -> dict[str, Any]:
    """Return what a verifier made of the specifications and of jose says of a certificate."""
    asked = {"credential": token, "issuer": bureau.issuer, "base": bureau.base_url}
    said: dict[str, Any] = run("verify_badge.mjs", asked)
    return said


def test_the_second_audit_mints_the_certificate_and_the_e_card_lists_it(school: Academy, learner: Trained) -> None:
    [listed] = learner.phone.call("GET", "/v1/me/credentials").json()
    assert listed["id"] == str(learner.credential)
    assert (listed["title"], listed["course"]) == (school.title, "育婴员第 3 班")
    assert (listed["hours"], listed["institution"], listed["revoked_at"]) == (8, "测试职业培训学校", None)
    training = learner.phone.call("GET", "/v1/me/training").json()
    assert [(one["credential"], one["attended"]) for one in training["taken"]] == [(str(learner.credential), 8)]
    assert (training["taking"], training["credentials"]) == ([], [listed])


def test_an_independent_verifier_takes_the_certificate(bureau: Bureau, learner: Trained) -> None:
    token = shown(learner.phone, learner.credential)
    said = independently(bureau, token)
    OPEN_BADGE.validate(said["badge"])
    assert (said["badge"]["id"], said["revoked"]) == (f"urn:uuid:{learner.credential}", False)
    assert said["media"].startswith("application/vc+jwt")
    assert set(said["list"]["type"]) == {"VerifiableCredential", "BitstringStatusListCredential"}


def test_it_says_who_its_owner_is_only_as_far_as_the_owner_wishes(settings: Settings, learner: Trained) -> None:
    plain, named = shown(learner.phone, learner.credential), shown(learner.phone, learner.credential, "name=true")
    assert plain == shown(learner.phone, learner.credential), "the same wish gives the same bytes"
    assert "identifier" not in claims_of(plain)["credentialSubject"]
    assert claims_of(named)["credentialSubject"]["identifier"][0]["identityHash"] == "测试员"
    person = rows(settings, "SELECT holder FROM voucher WHERE id = $1", learner.voucher)[0]["holder"]
    for token in (plain, named):
        text = json.dumps(claims_of(token))
        assert "119900" not in text, "no resident number"
        assert str(person) not in text
        assert str(learner.voucher) not in text


def test_one_agency_knows_its_visitor_again_and_nobody_links_two_certificates(bureau: Bureau, learner: Trained) -> None:
    visitor = bureau.terminal("counter").visit("A1-73", learner.phone.code("voucher"))["sub"]
    for_it = shown(learner.phone, learner.credential, f"agency={bureau.agency}")
    assert claims_of(for_it)["sub"] == f"{bureau.issuer}#{visitor}"
    another = Academy(bureau).train(learner.phone)
    subjects = {claims_of(shown(learner.phone, one))["sub"] for one in (learner.credential, another.credential)}
    assert len(subjects) == 2


def test_nobody_sees_anothers_certificate(bureau: Bureau, learner: Trained) -> None:
    stranger = bureau.phone()
    assert stranger.call("GET", "/v1/me/credentials").json() == []
    with refused("not_found", 404):
        shown(stranger, learner.credential)


def test_a_certificate_is_revoked_with_its_voucher_online_and_offline(
    bureau: Bureau, settings: Settings, school: Academy, http: httpx.Client, tmp_path: Path
) -> None:
    one, other = school.train(), school.train()
    badge, bundle = tmp_path / "badge.jwt", tmp_path / "certificates.json"
    badge.write_text(shown(one.phone, one.credential))
    bundle.write_bytes(http.get("/v1/credentials/bundle").content)
    verify = ("credential", "verify", str(badge), "--offline", str(bundle))
    accepted = ecard(settings, *verify)
    assert (accepted.exit_code, json.loads(accepted.stdout)["valid"]) == (0, True)
    assert "RFC 7638" in accepted.stderr

    school.reverse(one)
    assert one.phone.call("GET", "/v1/me/credentials").json()[0]["revoked_at"] is not None
    deadline = time.monotonic() + 3 * FRESH
    while not (said := independently(bureau, shown(one.phone, one.credential)))["revoked"]:
        assert time.monotonic() < deadline, "still not on the list"
        time.sleep(0.5)
    assert said["badge"]["id"] == f"urn:uuid:{one.credential}"
    assert not independently(bureau, shown(other.phone, other.credential))["revoked"]
    bundle.write_bytes(http.get("/v1/credentials/bundle").content)
    keys = tmp_path / "jwks.json"
    keys.write_bytes(http.get("/.well-known/jwks.json").content)
    late = ecard(settings, *verify, "--keys", str(keys))
    assert (late.exit_code, json.loads(late.stdout)["code"]) == (1, "credential_revoked")
    events = rows(settings, "SELECT kind FROM audit_event WHERE detail ->> 'credential' = $1", str(one.credential))
    assert [row["kind"] for row in events] == ["credential_issued", "credential_revoked"]


def test_what_is_no_certificate_is_refused_with_no_network(
    settings: Settings, http: httpx.Client, tmp_path: Path
) -> None:
    bundle, badge = tmp_path / "certificates.json", tmp_path / "badge.jwt"
    bundle.write_bytes(http.get("/v1/credentials/bundle").content)
    for text, reason in (
        ("{}", "malformed"),
        ("a.b.c", "malformed"),
        (http.get("/v1/bundle").json()["bundle"], "type"),
    ):
        badge.write_text(text)
        refusal = ecard(settings, "credential", "verify", str(badge), "--offline", str(bundle))
        assert (refusal.exit_code, f"reason {reason}" in refusal.output or reason in refusal.output) == (1, True)
    badge.write_text("x")
    bundle.write_text(http.get("/v1/bundle").text)
    assert ecard(settings, "credential", "verify", str(badge), "--offline", str(bundle)).exit_code == 1


def test_many_certificates_at_once_have_places_of_their_own(bureau: Bureau, settings: Settings) -> None:
    school = Academy(bureau)
    learners = [bureau.phone() for _ in range(8)]
    made: list[Trained] = []
    threads = [threading.Thread(target=lambda phone: made.append(school.train(phone)), args=(one,)) for one in learners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    places = rows(settings, "SELECT list, place FROM credential WHERE programme = $1", school.programme)
    assert len({tuple(row) for row in places}) == len(learners) == len(made)
    assert collections.Counter(row["list"] for row in places).keys() == {0}


def test_a_kiosk_gives_the_record_of_whoever_shows_a_code(bureau: Bureau, learner: Trained) -> None:
    kiosk = bureau.terminal("kiosk")

    def look_up(item: str) -> dict[str, Any]:
        evidence = {"kind": "code", "code": learner.phone.code("identity")}
        made: dict[str, Any] = kiosk.call("POST", "/v1/training-records", {"item": item, "evidence": evidence}).json()
        return made

    record = look_up("A1-76")
    assert [one["credential"] for one in record["training"]["taken"]][-1] == str(learner.credential)
    assert record["visit"]["item"] == "A1-76"
    assert set(record["visit"]["holder"]) == {"name", "id_no"}
    certificates = look_up("A1-81")
    assert certificates["training"] is None
    assert str(learner.credential) in [one["id"] for one in certificates["credentials"]]
    used = [one["item"] for one in learner.phone.call("GET", "/v1/me/uses").json()]
    assert used[:2] == ["A1-81", "A1-76"], "the holder sees who looked"


def test_what_may_be_taken_is_shown_until_it_is(bureau: Bureau) -> None:
    school, phone = Academy(bureau, vouchers=2), bureau.phone(bureau.register(**new_person().facts))

    def offered() -> list[dict[str, Any]]:
        found = phone.call("GET", "/v1/me/training").json()["may_take"]
        return [one for one in found if one["programme"] == str(school.programme)]

    [offer] = offered()
    assert (offer["class"], offer["voucher"], offer["seats"]) == (str(school.klass), None, 30)
    voucher = school.claimed(phone)
    assert [one["voucher"] for one in offered()] == [str(voucher)]
    assert "119900" not in json.dumps(offer)


def test_a_key_is_where_its_name_says(bureau: Bureau, learner: Trained, http: httpx.Client) -> None:
    kid = jwt.get_unverified_header(shown(learner.phone, learner.credential))["kid"]
    assert kid.startswith(f"{bureau.issuer}/v1/credentials/keys/credential-")
    key = http.get(kid.removeprefix(bureau.issuer)).json()
    assert (key["kid"], "d" in key) == (kid, False)
    assert key in http.get("/v1/credentials/keys").json()["keys"]
    assert http.get("/v1/credentials/keys/none").status_code == httpx.codes.NOT_FOUND
    assert http.get("/v1/credentials/status/999").status_code == httpx.codes.NOT_FOUND


def test_a_revoked_key_takes_no_certificate_with_it(bureau: Bureau, settings: Settings, learner: Trained) -> None:
    before = shown(learner.phone, learner.credential)
    kid = jwt.get_unverified_header(before)["kid"].rpartition("/")[2]
    assert ecard(settings, "keys", "revoke", kid).exit_code == 0
    deadline = time.monotonic() + 4 * FRESH
    while True:
        try:
            said = independently(bureau, shown(learner.phone, learner.credential))
            break
        except Failed:
            assert time.monotonic() < deadline, "still shown or listed by the revoked key"
            time.sleep(0.2)
    assert (said["badge"]["id"], said["revoked"]) == (f"urn:uuid:{learner.credential}", False)
    with pytest.raises(Failed):
        independently(bureau, before)
