"""A login on a PC: who scans, sees who asks and confirms is logged in, and the client learns what the item says."""

import jwt

from tests.auth.party import ITEM, fapi, new_pkce
from tests.bureau import Bureau


def test_a_holder_scans_confirms_and_is_logged_in(bureau: Bureau) -> None:
    phone, party = bureau.phone(), fapi(bureau)
    tokens = party.login(phone)
    assert (tokens["token_type"], tokens["expires_in"]) == ("DPoP", 300)
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert (claims["aud"], claims["nonce"], claims["acr"]) == (party.client.client_id, "n1", "l1-possession")
    told = party.userinfo(tokens["access_token"]).json()
    assert told["sub"] == claims["sub"]
    assert set(told["holder"]) == {"name", "id_no"}
    assert party.active(tokens["access_token"])


def test_the_phone_shows_who_asks_from_where_for_what_and_which_fields(bureau: Bureau) -> None:
    phone, party = bureau.phone(), fapi(bureau)
    tab, page = party.begin(new_pkce())
    seen = phone.call("POST", "/v1/logins/scan", {"qr": tab.status(page)["qr"]}).json()
    assert seen["client"]["origin"] == "https://client.example"
    assert (seen["item"]["code"], seen["fields"]) == (ITEM, ["name", "id_no"])
    assert seen["needs"] == {"strength": "possession", "number": True}
    assert seen["address"] == "127.0.0.1"
