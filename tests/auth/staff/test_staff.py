"""Staff: a registered holder has a role at an agency until it ends."""

from typing import Any

import pytest

from ecard.ids import new_id
from ecard.settings import Settings
from tests.bureau import Bureau, Person, new_person, new_uscc, outcomes, refused, rows


def register(bureau: Bureau, person: Person, **changed: object) -> str:
    body = {"id_no": person.facts["id_no"], "agency": bureau.agency, "role": "clerk", **changed}
    return str(bureau.registrar.call("POST", "/v1/staff", body).json()["id"])


def listed(bureau: Bureau, query: str = "") -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in bureau.registrar.call("GET", "/v1/staff", query=query).json()}


def test_a_holder_is_given_a_role_at_an_agency_and_listed_masked(bureau: Bureau) -> None:
    person = bureau.register()
    staff = register(bureau, person, role="window_2-a")
    shown = listed(bureau, f"agency={bureau.agency}")[staff]
    assert shown.pop("since")
    name = "*" * (len(person.facts["name"]) - 1) + person.facts["name"][-1]
    assert shown == {"id": staff, "agency": str(bureau.agency), "name": name, "role": "window_2-a"}
    assert staff in listed(bureau)
    assert listed(bureau, f"agency={new_id()}") == {}


@pytest.mark.parametrize("agency", ["null", "x", ""])
def test_a_list_of_an_agency_that_is_none_is_refused(bureau: Bureau, agency: str) -> None:
    with refused("invalid_request", 400) as refusal:
        listed(bureau, f"agency={agency}")
    assert refusal.value.problem["pointer"] == "/query/agency"


def test_a_number_is_read_in_either_case(bureau: Bureau, settings: Settings) -> None:
    person = next(one for one in iter(new_person, None) if one.facts["id_no"].endswith("X"))
    bureau.cards.register_holder(**person.facts)
    staff = register(bureau, person, id_no=person.facts["id_no"].lower())
    assert len(rows(settings, "SELECT FROM staff WHERE id = $1::text::uuid", staff)) == 1


def test_who_is_no_registered_holder_or_agency_is_not_found(bureau: Bureau) -> None:
    with refused("not_found", 404) as refusal:
        register(bureau, new_person())
    assert refusal.value.problem["pointer"] == "/id_no"
    with refused("not_found", 404) as refusal:
        register(bureau, bureau.register(), agency=new_id())
    assert refusal.value.problem["pointer"] == "/agency"


def test_a_wrong_number_is_refused_and_not_repeated(bureau: Bureau) -> None:
    person = new_person()
    id_no = person.facts["id_no"]
    wrong = id_no[:-1] + ("0" if id_no[-1] != "0" else "1")
    with refused("invalid_request", 400) as refusal:
        register(bureau, person, id_no=wrong)
    assert (refusal.value.problem["pointer"], refusal.value.problem["reason"]) == ("/id_no", "check_digit")
    assert wrong not in str(refusal.value.problem)


@pytest.mark.parametrize("role", ["", "Clerk", "1st", "a b", "窗口", "a" * 33, "clerk\n"])
def test_a_role_is_a_short_plain_name(bureau: Bureau, role: str) -> None:
    with refused("invalid_request", 400) as refusal:
        register(bureau, bureau.register(), role=role)
    assert refusal.value.problem["pointer"] == "/role"


def test_a_holder_has_one_role_at_an_agency_at_a_time_and_may_work_at_two(bureau: Bureau) -> None:
    person, other = bureau.register(), bureau.registrar.register_agency("测试医保局", new_uscc())
    first = register(bureau, person)
    with refused("staff_exists", 409):
        register(bureau, person, role="head")
    register(bureau, person, agency=other)
    bureau.registrar.call("DELETE", f"/v1/staff/{first}")
    assert register(bureau, person, role="head") != first


def test_of_eight_registrations_at_once_one_wins(bureau: Bureau) -> None:
    person = bureau.register()
    bureau.registrar.open()
    assert outcomes([lambda: register(bureau, person)] * 8) == {"ok": 1, "staff_exists": 7}


def test_an_ended_role_is_listed_no_more_and_ends_once(bureau: Bureau) -> None:
    staff = register(bureau, bureau.register())
    assert bureau.registrar.call("DELETE", f"/v1/staff/{staff}").status_code == 204
    assert staff not in listed(bureau)
    for gone in (staff, new_id()):
        with refused("not_found", 404):
            bureau.registrar.call("DELETE", f"/v1/staff/{gone}")


def test_what_was_granted_under_a_role_ends_with_it(bureau: Bureau, settings: Settings) -> None:
    person = bureau.register()
    staff, grant = register(bureau, person), new_id()
    rows(
        settings,
        """
        INSERT INTO consent_grant (id, client, holder, card, staff, item, catalogue, fields, scope, sub, acr, amr,
                                   auth_time, expires_at)
        SELECT $1, $2::text::uuid, c.holder, c.seq, s.id, 'A1-01', '', '{}', '{}', 's', 'a', '{}', now(),
               now() + interval '1 day'
        FROM staff s JOIN card c ON c.holder = s.holder WHERE s.id = $3::text::uuid
        """,
        grant,
        bureau.client().client_id,
        staff,
    )
    bureau.registrar.call("DELETE", f"/v1/staff/{staff}")
    [row] = rows(settings, "SELECT revoked_at IS NOT NULL AS ended, why FROM consent_grant WHERE id = $1", grant)
    assert tuple(row) == (True, "staff")


def test_each_change_is_in_the_audit_log_without_name_or_number(bureau: Bureau, settings: Settings) -> None:
    person = bureau.register()
    staff = register(bureau, person, role="auditor")
    bureau.registrar.call("DELETE", f"/v1/staff/{staff}")
    found = rows(
        settings,
        "SELECT kind, outcome, actor, detail FROM audit_event WHERE detail->>'staff' = $1 ORDER BY xid, n",
        staff,
    )
    assert [(row["kind"], row["outcome"], row["actor"]) for row in found] == [
        ("staff_registered", "ok", bureau.registrar.actor),
        ("staff_ended", "ok", bureau.registrar.actor),
    ]
    for row in found:
        assert person.facts["name"] not in str(row)
        assert person.facts["id_no"] not in str(row)
