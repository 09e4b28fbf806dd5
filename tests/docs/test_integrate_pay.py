"""The tills of docs/integrate-pay.md, run as they stand against a real server and a real bank."""

import os
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from ecard.app import READER_ERRORS
from ecard.errors import EcardError
from ecard.idempotency import KeyMissing, KeyReused
from ecard.keys import Suite, generate, to_jwk
from ecard.settings import Settings
from pay.orders import routes
from pay.orders.model import OrderState
from tests.bank import Bank
from tests.bureau import Bureau, environment
from tests.docs.pages import ROOT, blocks, page, rows, section
from tests.docs.programs import Program
from tests.shop import Shop, confirm, payer

GUIDE = page("docs/integrate-pay.md")
PROGRAMS = {text.split()[1]: text for language in ("python", "js") for text in blocks(GUIDE, language)}


def registered(bureau: Bureau, agency: UUID, place: Path) -> dict[str, str]:
    """Return the settings of a new till, whose private key lies in a file."""
    signer, der = generate(Suite.ES256)
    body = {"agency": agency, "name": "1号收银台", "setting": "till", "region": "640100", "site": "东门"}
    asked = {**body, "key": to_jwk(signer.suite, signer.public)}
    terminal = bureau.registrar.call("POST", "/v1/terminals", asked).json()["id"]
    pem = load_der_private_key(der, None).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (place / "till.pem").write_bytes(pem)
    return {"SERVER": bureau.base_url, "TERMINAL": terminal, "KEY": str(place / "till.pem")}


@pytest.mark.parametrize("name", ["till.py", "till.mjs"])
def test_a_till_copied_from_the_guide_is_paid(bureau: Bureau, bank: Bank, tmp_path: Path, name: str) -> None:
    assert len(PROGRAMS[name].splitlines()) <= 40
    shop = Shop(bureau)
    with Program(tmp_path, name, PROGRAMS[name], **registered(bureau, shop.agency, tmp_path)) as till:
        phone = payer(bureau)
        code = phone.code("pay")
        for ended in ("paid", "code_replayed"):
            till.say(f"1250 {code}")
            assert till.hear() == ended
        bank.fault("decline", on="pay")
        till.say(f"1250 {phone.code('pay')}")
        assert till.hear() == "failed"
        # Without the password the till waits for the phone.
        other = payer(bureau, proven=False)
        till.say(f"800 {other.code('pay')}")
        while not (waiting := other.call("GET", "/v1/me/orders").json()):
            time.sleep(0.05)
        assert confirm(other, waiting[0])["state"] == "paid"
        assert till.hear() == "paid"


def test_a_newcomer_gets_from_an_empty_sandbox_to_a_payment_by_the_guides_own_lines(
    settings: Settings, bureau: Bureau, bank: Bank, tmp_path: Path
) -> None:
    assert bank
    for name in ("open_shop.py", "till.py"):
        (tmp_path / name).write_text(PROGRAMS[name], "utf-8")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    [lines] = blocks(section(GUIDE, "## 1."), "sh")
    done = subprocess.run(
        ["bash", "-euc", lines],
        cwd=tmp_path,
        env={**os.environ, **environment(settings), "PYTHONPATH": str(ROOT), "SERVER": bureau.base_url},
        check=False,
        capture_output=True,
        encoding="utf-8",
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "paid"), done.stderr


def test_the_guides_errors_are_those_that_a_merchant_may_meet() -> None:
    declared: set[type[EcardError]] = {
        *routes.CHARGING,
        *routes.CONFIRMING,
        *routes.REFUNDING,
        *READER_ERRORS,
        KeyReused,
        KeyMissing,
    }
    written = {row[0].strip("`"): row[1] for row in rows(section(GUIDE, "## 错误"))}
    assert written == {error.code: str(error.status) for error in declared}


def test_the_guide_explains_every_state_that_a_merchant_may_read() -> None:
    text = section(GUIDE, "## 4.") + section(GUIDE, "## 7.")
    assert [state for state in OrderState if f"`{state}`" not in text] == [OrderState.CREATED]
