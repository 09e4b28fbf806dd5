"""Devices that poll (RFC 8628): who obeys is always answered, and nobody but the device that asked."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from auth.logins.model import new_user_code, qr_text, read_qr
from auth.provider import service
from auth.secrets import hashed
from ecard.client.actors import new_signer
from ecard.encoding import b64url
from ecard.settings import Settings
from tests.auth.acts import at_once, begin_device, confirm, parts, poll, prepared, tally, told
from tests.auth.party import DEVICE, Party, fapi, standard
from tests.bureau import Bureau, refused, rows

PENDING = (400, "authorization_pending")
SLOWER = (400, "slow_down")
REFUSED = (400, "invalid_grant")
MOVE = "UPDATE login SET polled_at = polled_at - make_interval(secs => $2) WHERE poll = $1"
LOOK = "SELECT interval_s, polled_at FROM login WHERE poll = $1"


class Device:
    """A device with its clock: waiting is done in the database, by moving its last poll back."""

    def __init__(self, party: Party, settings: Settings) -> None:
        self.party, self._settings = party, settings
        self.begun = begin_device(party)
        self.code: str = self.begun["device_code"]
        self.interval: int = self.begun["interval"]

    def wait(self, seconds: float) -> None:
        rows(self._settings, MOVE, hashed(self.code), seconds)

    def poll(self) -> tuple[int, str]:
        answer = poll(self.party, self.code)
        if told(answer) == SLOWER:
            assert answer.json()["interval"] == self.interval + 5 or self.interval == 60
            self.interval = answer.json()["interval"]
        return told(answer)

    @property
    def kept(self) -> tuple[int, Any]:
        row = rows(self._settings, LOOK, hashed(self.code))[0]
        return row["interval_s"], row["polled_at"]


@pytest.fixture(scope="module")
def party(bureau: Bureau) -> Party:
    return fapi(bureau)


def test_a_device_is_told_its_interval_and_its_few_minutes(party: Party) -> None:
    begun = begin_device(party)
    assert (begun["interval"], begun["expires_in"], begun["qr_expires_in"]) == (5, 300, 120)
    assert len({begin_device(party)["user_code"] for _ in range(5)}) == 5


def test_a_code_to_type_that_another_device_has_is_made_anew(
    bureau: Bureau, party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begin_device(party)
    taken = first["user_code"].replace("-", "")
    codes = iter([taken, taken, new_user_code()])
    monkeypatch.setattr(service, "new_user_code", lambda: next(codes))
    second = begin_device(party)
    assert second["user_code"] != first["user_code"]
    confirm(bureau.phone(), second["user_code"])
    assert poll(party, second["device_code"]).status_code == 200
    assert told(poll(party, first["device_code"])) == PENDING


def test_a_poll_too_early_raises_the_interval_and_moves_nothing_else(party: Party, settings: Settings) -> None:
    device = Device(party, settings)
    assert device.poll() == PENDING
    _, at = device.kept
    for times in range(1, 4):
        assert device.poll() == SLOWER
        assert device.kept == (5 + 5 * times, at)
    device.wait(device.interval)
    assert device.poll() == PENDING
    assert device.kept[0] == 20
    assert device.kept[1] > at


def test_the_interval_ends_at_a_minute(party: Party, settings: Settings) -> None:
    device = Device(party, settings)
    polls = [device.poll() for _ in range(15)]
    assert polls == [PENDING] + [SLOWER] * 14
    assert device.interval == 60


@examples(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(waits=st.lists(st.floats(0, 70), max_size=6), confirmed_after=st.integers(0, 6))
def test_a_client_that_obeys_always_gets_its_answer_whatever_it_did_before(
    bureau: Bureau, party: Party, settings: Settings, waits: list[float], confirmed_after: int
) -> None:
    device, phone = Device(party, settings), bureau.phone()
    answers = []
    for n, seconds in enumerate([*waits, None, None]):
        if n == confirmed_after:
            confirm(phone, device.begun["qr"])
        # None: from here on it obeys.
        device.wait(device.interval if seconds is None else seconds)
        answers.append(device.poll())
        if answers[-1][0] == 200:
            break
    else:
        if confirmed_after > len(waits) + 1:
            confirm(phone, device.begun["qr"])
        device.wait(device.interval)
        answers.append(device.poll())
    assert answers[-1] == (200, "")
    assert set(answers[:-1]) <= {PENDING, SLOWER}
    obeyed = answers[len(waits) :]
    assert SLOWER not in obeyed
    assert device.poll() == REFUSED


def test_a_poll_too_early_does_not_use_a_confirmation_up(bureau: Bureau, party: Party, settings: Settings) -> None:
    device = Device(party, settings)
    assert device.poll() == PENDING
    confirm(bureau.phone(), device.begun["qr"])
    assert device.poll() == SLOWER
    device.wait(device.interval)
    assert device.poll() == (200, "")


def test_polls_at_once_are_answered_once_and_slowed_down_otherwise(party: Party, settings: Settings) -> None:
    device = Device(party, settings)
    party.post("/oauth/par", {})
    form = {"grant_type": DEVICE, "device_code": device.code}
    answers = at_once([prepared(party, "/oauth/token", form) for _ in range(4)])
    assert tally(answers) == {PENDING: 1, SLOWER: 3}
    assert device.kept[0] == 20


def test_a_device_whose_time_is_over_is_told_so(bureau: Bureau, party: Party, settings: Settings) -> None:
    device = Device(party, settings)
    rows(settings, "UPDATE login SET ends_at = clock_timestamp() WHERE poll = $1", hashed(device.code))
    assert device.poll() == (400, "expired_token")
    for shown in (device.begun["qr"], device.begun["user_code"]):
        with refused("login_unknown" if "-" in shown else "login_decided"):
            bureau.phone().call("POST", "/v1/logins/scan", {"qr": shown})


def test_a_device_is_told_that_its_holder_declined(bureau: Bureau, party: Party, settings: Settings) -> None:
    device, phone = Device(party, settings), bureau.phone()
    login = phone.call("POST", "/v1/logins/scan", {"qr": device.begun["user_code"]}).json()["id"]
    phone.call("POST", f"/v1/logins/{login}/decline")
    assert device.poll() == (400, "access_denied")


@pytest.mark.parametrize("confirmed", [False, True])
def test_another_client_and_another_key_are_refused_and_disturb_nothing(
    bureau: Bureau, party: Party, settings: Settings, *, confirmed: bool
) -> None:
    device = Device(party, settings)
    if confirmed:
        confirm(bureau.phone(), device.begun["qr"])
    assert told(poll(fapi(bureau), device.code)) == REFUSED
    assert told(poll(party, device.code, key=new_signer())) == REFUSED
    assert device.kept == (5, None)
    assert device.poll() == ((200, "") if confirmed else PENDING)


def test_a_kiosks_login_says_where_it_stands_and_its_tokens_are_the_kiosks_alone(bureau: Bureau) -> None:
    party, phone = fapi(bureau), bureau.phone()
    kiosk = bureau.terminal("kiosk")
    party.dpop = kiosk.signer
    begun = begin_device(party)
    seen = phone.call("POST", "/v1/logins/scan", {"qr": begun["qr"]}).json()
    assert seen["place"] == {"setting": "kiosk", "region": "640100", "site": "政务大厅"}
    phone.call("POST", f"/v1/logins/{seen['id']}/confirm", {})
    tokens = poll(party, begun["device_code"]).json()
    assert "refresh_token" not in tokens
    assert parts(tokens["access_token"])[1]["exp"] - parts(tokens["access_token"])[1]["iat"] <= 300
    assert party.userinfo(tokens["access_token"]).status_code == 200
    assert told(Party(bureau, party.client).userinfo(tokens["access_token"]))[0] == 401


def test_a_qr_whose_key_is_not_the_askers_is_unknown_and_locks_nothing(bureau: Bureau, party: Party) -> None:
    begun = begin_device(party)
    secret, key = read_qr(begun["qr"])
    assert key
    forged = qr_text(secret, b64url(bytes(32)))
    with refused("login_unknown", 404):
        bureau.phone().call("POST", "/v1/logins/scan", {"qr": forged})
    confirm(bureau.phone(), begun["qr"])
    assert poll(party, begun["device_code"]).status_code == 200


def test_a_client_that_is_not_registered_for_devices_is_refused(bureau: Bureau) -> None:
    party = standard(bureau)
    assert told(party.post("/oauth/device", {"scope": "openid"})) == (400, "unauthorized_client")
    assert told(poll(party, "x" * 43)) == (400, "unauthorized_client")
