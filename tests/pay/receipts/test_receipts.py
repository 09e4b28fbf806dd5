"""A receipt proves a payment to anybody who has the platform's keys, and nothing but its own payment."""

from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from click.testing import Result

from ecard.settings import Settings
from tests.bank import Bank
from tests.bureau import Bureau, ecard, refused, rows
from tests.shop import Shop, payer, receipt_of


class Bought(msgspec.Struct):
    """An order that was paid and refunded in part, and its receipt."""

    order: dict[str, Any]
    receipt: dict[str, Any]
    phone: Any


@pytest.fixture(scope="module")
def bought(bureau: Bureau, bank_house: Bank) -> Bought:
    del bank_house
    shop, phone = Shop(bureau), payer(bureau)
    order = shop.charge(phone.code("pay"), 1250)
    refund = shop.refund(order, 250)
    assert (order["state"], refund["state"]) == ("paid", "done")
    return Bought(order, receipt_of(phone, order["id"]), phone)


def verified(settings: Settings, place: Path, receipt: object, *trust: str) -> Result:
    """Return what `ecard receipt verify` makes of a receipt."""
    file = place / "receipt.json"
    file.write_bytes(msgspec.json.encode(receipt))
    return ecard(settings, "receipt", "verify", str(file), *trust)


@pytest.fixture
def bundle(http: httpx.Client, tmp_path: Path) -> tuple[str, str]:
    """The option that names a saved bundle."""
    file = tmp_path / "bundle.json"
    file.write_bytes(http.get("/v1/bundle").content)
    return "--bundle", str(file)


def said(result: Result) -> dict[str, Any]:
    [line] = [line for line in result.output.splitlines() if line.startswith("{")]
    found: dict[str, Any] = msgspec.json.decode(line)
    return found


def test_a_receipt_proves_payment_and_refund_offline_by_bundle_or_by_key_set(
    settings: Settings, http: httpx.Client, tmp_path: Path, bought: Bought, bundle: tuple[str, str]
) -> None:
    keys = tmp_path / "keys.json"
    keys.write_bytes(http.get("/.well-known/jwks.json").content)
    for trust in (bundle, ("--keys", str(keys))):
        result = verified(settings, tmp_path, bought.receipt, *trust)
        assert result.exit_code == 0, result.output
        posted = said(result)["posted"]
        assert sorted(leg["amount"] for leg in posted) == [-1250, -250, 250, 1250]
        assert {leg["kind"] for leg in posted} == {"payment", "refund"}
        assert {leg["ref"] for leg in posted if leg["kind"] == "payment"} == {bought.order["id"]}


@pytest.mark.parametrize("option", ["--keys", "--bundle"])
def test_keys_nested_without_end_are_refused_like_any_other_bad_file(
    settings: Settings, tmp_path: Path, bought: Bought, option: str
) -> None:
    (tmp_path / "deep.json").write_text('{"keys":' * 100_000)
    refusal = verified(settings, tmp_path, bought.receipt, option, str(tmp_path / "deep.json"))
    assert "receipt_refused" in str(refusal.exception)


def _changed(receipt: dict[str, Any], place: tuple[Any, ...], value: object) -> dict[str, Any]:
    made: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(receipt))
    inner: Any = made
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value(inner[place[-1]]) if callable(value) else value
    return made


CHANGES: dict[str, tuple[tuple[Any, ...], object]] = {
    "its amount": (("proofs", 0, "lines", 0, "leg", 10), lambda amount: amount + 1),
    "what it is for": (("proofs", 0, "lines", 0, "leg", 5), "0192f0c0-0000-7000-8000-000000000000"),
    "its time": (("proofs", 0, "lines", 0, "leg", 7), lambda at: at - 1),
    "its place": (("proofs", 0, "lines", 0, "index"), lambda index: index + 10_000),
    "its path": (("proofs", 0, "lines", 0, "path"), lambda path: [*path, "A" * 43]),
    "its period": (("proofs", 0, "period"), lambda token: token[:-8] + "AAAAAAAA"),
    "its format": (("format",), "ecard-receipt/2"),
    "that it says anything": (("proofs",), []),
    "a field more": (("proofs", 0, "lines", 0), lambda line: {**line, "more": 1}),
    "an index that is none": (("proofs", 0, "lines", 0, "index"), -1),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_receipt_that_was_changed_proves_nothing(
    settings: Settings, tmp_path: Path, bought: Bought, bundle: tuple[str, str], what: str
) -> None:
    result = verified(settings, tmp_path, _changed(bought.receipt, *CHANGES[what]), *bundle)
    assert result.exit_code == 1, result.output
    assert said(result)["valid"] is False
    assert "receipt_refused" in result.output


@pytest.mark.parametrize("keys", [b'{"keys":[]}', b'{"keys":[{"kid":"x"}]}', b"[]", b"nothing"])
def test_other_keys_prove_nothing(settings: Settings, tmp_path: Path, bought: Bought, keys: bytes) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(keys)
    assert verified(settings, tmp_path, bought.receipt, "--keys", str(file)).exit_code == 1


def test_one_posting_of_an_order_has_a_receipt_of_its_own(settings: Settings, bought: Bought) -> None:
    [journal] = rows(settings, "SELECT id FROM journal WHERE ref = $1", bought.order["id"])
    alone = receipt_of(bought.phone, str(journal["id"]))
    assert [len(proof["lines"]) for proof in alone["proofs"]] == [2]
    assert len(bought.receipt["proofs"]) == 2


def test_nobody_else_is_told_of_a_payment(bureau: Bureau, settings: Settings, bought: Bought) -> None:
    [journal] = rows(settings, "SELECT id FROM journal WHERE ref = $1", bought.order["id"])
    for named in (bought.order["id"], str(journal["id"]), "0192f0c0-0000-7000-8000-000000000000"):
        with refused("not_found", 404):
            bureau.phone().call("GET", f"/v1/me/receipts/{named}")
