from ecard.settings import Settings
from tests.bureau import ecard, new_uscc, rows


def test_an_agency_registered_on_the_command_line_can_have_clients_at_once(settings: Settings) -> None:
    code = new_uscc()
    added = ecard(settings, "agencies", "add", "--name", "测试住建局", "--uscc", code)
    assert added.exit_code == 0
    agency = added.stdout.partition("agency=")[2].split()[0]
    assert code in ecard(settings, "agencies", "list").stdout.replace("\n", "")
    client = [
        "--name",
        "网上办事大厅",
        "--agency",
        code,
        "--profile",
        "standard",
        "--auth-method",
        "client_secret_basic",
    ]
    known = ecard(
        settings, "clients", "add", *client, "--redirect-uri", "https://portal.example/back", "--item", "A1-94"
    )
    assert "client_secret=" in known.stdout
    [row] = rows(
        settings,
        "SELECT detail FROM audit_event WHERE kind = 'agency_registered' AND detail::text LIKE $1",
        f"%{agency}%",
    )
    assert row is not None


def test_a_wrong_code_and_a_code_known_already_are_refused_with_their_reason(settings: Settings) -> None:
    code = new_uscc()
    assert ecard(settings, "agencies", "add", "--name", "一", "--uscc", code).exit_code == 0
    for again in (code, code[:-1] + ("A" if code[-1] != "A" else "B")):
        assert ecard(settings, "agencies", "add", "--name", "二", "--uscc", again).exit_code != 0
