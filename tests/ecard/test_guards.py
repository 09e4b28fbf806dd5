"""The doors, when what they rely on is missing: the feed of what has died, the session's own words."""

import time
from collections.abc import Iterator

import httpx
import pytest

from ecard import signatures
from ecard.client import Operator, Phone, Terminal
from ecard.denied import Denied
from ecard.ids import new_id
from ecard.settings import Settings
from ecard.signatures import Call
from tests.bureau import Bureau, new_uscc, refused, within
from tests.conftest import serving


class Cut:
    """A server whose feed of dead cards and keys can be cut off."""

    def __init__(self, url: str, bureau: Bureau) -> None:
        self.http = httpx.Client(base_url=url, timeout=30)
        self.broken = False
        phone = bureau.phone()
        self.phone = Phone(self.http, phone.issued, phone.signer)
        self.counter = Terminal(self.http, bureau.terminal().actor, bureau.terminal().signer)
        self.registrar = Operator(self.http, bureau.registrar.actor, bureau.registrar.signer)


@pytest.fixture
def cut(bureau: Bureau, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cut]:
    refresh = Denied.refresh
    made: list[Cut] = []

    async def breakable(self: Denied, pool: object) -> None:
        if made and made[0].broken:
            raise OSError
        await refresh(self, pool)

    monkeypatch.setattr(Denied, "refresh", breakable)
    with serving(settings) as url:
        made.append(Cut(url, bureau))
        yield made[0]
        made[0].http.close()


def test_while_the_feed_is_cut_off_no_code_is_issued_and_visits_go_on(cut: Cut) -> None:
    shown = cut.phone.codes(count=2)
    cut.counter.visit("A1-01", shown[0]["code"])
    assert cut.http.get("/ready").json()["card_status"] == "ok"
    cut.broken = True
    within(4, cut.phone.code, "status_unknown")
    with refused("status_unknown", 503) as refusal:
        cut.phone.call("POST", "/v1/me/code-certificates", {"hours": 1})
    assert refusal.value.headers["retry-after"] == "1"
    ready = cut.http.get("/ready")
    assert (ready.status_code, ready.json()["status"], ready.json()["card_status"]) == (503, "down", "stale")
    # A visit looks into the table itself.
    cut.counter.visit("A1-01", shown[1]["code"])
    cut.broken = False
    deadline = time.monotonic() + 3
    while cut.http.get("/ready").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    cut.phone.code()


def test_while_the_feed_is_cut_off_a_lost_cards_visit_is_refused_all_the_same(cut: Cut, bureau: Bureau) -> None:
    code = cut.phone.code()
    cut.broken = True
    Phone(bureau.http, cut.phone.issued, cut.phone.signer).report_lost()
    with refused("card_suspended", 409):
        cut.counter.visit("A1-01", code)


def test_a_call_signed_with_the_actors_key_instead_of_the_sessions_is_refused(bureau: Bureau) -> None:
    phone = bureau.phone()
    call = Call("GET", "/v1/me/card", "", b"")
    created = int(time.time())
    for keyid in (str(phone.actor), "not-a-ticket"):
        headers = signatures.sign(
            call, keyid=keyid, algorithm="ecdsa-p256-sha256", created=created, by=phone.signer.sign
        )
        assert bureau.http.get("/v1/me/card", headers=headers).json()["code"] == "signature_wrong"


def test_nothing_is_admitted_twice_as_somebody_else(bureau: Bureau) -> None:
    terminal, phone = bureau.terminal(), bureau.phone()
    terminal.open()
    phone.open()
    headers = terminal.sign(Call("GET", "/v1/me/card", "", b""))
    # The ticket of one session under the MAC of another.
    mixed = {**headers, "Signature": phone.sign(Call("GET", "/v1/me/card", "", b""))["Signature"]}
    assert bureau.http.get("/v1/me/card", headers=mixed).json()["code"] == "signature_wrong"
    assert bureau.http.get("/v1/me/card", headers=headers).json()["code"] == "wrong_caller"


def test_a_role_is_that_of_the_registration_and_not_of_the_request(bureau: Bureau) -> None:
    clerk = bureau.security.register_operator("文员", "cards")
    with refused("wrong_role", 403) as refusal:
        clerk.register_agency("测试", new_uscc())
    assert refusal.value.problem["required"] == "registrar"
    with refused("wrong_role", 403):
        clerk.revoke(new_id())
