"""Many questions at the moment of renewal: all are shown one code, and it can be scanned."""

import threading
from typing import Any

import pytest

from ecard.settings import Settings
from tests.auth.party import Tab, fapi, new_pkce
from tests.bureau import Bureau, rows


def asked_at_once(tab: Tab, page: str) -> set[str]:
    """Return the codes that twelve simultaneous questions are answered with."""
    gate, told = threading.Barrier(12), list[dict[str, Any]]()

    def ask() -> None:
        gate.wait()
        told.append(tab.status(page))

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(told) == 12
    return {one["qr"] for one in told}


@pytest.mark.parametrize("times", range(3))
def test_asked_by_many_at_once_all_are_given_the_first_code(bureau: Bureau, times: int) -> None:
    tab, page = fapi(bureau).begin(new_pkce())
    [shown] = asked_at_once(tab, page)
    assert bureau.phone().call("POST", "/v1/logins/scan", {"qr": shown}).json()["id"] in page, times


@pytest.mark.parametrize("times", range(3))
def test_asked_by_many_at_once_all_are_given_the_renewed_code(bureau: Bureau, settings: Settings, times: int) -> None:
    tab, page = fapi(bureau).begin(new_pkce())
    login, old = page.rpartition("/")[2], tab.status(page)["qr"]
    rows(settings, "UPDATE login SET qr_at = qr_at - interval '101 seconds' WHERE id = $1", login)
    [shown] = asked_at_once(tab, page)
    assert shown != old
    assert bureau.phone().call("POST", "/v1/logins/scan", {"qr": shown}).json()["id"] == login, times
