"""A bureau sees its programme's figures, an institution its own part, and both agree with the books."""

import csv
import datetime
import io
import time
from typing import Any

import httpx
import pytest

from ecard.settings import Settings
from pay.settlements.model import BEIJING
from tests.bureau import Bureau, refused, rows
from tests.training import Programme, line
from tests.vouchers.credentials.trained import Academy

FACE = 80_000


@pytest.fixture(scope="module")
def school(bureau: Bureau) -> Academy:
    """Six vouchers: one redeemed, one audited, one reversed, one claimed, two nobody's."""
    made = Academy(bureau, vouchers=6, face=FACE)
    made.redeem(made.train())
    made.train()
    made.reverse(made.train())
    made.claimed(bureau.phone())
    return made


def figures(school: Academy, **query: str) -> dict[str, Any]:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    path = f"/v1/voucher-programmes/{school.programme}/statistics"
    found: dict[str, Any] = school.bureau.training.call("GET", path, query=asked).json()
    return found


def test_a_programme_is_counted_by_state_and_money_by_source(school: Academy, settings: Settings) -> None:
    found = figures(school)
    total = found["total"]
    counted = {
        name: total[name] for name in ("issued", "claimed", "used", "redeemed", "settled", "reversed", "expired")
    }
    assert counted == {"issued": 6, "claimed": 4, "used": 3, "redeemed": 1, "settled": 0, "reversed": 1, "expired": 0}
    assert (total["money_issued"], total["money_redeemed"], total["money_returned"]) == (6 * FACE, FACE, FACE)
    [source] = found["sources"]
    assert (source["source"], source["figures"]) == ("province", total)
    [held] = rows(
        settings,
        "SELECT coalesce(sum(h.amount), 0) FROM hold h JOIN voucher v ON v.hold = h.id"
        " WHERE h.state = 'open' AND v.programme = $1",
        school.programme,
    )
    assert total["money_held"] == held[0] == 4 * FACE
    assert source["fund"] == 12 * FACE - total["money_held"] - total["money_redeemed"]
    assert abs(found["as_of"] - time.time()) < 60


def test_its_days_are_columns_for_a_chart(school: Academy) -> None:
    today = datetime.datetime.now(BEIJING).date()
    since = today - datetime.timedelta(days=2)
    daily = figures(school, since=str(since), until=str(today))["daily"]
    assert len(daily["days"]) == len(daily["claimed"]) == len(daily["money_redeemed"]) == 3
    assert sum(daily["claimed"]) == 4
    assert sum(daily["redeemed"]) == 2
    assert len(figures(school)["daily"]["days"]) == 30


def test_what_was_pushed_is_claimed_on_its_day(bureau: Bureau) -> None:
    programme = Programme(bureau)
    draft = programme.pushed(line(bureau)[0], line(bureau)[0])
    bureau.training.call("POST", f"/v1/voucher-batches/{draft['id']}/issue")
    found = bureau.training.call("GET", f"/v1/voucher-programmes/{programme.id}/statistics").json()
    assert (found["total"]["claimed"], sum(found["daily"]["claimed"])) == (2, 2)


def test_half_a_span_or_years_of_it_are_refused(school: Academy) -> None:
    for query in (
        {"since": "2026-01-01"},
        {"since": "2024-01-01", "until": "2026-01-01"},
        {"since": "x", "until": "y"},
    ):
        with refused("invalid_request", 400):
            figures(school, **query)


def test_the_table_is_the_same_as_the_figures(school: Academy) -> None:
    path = f"/v1/voucher-programmes/{school.programme}/statistics.csv"
    answer = school.bureau.training.call("GET", path)
    assert answer.headers["content-type"].startswith("text/csv")
    head, row = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    told = dict(zip(head, row, strict=True))
    assert (told["项目 programme"], told["核销 redeemed"]) == (school.title, "1")


def test_an_institution_sees_its_own_part_and_no_more(bureau: Bureau, school: Academy) -> None:
    online = bureau.registrar.register_terminal(school.agency, "online")
    [part] = online.call("GET", "/v1/voucher-statistics").json()
    assert (part["programme"], part["name"]) == (str(school.programme), school.title)
    assert (part["figures"]["issued"], part["figures"]["redeemed"]) == (3, 1)
    assert len(online.call("GET", "/v1/voucher-statistics.csv").text.splitlines()) == 2
    assert bureau.terminal("online").call("GET", "/v1/voucher-statistics").json() == []
    with refused("institution_server_wanted", 403):
        bureau.terminal("till").call("GET", "/v1/voucher-statistics")


def test_only_the_bureau_of_training_sees_a_programmes_figures(school: Academy, http: httpx.Client) -> None:
    path = f"/v1/voucher-programmes/{school.programme}/statistics"
    for role in ("registrar", "finance", "cards", "security"):
        with refused("wrong_role", 403):
            school.bureau.operators[role].call("GET", path)
    assert http.get(path).status_code == httpx.codes.UNAUTHORIZED
    with refused("not_found", 404):
        school.bureau.training.call("GET", path.replace(str(school.programme), str(school.agency)))
