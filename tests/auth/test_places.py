"""Where somebody stands is proven by a terminal of the client's own agency, and by nothing else."""

import pytest

from tests.auth.acts import begin_device, told
from tests.auth.party import ALL_GRANTS, ITEM, Party, fapi
from tests.bureau import Bureau, new_uscc

NEAR = "A1-01"
"""An item that asks for a terminal."""
ELSEWHERE = (400, "unauthorized_client")
FORM = {"scope": f"openid ecard_item:{ITEM}"}


@pytest.fixture(scope="module")
def party(bureau: Bureau) -> Party:
    return Party(bureau, bureau.client(items=[ITEM, NEAR], grant_types=ALL_GRANTS))


def test_another_agencys_client_may_not_ask_from_a_terminal(bureau: Bureau) -> None:
    stranger = fapi(bureau, agency=bureau.registrar.register_agency("测试医保局", new_uscc()))
    kiosk = bureau.terminal("kiosk").signer
    for path, form in (("/oauth/device", FORM), ("/oauth/ciba", {**FORM, "login_hint": "x"})):
        answer = stranger.post(path, form, key=kiosk)
        assert told(answer) == ELSEWHERE, path
        assert answer.json()["code"] == "oauth_terminal_of_another_agency"


def test_a_key_that_is_no_terminals_asks_from_nowhere(bureau: Bureau, party: Party) -> None:
    seen = bureau.phone().call("POST", "/v1/logins/scan", {"qr": begin_device(party)["qr"]}).json()
    assert seen["place"] is None


def test_a_terminal_of_the_clients_agency_lends_its_place(bureau: Bureau, party: Party) -> None:
    begun = begin_device(party, key=bureau.terminal("kiosk").signer)
    seen = bureau.phone().call("POST", "/v1/logins/scan", {"qr": begun["qr"]}).json()
    assert seen["place"]["setting"] == "kiosk"


@pytest.mark.parametrize("setting", ["kiosk", "counter", None])
@pytest.mark.parametrize("named", ["scope", "details"])
def test_a_message_to_a_phone_proves_nobody_near(bureau: Bureau, party: Party, setting: str | None, named: str) -> None:
    phone = bureau.phone()
    sub = party.userinfo(party.login(phone)["access_token"]).json()["sub"]
    form = {"scope": "openid", "login_hint": sub}
    if named == "scope":
        form["scope"] += f" ecard_item:{NEAR}"
    else:
        form["authorization_details"] = f'[{{"type":"ecard_item","item":"{NEAR}"}}]'
    answer = party.post("/oauth/ciba", form, key=bureau.terminal(setting).signer if setting else None)
    assert told(answer) == (400, "invalid_authorization_details")
    assert answer.json()["required"] == "terminal"
    assert phone.call("GET", "/v1/me/logins").json() == []
    assert party.post("/oauth/ciba", {**FORM, "login_hint": sub}).status_code == 200


def test_an_item_that_asks_for_a_terminal_is_had_at_one(bureau: Bureau, party: Party) -> None:
    answer = party.post("/oauth/device", {"scope": f"openid ecard_item:{NEAR}"}, key=bureau.terminal("kiosk").signer)
    assert answer.status_code == 200
