"""A holder has another name in each sector: nobody puts two together, and one agency's clients need not."""

from typing import Any

from ecard.client import Phone
from tests.auth.acts import parts, told
from tests.auth.party import Party, fapi, new_pkce, query
from tests.bureau import PASSWORD, Bureau, new_uscc, refused

STAFF = '[{"type":"ecard_item","item":"A1-95"}]'


def sub(party: Party, tokens: dict[str, Any]) -> str:
    """Return a holder's name as all that a client gets says it."""
    said = {parts(tokens[name])[1]["sub"] for name in ("access_token", "id_token")}
    said.add(party.userinfo(tokens["access_token"]).json()["sub"])
    assert len(said) == 1
    return str(said.pop())


def test_a_holder_has_one_name_in_a_sector_and_another_in_each_other(bureau: Bureau) -> None:
    phone, sector = bureau.phone(), f"s{new_uscc().lower()}.example"
    other_agency = bureau.registrar.register_agency("测试公积金中心", new_uscc())
    one, two = fapi(bureau, sector=sector), fapi(bureau, sector=sector)
    apart, usual, usual_too = fapi(bureau, sector=f"x.{sector}"), fapi(bureau), fapi(bureau)
    abroad = fapi(bureau, agency=other_agency)
    names = {party: sub(party, party.login(phone)) for party in (one, two, apart, usual, usual_too, abroad)}
    assert names[one] == names[two]
    assert names[usual] == names[usual_too]
    assert len({names[party] for party in (one, apart, usual, abroad)}) == 4
    assert sub(one, one.login(phone)) == names[one]
    assert sub(one, one.login(bureau.phone())) != names[one]


def test_a_name_says_nothing_and_stays_with_a_new_phone(bureau: Bureau) -> None:
    person, party = bureau.register(), fapi(bureau)
    first = bureau.phone(person)
    name = sub(party, party.login(first))
    assert len(name) == 24
    assert not any(person.facts[key] in name for key in ("id_no", "card_no"))
    first.call("POST", "/v1/me/channel/leave", {"busi_seq": first.prove(PASSWORD)})
    assert sub(party, party.login(bureau.phone(person))) == name


def login_as_staff(party: Party, phone: Phone) -> dict[str, Any]:
    pkce = new_pkce()
    tab, page = party.begin(pkce, authorization_details=STAFF)
    party.approve(phone, tab, page, busi_seq=phone.prove(PASSWORD))
    answer = party.redeem(query(tab.get(f"{page}/done").headers["location"])["code"], pkce)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


def test_a_member_of_staff_has_another_name_than_the_citizen(bureau: Bureau) -> None:
    party, person = fapi(bureau), bureau.register()
    phone = bureau.phone(person)
    citizen = party.login(phone)
    body = {"id_no": person.facts["id_no"], "agency": bureau.agency, "role": "clerk"}
    bureau.registrar.call("POST", "/v1/staff", body)
    staff = login_as_staff(party, phone)
    assert sub(party, staff) != sub(party, citizen)
    claims = parts(staff["access_token"])[1]
    assert (claims["role"], claims["agency"]) == ("clerk", str(bureau.agency))
    assert not {"role", "agency"} & parts(citizen["access_token"])[1].keys()


def test_a_role_that_ends_takes_its_tokens_with_it_and_leaves_the_citizens(bureau: Bureau) -> None:
    party, person = fapi(bureau), bureau.register()
    phone = bureau.phone(person)
    citizen = party.login(phone)
    body = {"id_no": person.facts["id_no"], "agency": bureau.agency, "role": "clerk"}
    role = bureau.registrar.call("POST", "/v1/staff", body).json()["id"]
    tokens = login_as_staff(party, phone)
    bureau.registrar.call("DELETE", f"/v1/staff/{role}")
    assert told(party.userinfo(tokens["access_token"])) == (401, "invalid_token")
    assert told(party.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert party.refresh(citizen["refresh_token"]).status_code == 200


def test_a_citizen_is_not_let_in_where_staff_are(bureau: Bureau) -> None:
    party, phone = fapi(bureau), bureau.phone()
    tab, page = party.begin(new_pkce(), authorization_details=STAFF)
    with refused("not_staff", 403):
        party.approve(phone, tab, page, busi_seq=phone.prove(PASSWORD))


def test_only_clients_of_its_agency_learn_whether_a_token_stands(bureau: Bureau) -> None:
    party = fapi(bureau)
    token = party.login(bureau.phone())["access_token"]
    abroad = bureau.registrar.register_agency("测试税务局", new_uscc())
    assert fapi(bureau).active(token)
    answer = fapi(bureau, agency=abroad).post("/oauth/introspect", {"token": token})
    assert answer.json() == {"active": False}


def test_a_holder_sees_to_whom_what_was_allowed(bureau: Bureau) -> None:
    phone, party = bureau.phone(), fapi(bureau, name="不动产登记")
    assert phone.call("GET", "/v1/me/grants").json() == []
    party.login(phone)
    party.login(phone)
    [seen] = phone.call("GET", "/v1/me/grants").json()
    assert (seen["client"], seen["agency"], seen["item"]) == ("不动产登记", "测试人社局", "A1-94")
    assert (seen["fields"], seen["current"]) == (["name", "id_no"], True)
    assert seen["used_at"] >= seen["given_at"]
    assert [use["form"] for use in phone.uses()] == ["electronic"] * 2
