"""A login belongs to the browser that opened it and the phone that scanned it first; everybody else learns nothing."""

from collections import Counter
from uuid import uuid4

import httpx
import pytest

from ecard.client import Phone, Refused
from ecard.settings import Settings
from tests.auth.acts import begin_device
from tests.auth.party import Tab, fapi, new_pkce, query
from tests.bureau import Bureau, outcomes, refused, rows

PATHS = ["", "/status", "/events", "/qr.svg", "/app", "/done", "/again"]


class Opened:
    """A login on its page."""

    def __init__(self, bureau: Bureau, *, scanned_by: Phone | None = None) -> None:
        self.party, self.pkce = fapi(bureau), new_pkce()
        self.tab, self.page = self.party.begin(self.pkce)
        self.id = self.page.rpartition("/")[2]
        if scanned_by is not None:
            self.scan(scanned_by)

    @property
    def status(self) -> dict[str, object]:
        return self.tab.status(self.page)

    @property
    def qr(self) -> str:
        return str(self.status["qr"])

    def scan(self, phone: Phone) -> dict[str, object]:
        seen: dict[str, object] = phone.call("POST", "/v1/logins/scan", {"qr": self.qr}).json()
        return seen

    def confirm(self, phone: Phone, number: object = None) -> None:
        body = {"number": number or self.status["number"]}
        phone.call("POST", f"/v1/logins/{self.id}/confirm", body)

    def done(self) -> dict[str, str]:
        return query(self.tab.get(f"{self.page}/done").headers["location"])


def plain(answer: httpx.Response) -> tuple[object, ...]:
    """Return all of an answer but what differs from one request to the next."""
    body = answer.text.replace(answer.headers["Request-Id"], "")
    kept = sorted(set(answer.headers) - {"request-id", "date"})
    return answer.status_code, body, [(name, answer.headers[name]) for name in kept]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_whoever_knows_the_logins_id_alone_is_answered_as_for_no_login(bureau: Bureau, path: str, accept: str) -> None:
    opened, other = Opened(bureau), Opened(bureau)
    theirs = next(value for (name, _), value in other.tab._jar.items() if name.startswith("__Host-ecard_login_"))

    def ask(login: object, cookie: str) -> tuple[object, ...]:
        headers = {"Accept": accept, "Cookie": cookie}
        return plain(bureau.http.get(f"/login/{login}{path}", headers=headers))

    unknown = ask(uuid4(), "")
    assert unknown[0] == 404
    name = f"__Host-ecard_login_{str(opened.id).replace('-', '')}"
    cookies = ["", f"{name}=", f"{name}=guessed", f"{name}={theirs}", f"{name}={opened.qr}"]
    assert [ask(opened.id, cookie) for cookie in cookies] == [unknown] * len(cookies)
    unheard_of = uuid4()
    assert ask(unheard_of, f"__Host-ecard_login_{unheard_of.hex}={theirs}") == unknown


def test_nobody_else_cancels_a_login(bureau: Bureau) -> None:
    opened = Opened(bureau)
    assert Tab(bureau.base_url).send("POST", f"{opened.page}/cancel").status_code == 404
    assert opened.status["state"] == "pending"
    assert opened.tab.send("POST", f"{opened.page}/cancel").status_code == 303
    assert opened.done()["error"] == "access_denied"


def test_what_a_devices_qr_and_letters_say_collects_no_token(bureau: Bureau) -> None:
    party = fapi(bureau)
    begun = begin_device(party)
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    wrong = [str(uuid4()), begun["qr"], begun["qr"][5:], begun["user_code"], begun["user_code"].replace("-", "")]
    answers = [party.post("/oauth/token", {"grant_type": grant, "device_code": code}) for code in wrong]
    assert {(one.status_code, one.text.replace(one.headers["Request-Id"], "")) for one in answers} == {
        (400, answers[0].text.replace(answers[0].headers["Request-Id"], ""))
    }
    assert answers[0].json()["error"] == "invalid_grant"


def test_a_second_scanner_is_refused_both_are_told_and_the_first_goes_on(bureau: Bureau) -> None:
    first, second = bureau.phone(), bureau.phone()
    opened = Opened(bureau)
    qr = opened.qr
    opened.scan(first)
    assert "refused_scans" not in opened.status
    with refused("login_taken", 409):
        second.call("POST", "/v1/logins/scan", {"qr": qr})
    assert (opened.status["state"], opened.status["refused_scans"]) == ("scanned", 1)
    opened.confirm(first)
    tokens = opened.party.redeem(opened.done()["code"], opened.pkce)
    assert tokens.status_code == 200


def test_the_first_scanners_phone_is_told_of_others_when_it_looks_again_and_may_go_on(bureau: Bureau) -> None:
    first, opened = bureau.phone(), Opened(bureau)
    qr = opened.qr
    assert opened.scan(first)["refused_scans"] == 0
    for others in (1, 2):
        with refused("login_taken", 409):
            bureau.phone().call("POST", "/v1/logins/scan", {"qr": qr})
        assert first.call("POST", "/v1/logins/scan", {"qr": qr}).json()["refused_scans"] == others
    opened.confirm(first)
    assert opened.party.redeem(opened.done()["code"], opened.pkce).status_code == 200


def test_of_eight_phones_that_scan_at_once_one_has_the_login_and_the_page_counts_the_others(bureau: Bureau) -> None:
    phones = [bureau.phone() for _ in range(8)]
    for phone in phones:
        phone.open()
    opened = Opened(bureau)
    qr = opened.qr
    acts = [lambda phone=phone: phone.call("POST", "/v1/logins/scan", {"qr": qr}) for phone in phones]
    assert outcomes(acts) == Counter({"ok": 1, "login_taken": 7})
    assert (opened.status["state"], opened.status["refused_scans"]) == ("scanned", 7)


def test_scanning_again_with_the_same_phone_shows_it_again(bureau: Bureau) -> None:
    phone, opened = bureau.phone(), Opened(bureau)
    qr = opened.qr
    one = opened.scan(phone)
    two = phone.call("POST", "/v1/logins/scan", {"qr": qr}).json()
    assert {**one, "expires_in": 0} == {**two, "expires_in": 0}
    assert "refused_scans" not in opened.status


def test_the_number_stands_on_the_page_alone_and_only_once_scanned(bureau: Bureau) -> None:
    phone, opened = bureau.phone(), Opened(bureau)
    assert "number" not in opened.status
    seen = opened.scan(phone)
    number = str(opened.status["number"])
    assert len(number) == 2
    assert "number" not in seen
    assert seen["needs"] == {"strength": "possession", "number": True}
    assert "qr" not in opened.status


def test_a_wrong_number_ends_the_login_there_is_no_second_guess(bureau: Bureau) -> None:
    phone = bureau.phone()
    opened = Opened(bureau, scanned_by=phone)
    right = int(str(opened.status["number"]))
    with refused("login_number_wrong", 403):
        opened.confirm(phone, str(10 + (right - 9) % 90))
    assert opened.status["state"] == "declined"
    with refused("login_decided", 409):
        opened.confirm(phone, str(right))
    went = opened.done()
    assert (went["error"], went["state"], went["iss"]) == ("access_denied", "s1", opened.party.issuer)


@pytest.mark.parametrize("number", ["", "7", "077", "４７", "4 ", "47\n", 47])
def test_what_is_no_number_is_refused_and_costs_no_guess(bureau: Bureau, number: object) -> None:
    phone = bureau.phone()
    opened = Opened(bureau, scanned_by=phone)
    with pytest.raises(Refused):
        phone.call("POST", f"/v1/logins/{opened.id}/confirm", {"number": number})
    with refused("login_number_needed"):
        phone.call("POST", f"/v1/logins/{opened.id}/confirm", {})
    opened.confirm(phone)
    assert opened.status["state"] == "confirmed"


def test_another_phone_can_neither_confirm_nor_decline_what_it_did_not_scan(bureau: Bureau) -> None:
    phone, other = bureau.phone(), bureau.phone()
    opened = Opened(bureau, scanned_by=phone)
    number = opened.status["number"]
    for login in (opened.id, str(uuid4())):
        with refused("login_unknown", 404):
            other.call("POST", f"/v1/logins/{login}/confirm", {"number": number})
        with refused("login_unknown", 404):
            other.call("POST", f"/v1/logins/{login}/decline")
    assert opened.status["state"] == "scanned"


def test_a_login_that_nobody_scanned_cannot_be_confirmed(bureau: Bureau) -> None:
    opened = Opened(bureau)
    with refused("login_unknown", 404):
        bureau.phone().call("POST", f"/v1/logins/{opened.id}/confirm", {"number": "47"})
    assert opened.status["state"] == "pending"


def test_a_login_confirmed_too_late_is_refused_and_the_browser_is_told(bureau: Bureau, settings: Settings) -> None:
    phone = bureau.phone()
    opened = Opened(bureau, scanned_by=phone)
    number = opened.status["number"]
    rows(settings, "UPDATE login SET ends_at = clock_timestamp() WHERE id = $1::uuid", opened.id)
    for act in ("confirm", "decline"):
        with refused("login_decided", 409) as late:
            phone.call("POST", f"/v1/logins/{opened.id}/{act}", {"number": number} if act == "confirm" else None)
        assert late.value.problem["state"] == "expired"
    assert opened.status["state"] == "expired"
    assert opened.done()["error"] == "access_denied"


def test_a_qr_is_good_for_its_seconds_alone_and_the_next_one_comes_before_it_ends(
    bureau: Bureau, settings: Settings
) -> None:
    opened, phone = Opened(bureau), bureau.phone()
    first = opened.qr
    assert opened.qr == first
    rows(settings, "UPDATE login SET qr_at = qr_at - interval '101 seconds' WHERE id = $1::uuid", opened.id)
    second = opened.qr
    assert second != first
    rows(settings, "UPDATE login_qr SET expires_at = now() WHERE login = $1::uuid", opened.id)
    for dead in (first, second):
        with refused("login_unknown", 404):
            phone.call("POST", "/v1/logins/scan", {"qr": dead})
    assert opened.status["state"] == "pending"


def test_a_declined_login_leads_the_browser_back_with_access_denied(bureau: Bureau) -> None:
    phone = bureau.phone()
    opened = Opened(bureau, scanned_by=phone)
    phone.call("POST", f"/v1/logins/{opened.id}/decline")
    assert opened.done() == {"error": "access_denied", "state": "s1", "iss": opened.party.issuer}
    with refused("login_decided", 409):
        opened.confirm(phone, "47")


def test_a_page_loaded_twice_after_a_confirmation_gets_no_second_code_and_the_first_still_works(
    bureau: Bureau,
) -> None:
    phone = bureau.phone()
    opened = Opened(bureau, scanned_by=phone)
    assert opened.tab.get(f"{opened.page}/done").status_code == 404
    opened.confirm(phone)
    first = opened.done()
    assert opened.done() == opened.done() == {"error": "access_denied", "state": "s1", "iss": opened.party.issuer}
    assert opened.party.redeem(first["code"], opened.pkce).status_code == 200


def test_a_phone_confirms_once(bureau: Bureau, settings: Settings) -> None:
    phone = bureau.phone()
    phone.open()
    opened = Opened(bureau, scanned_by=phone)
    number = opened.status["number"]
    counted = outcomes([lambda: opened.confirm(phone, number)] * 8)
    assert counted == Counter({"ok": 1, "login_decided": 7})
    sql = "SELECT count(*) FROM consent_grant WHERE client = $1::uuid"
    assert rows(settings, sql, opened.party.client.client_id)[0][0] == 1
