"""The programs of docs/vouchers.md, run as they stand: an institution's own, and an employer's verifier."""

from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from ecard.keys import Suite, generate, to_jwk
from tests.bank import Bank
from tests.bureau import Bureau
from tests.docs.pages import blocks, page
from tests.docs.programs import Program
from tests.school import School, audit, join, second
from tests.training import FACE, Programme

GUIDE = page("docs/vouchers.md")
PROGRAMS = {text.split()[1]: text for text in blocks(GUIDE, "python")}


def online(bureau: Bureau, school: School, place: Path) -> dict[str, str]:
    """Return the settings of the institution's server, whose private key lies in a file."""
    signer, der = generate(Suite.ES256)
    body = {"agency": str(school.agency), "name": "教务系统", "setting": "online", "region": "640100", "site": "机房"}
    terminal = bureau.registrar.call(
        "POST", "/v1/terminals", {**body, "key": to_jwk(signer.suite, signer.public)}
    ).json()
    pem = load_der_private_key(der, None).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (place / "school.pem").write_bytes(pem)
    return {"SERVER": bureau.base_url, "TERMINAL": terminal["id"], "KEY": str(place / "school.pem")}


def test_an_institution_copied_from_the_guide_trains_and_is_owed(bureau: Bureau, bank: Bank, tmp_path: Path) -> None:
    assert bank
    assert all(len(text.splitlines()) <= 45 for text in PROGRAMS.values())
    programme, school, phone = Programme(bureau), School(bureau), bureau.phone()
    programme.batch()
    voucher = programme.claim(phone)["id"]
    with Program(tmp_path, "school.py", PROGRAMS["school.py"], **online(bureau, school, tmp_path)) as own:

        def does(line: str) -> str:
            own.say(line)
            return own.hear()

        training = does(f"open_class {programme.id} {FACE}")
        join(phone, training, voucher)
        assert does(f"complete {training} {voucher}") == "completion_too_few_hours"
        assert does(f"check_in {training} {phone.code('voucher')}") == "4"
        completion = does(f"complete {training} {voucher}")
        for operator in (bureau.training, second(bureau)):
            audit(operator, completion)
        assert does(f"redeem {voucher}") == str(FACE)
        assert does(f"redeem {voucher}") == "voucher_already_redeemed"
    [listed] = phone.call("GET", "/v1/me/credentials").json()
    badge = phone.call("GET", f"/v1/me/credentials/{listed['id']}").json()["credential"]
    reached = {"ISSUER": bureau.issuer, "SERVER": bureau.base_url}
    with Program(tmp_path, "employer.py", PROGRAMS["employer.py"], **reached) as employer:
        employer.say(badge)
        assert employer.hear() == listed["title"]
