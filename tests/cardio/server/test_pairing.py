"""Pairing a counter's page with its bridge: by digits on a screen, once, within one agency."""

import time
from collections import Counter
from pathlib import Path

import jwt
import msgspec
import pytest

from ecard.client.actors import new_signer
from ecard.keys import to_jwk
from ecard.settings import Settings
from tests.bureau import Bureau, ecard, outcomes, refused, rows
from tests.cardio.counter import Bridge, Line, pair, paired


@pytest.fixture
def line(bureau: Bureau) -> Line:
    return Bridge(bureau.registrar, bureau.agency, bureau.issuer).dial(bureau.base_url)


def test_a_terminal_and_a_bridge_are_paired_by_the_digits_on_its_screen(bureau: Bureau, line: Line) -> None:
    terminal = bureau.registrar.register_terminal(bureau.agency, "counter", name="7号窗口")
    code = line.next("welcome")["pairing"]
    made = terminal.call("POST", "/v1/bridge-pairings", {"code": code}).json()
    assert (made["name"], made["online"]) == ("1号窗口读卡器", True)
    assert line.next("paired") == {"type": "paired", "terminal": "7号窗口"}
    assert terminal.call("GET", "/v1/bridge-pairings").json()["bridge"] == made["bridge"]


def test_digits_pair_once(bureau: Bureau, line: Line) -> None:
    code = line.next("welcome")["pairing"]
    terminals = [bureau.registrar.register_terminal(bureau.agency, "counter") for _ in range(8)]
    for terminal in terminals:
        terminal.open()
    acts = [lambda one=one: one.call("POST", "/v1/bridge-pairings", {"code": code}) for one in terminals]
    assert outcomes(acts) == Counter({"ok": 1, "pairing_refused": 7})


def test_a_terminal_of_another_agency_cannot_pair(bureau: Bureau, line: Line) -> None:
    code = line.next("welcome")["pairing"]
    stranger = bureau.counter_of_another_agency()
    with refused("pairing_refused", 403):
        stranger.call("POST", "/v1/bridge-pairings", {"code": code})
    pair_again = bureau.registrar.register_terminal(bureau.agency, "counter")
    pair_again.call("POST", "/v1/bridge-pairings", {"code": code})


def test_digits_of_a_bridge_that_hung_up_pair_nobody(bureau: Bureau, line: Line) -> None:
    code = line.next("welcome")["pairing"]
    line.close()
    time.sleep(0.3)
    terminal = bureau.registrar.register_terminal(bureau.agency, "counter")
    with refused("pairing_refused"):
        terminal.call("POST", "/v1/bridge-pairings", {"code": code})


def test_digits_are_over_after_their_five_minutes_and_new_ones_are_shown(
    bureau: Bureau, line: Line, settings: Settings
) -> None:
    code = line.next("welcome")["pairing"]
    terminal = bureau.registrar.register_terminal(bureau.agency, "counter")
    rows(settings, "UPDATE bridge SET pairing_until = now() WHERE terminal IS NULL AND link IS NOT NULL")
    with refused("pairing_refused"):
        terminal.call("POST", "/v1/bridge-pairings", {"code": code})
    renewed = line.next("pairing")["pairing"]
    assert renewed != code
    terminal.call("POST", "/v1/bridge-pairings", {"code": renewed})


def test_guesses_are_counted(bureau: Bureau) -> None:
    terminal = bureau.registrar.register_terminal(bureau.agency, "counter")
    for n in range(10):
        with refused("pairing_refused"):
            terminal.call("POST", "/v1/bridge-pairings", {"code": f"{n:08d}"})
    with refused("too_many_requests", 429):
        terminal.call("POST", "/v1/bridge-pairings", {"code": "00000010"})


def test_a_new_pairing_ends_the_former_ones_of_both_sides(bureau: Bureau, line: Line) -> None:
    terminal, _, former = paired(bureau)
    pair(terminal, line)
    assert former.next("unpaired") == {"type": "unpaired"}
    assert former.next("pairing")["pairing"]
    line.close()
    former.close()


def test_a_page_may_end_its_pairing(bureau: Bureau) -> None:
    terminal, _, line = paired(bureau)
    terminal.call("DELETE", "/v1/bridge-pairings")
    assert line.next("unpaired") == {"type": "unpaired"}
    for method, path in (("GET", "/v1/bridge-pairings"), ("DELETE", "/v1/bridge-pairings")):
        with refused("bridge_unpaired", 409):
            terminal.call(method, path)


@pytest.mark.parametrize("by", ["unpaired", "paired with another"])
def test_a_read_that_waits_ends_with_the_pairing(bureau: Bureau, line: Line, by: str) -> None:
    terminal, _, former = paired(bureau)
    session = terminal.call("POST", "/v1/card-sessions", {"item": "A1-36"}).json()["id"]
    former.next("open")
    if by == "unpaired":
        terminal.call("DELETE", "/v1/bridge-pairings")
    else:
        pair(terminal, line)
    assert former.next("close")["session"] == session
    view = terminal.call("GET", f"/v1/card-sessions/{session}").json()
    assert (view["state"], view["reason"]["code"]) == ("failed", "unpaired")
    former.close()
    line.close()


def test_a_scan_for_one_page_is_not_told_to_the_next(bureau: Bureau, settings: Settings) -> None:
    terminal, bridge, line = paired(bureau)
    line.say("scanned", kind="digits", text="6401234567890123456")
    deadline = time.monotonic() + 3
    while not rows(settings, "SELECT FROM bridge WHERE actor = $1 AND scan IS NOT NULL", bridge.id):
        assert time.monotonic() < deadline
    terminal.call("DELETE", "/v1/bridge-pairings")
    following = bureau.registrar.register_terminal(bureau.agency, "counter")
    following.call("POST", "/v1/bridge-pairings", {"code": line.next("pairing")["pairing"]})
    assert following.call("GET", "/v1/bridge-pairings").json()["scan"] is None
    line.close()


def test_a_pairing_outlives_the_line(bureau: Bureau) -> None:
    terminal, bridge, line = paired(bureau)
    line.close()
    again = bridge.dial(bureau.base_url)
    again.next("paired")
    assert terminal.call("GET", "/v1/bridge-pairings").json()["online"]
    again.close()


def test_a_scan_reaches_the_paired_page_once(bureau: Bureau) -> None:
    terminal, _, line = paired(bureau)
    line.say("scanned", kind="digits", text="6401234567890123456")
    deadline = time.monotonic() + 3
    scan = None
    while scan is None and time.monotonic() < deadline:
        scan = terminal.call("GET", "/v1/bridge-pairings").json()["scan"]
    assert scan == "6401234567890123456"
    assert terminal.call("GET", "/v1/bridge-pairings").json()["scan"] is None


def test_a_scan_longer_than_any_code_is_cut_before_it_is_kept(bureau: Bureau) -> None:
    terminal, _, line = paired(bureau)
    line.say("scanned", kind="digits", text="9" * 60000)
    deadline = time.monotonic() + 3
    scan = None
    while scan is None and time.monotonic() < deadline:
        scan = terminal.call("GET", "/v1/bridge-pairings").json()["scan"]
    assert scan == "9" * 512


def test_a_token_for_the_bridges_own_door_names_bridge_item_and_policy(bureau: Bureau) -> None:
    terminal, bridge, _ = paired(bureau)
    answer = terminal.call("POST", "/v1/bridge-tokens", {"item": "A1-36"}).json()
    keys = jwt.PyJWKSet.from_dict(bureau.http.get("/oauth/jwks").json())
    header = jwt.get_unverified_header(answer["token"])
    assert header["typ"] == "ecard-bridge-session+jwt"
    claims = jwt.decode(answer["token"], keys[header["kid"]], algorithms=[header["alg"]], audience=str(bridge.id))
    assert (claims["item"], claims["policy"], claims["sub"]) == ("A1-36", "identify", str(terminal.actor))
    assert claims["exp"] - claims["iat"] == answer["expires_in"] == 60
    with refused("form_not_accepted"):
        terminal.call("POST", "/v1/bridge-tokens", {"item": "A1-73"})


def test_bridges_are_registered_and_listed_from_the_command_line(
    bureau: Bureau, settings: Settings, tmp_path: Path
) -> None:
    signer = new_signer()
    [agency] = rows(settings, "SELECT uscc FROM agency WHERE id = $1", bureau.agency)
    said = {
        "agency": agency["uscc"],
        "name": "自助机读卡器",
        "site": "大厅",
        "key": to_jwk(signer.suite, signer.public),
    }
    file = tmp_path / "bridge.json"
    file.write_bytes(msgspec.json.encode(said))
    added = ecard(settings, "bridges", "add", str(file))
    assert added.exit_code == 0, added.output
    bridge = added.output.partition("bridge=")[2].split()[0]
    listed = ecard(settings, "bridges", "list")
    assert bridge[:8] in listed.output
    again = ecard(settings, "bridges", "add", str(file))
    assert again.exit_code == 1
    assert "already_registered" in str(again.exception)
    file.write_text("{}", "utf-8")
    assert "invalid_request" in str(ecard(settings, "bridges", "add", str(file)).exception)
    file.write_text('{"agency":' * 100_000)
    assert "invalid_request" in str(ecard(settings, "bridges", "add", str(file)).exception)
