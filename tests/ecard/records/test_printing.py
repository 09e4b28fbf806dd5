"""Printing what was looked up: one signed PDF for each visit, that anybody can check online and offline."""

import hashlib
import io
import secrets
import time
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import msgspec
import pytest
from cryptography import x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from ecard.client import Phone
from ecard.client.records import fetch, look_up, print_out
from ecard.numbers import resident_id
from ecard.records.errors import DocumentKeyRevoked, DocumentRefused
from ecard.records.papers.model import token_of
from ecard.records.papers.offline import PaperVerifier
from ecard.tokens import unverified
from qr.offline import trust_on_first_use
from tests.bureau import PASSWORD, Bureau, ecard, outcomes, refused, rows, soon
from tests.ecard.records import reader


def verifier(bureau: Bureau, **changed: object) -> PaperVerifier:
    """Return who verifies with the bundle of now; `changed` are claims as a later bundle has them."""
    bundle = bureau.http.get("/v1/documents/bundle").json()["bundle"]
    if changed:
        return PaperVerifier({**unverified(bundle)[1], **changed})
    return PaperVerifier.load(bundle, anchors=trust_on_first_use(bundle), now=time.time())


def person(bureau: Bureau, **changed: str) -> Phone:
    """Return the phone of a new person, whose password was just proven."""
    phone = bureau.phone(bureau.register(**changed))
    phone.prove(PASSWORD)
    return phone


def pensioner(bureau: Bureau) -> Phone:
    """Return the phone of somebody who has contributed for decades."""
    seventeen = f"119900196107{secrets.randbelow(28) + 1:02d}{secrets.randbelow(1000):03d}"
    return person(bureau, id_no=seventeen + resident_id.check_digit(seventeen))


class Print(NamedTuple):
    """A document that was printed at a kiosk."""

    phone: Phone
    visit: str
    found: dict[str, Any]
    document: dict[str, Any]
    pdf: bytes


def printed(bureau: Bureau, item: str, phone: Phone) -> Print:
    kiosk = bureau.terminal("kiosk")
    visit = str(kiosk.visit(item, phone.code())["visit"])
    found = look_up(kiosk, visit)
    document = print_out(kiosk, visit)
    return Print(phone, visit, found, document, fetch(kiosk, document["document"]))


@pytest.fixture(scope="module")
def long(bureau: Bureau) -> Print:
    """The record of the rights of somebody who has contributed for decades, in three parts."""
    return printed(bureau, "A1-22", pensioner(bureau))


def test_other_programs_read_its_words_its_numbered_pages_and_its_embedded_fonts(long: Print) -> None:
    pages = reader.words(long.pdf)
    whole = "".join(pages)
    assert len(pages) == long.document["pages"] > 1
    for n, page in enumerate(pages, start=1):
        assert f"第{n}页共{len(pages)}页" in page
        assert f"文书编号{long.document['document']}" in page
    assert pages[0].startswith("社会保险个人权益记录单")
    assert f"姓名：{long.found['holder']['name']}" in whole
    assert f"社会保障号码：{long.found['holder']['id_no']}" in whole
    for section in long.found["sections"]:
        assert section["zh"] in whole
        assert all(column["zh"] in whole for column in section["columns"])
    [account] = [one for one in long.found["sections"] if one["section"] == "social.account"]
    for row in account["rows"]:
        assert f"{row['closing'] / 100:,.2f}" in whole
    found = reader.fonts(long.pdf)
    assert {name.partition("+")[2] for name in found} == {"NotoSansSC", "NotoSerifSC"}
    assert all(found.values())


def test_its_signature_is_right_by_another_library_and_leads_to_the_bureaus_root(bureau: Bureau, long: Print) -> None:
    claims = unverified(bureau.http.get("/v1/documents/bundle").json()["bundle"])[1]
    certificate = reader.signer(long.pdf)
    roots = [x509.load_der_x509_certificate(_der(one)) for one in claims["roots"]]
    [root] = [one for one in roots if one.subject == certificate.issuer]
    certificate.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    assert certificate.extensions.get_extension_for_class(x509.KeyUsage).value.content_commitment
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificate.not_valid_after_utc.timestamp() > time.time() + 10 * 365 * 86400


def _der(text: str) -> bytes:
    return msgspec.convert(text, bytes)


def test_the_code_on_it_is_read_by_a_camera_and_answers_online_and_offline(bureau: Bureau, long: Print) -> None:
    scanned = reader.code(long.pdf)
    address, _, token = scanned.partition("#")
    assert address == f"{bureau.issuer}/v1/documents/{long.document['document']}"
    answer = bureau.http.get(address.removeprefix(bureau.issuer)).json()
    assert answer["sha256"] == hashlib.sha256(long.pdf).hexdigest() == long.document["sha256"]
    assert (answer["title"], answer["state"]) == ("社会保险个人权益记录单", "valid")
    said = verifier(bureau).read_code(scanned)
    assert token == token_of(scanned)
    assert (str(said.jti), said.item, said.iat) == (long.document["document"], "A1-22", answer["issued_at"])
    name, id_no = long.found["holder"]["name"], long.found["holder"]["id_no"]
    assert (said.name, said.id_no) == ("*" * (len(name) - 1) + name[-1], id_no[-4:])
    enrolled = long.found["sections"][0]["rows"][0]
    assert said.facts == (("险种", enrolled["insurance"]), ("实际缴费月数", str(enrolled["months"])))


def test_offline_the_file_is_known_for_what_it_is(bureau: Bureau, long: Print) -> None:
    verdict = verifier(bureau).verify(long.pdf)
    assert (verdict.number, verdict.item, verdict.complete) == (long.document["document"], "A1-22", True)
    assert verdict.sha256 == long.document["sha256"]


def test_what_everybody_may_ask_says_nothing_of_the_holder(bureau: Bureau, long: Print) -> None:
    answer = bureau.http.get(f"/v1/documents/{long.document['document']}")
    assert answer.json().keys() == {"document", "title", "issued_at", "size", "sha256", "state"}
    for secret in long.found["holder"].values():
        assert secret not in answer.text
    assert bureau.http.get(f"/v1/documents/{uuid4()}").json()["code"] == "document_unknown"


def _flipped(pdf: bytes, place: int) -> bytes:
    return pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :]


def _added_to(pdf: bytes) -> bytes:
    """Return the file with a revision appended in which it has another title (ISO 32000-2 §7.5.6)."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    writer.root["/Lang"] = generic.pdf_string("en")
    writer.update_root()  # type: ignore[no-untyped-call] # the library leaves it so
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call] # the library leaves it so
    return out.getvalue()


@pytest.mark.parametrize(
    ("changed", "reasons"),
    [
        (lambda pdf: _flipped(pdf, 20_000), {"changed", "malformed"}),
        (lambda pdf: pdf + b"\n% more", {"changed"}),
        (_added_to, {"changed"}),
        (lambda _: b"%PDF-1.7\nnothing", {"malformed"}),
        (lambda _: b"", {"malformed"}),
        (lambda pdf: pdf[:-2000], {"malformed", "signature"}),
        (lambda _: b"%PDF-1.7" + b"0" * 5_000_001, {"malformed"}),
    ],
)
def test_a_file_that_was_touched_is_refused(bureau: Bureau, long: Print, changed: Any, reasons: set[str]) -> None:
    with pytest.raises(DocumentRefused) as refusal:
        verifier(bureau).verify(changed(long.pdf))
    assert refusal.value.members["reason"] in reasons


def test_another_bureaus_document_and_a_revoked_keys_are_refused(bureau: Bureau, long: Print) -> None:
    claims = unverified(bureau.http.get("/v1/documents/bundle").json()["bundle"])[1]
    kids = [one["kid"] for one in claims["keys"]]
    with pytest.raises(DocumentKeyRevoked):
        verifier(bureau, revoked=kids).verify(long.pdf)
    with pytest.raises(DocumentKeyRevoked):
        verifier(bureau, revoked=kids).read_code(reader.code(long.pdf))
    for elsewhere in ("roots", "certificates"):
        with pytest.raises(DocumentRefused) as refusal:
            verifier(bureau, **{elsewhere: []}).verify(long.pdf)
        assert refusal.value.members["reason"] == "certificate"


def test_a_code_that_nobody_signed_is_refused(bureau: Bureau, long: Print) -> None:
    scanned = reader.code(long.pdf)
    head, body, signature = token_of(scanned).split(".")
    for forged in (f"{head}.{body}.{signature[:-4]}AAAA", f"{head}.{body[:-6]}.{signature}", "", "x" * 5000):
        with pytest.raises(DocumentRefused) as refusal:
            verifier(bureau).read_code(forged)
        assert refusal.value.members["reason"] == "seal"


def test_printed_again_in_the_same_visit_it_is_the_same_document_to_the_byte(bureau: Bureau, long: Print) -> None:
    kiosk, number = bureau.terminal("kiosk"), long.document["document"]
    assert print_out(kiosk, long.visit) == long.document
    assert fetch(kiosk, number) == fetch(long.phone, number) == long.pdf
    assert long.document in long.phone.call("GET", "/v1/me/record-documents").json()


def test_many_prints_of_one_visit_at_once_are_one_document(bureau: Bureau) -> None:
    phone = person(bureau)
    visit = phone.do("A1-21")
    look_up(phone, visit)
    found: list[str] = []
    assert outcomes([lambda: found.append(print_out(phone, visit)["document"])] * 4) == {"ok": 4}
    assert len(set(found)) == 1
    assert bureau.settings is not None
    assert len(rows(bureau.settings, "SELECT FROM record_document WHERE visit = $1", visit)) == 1


def test_it_is_its_holders_and_while_the_visit_stands_that_agencys(bureau: Bureau, long: Print) -> None:
    number = long.document["document"]
    for other in (bureau.phone(), bureau.counter_of_another_agency()):
        with refused("document_unknown", 404):
            fetch(other, number)
    with refused("document_unknown", 404):
        fetch(long.phone, str(uuid4()))
    with refused("visit_unknown", 404):
        print_out(bureau.counter_of_another_agency(), long.visit)


def test_nothing_is_printed_before_it_is_looked_up_nor_what_has_no_document(bureau: Bureau) -> None:
    phone = person(bureau)
    with refused("record_not_looked_up", 409):
        print_out(phone, phone.do("A1-21"))
    visit = phone.do("A1-24")
    assert look_up(phone, visit)["printable"] is False
    with refused("record_not_printable", 422):
        print_out(phone, visit)


def test_a_gap_is_printed_as_one_where_it_may_be_and_elsewhere_nothing_is_issued(bureau: Bureau) -> None:
    phone = person(bureau, address="sandbox-records:social=down,jobs=slow")
    visit = phone.do("A1-21")
    assert look_up(phone, visit)["printable"] is False
    with refused("record_incomplete", 409) as refusal:
        print_out(phone, visit)
    assert refusal.value.problem["missing"] == ["social.enrolment"]
    visit = phone.do("A1-06")
    assert look_up(phone, visit)["printable"] is True
    document = print_out(phone, visit)
    assert document["complete"] is False
    pdf = fetch(phone, document["document"])
    [page] = reader.words(pdf)
    assert "本文书不完整" in page
    assert "未取得：业务系统未在限时内返回" in page
    assert verifier(bureau).verify(pdf).complete is False


def test_a_rare_character_is_named_where_the_fonts_have_none(bureau: Bureau) -> None:
    phone = person(bureau, name="测\U00031234")
    visit = phone.do("A1-21")
    look_up(phone, visit)
    [page] = reader.words(fetch(phone, print_out(phone, visit)["document"]))
    assert "姓名：测〔U+31234〕" in page


def test_the_command_line_checks_a_file_and_a_sheet_with_no_network(
    bureau: Bureau, long: Print, tmp_path: Path, http: httpx.Client
) -> None:
    assert bureau.settings is not None
    file, bundle, keys = tmp_path / "it.pdf", tmp_path / "bundle.json", tmp_path / "keys.json"
    file.write_bytes(long.pdf)
    bundle.write_bytes(http.get("/v1/documents/bundle").content)
    keys.write_bytes(http.get("/.well-known/jwks.json").content)
    offline = ("--offline", str(bundle), "--keys", str(keys))
    good = ecard(bureau.settings, "document", "verify", str(file), *offline)
    assert good.exit_code == 0
    assert msgspec.json.decode(good.stdout)["number"] == long.document["document"]
    sheet = ecard(bureau.settings, "document", "verify", "--code", reader.code(long.pdf), *offline)
    assert msgspec.json.decode(sheet.stdout)["sha256"]
    file.write_bytes(_flipped(long.pdf, 20_000))
    bad = ecard(bureau.settings, "document", "verify", str(file), "--offline", str(bundle))
    assert bad.exit_code == 1
    assert msgspec.json.decode(bad.stdout)["valid"] is False


def test_after_thirty_days_the_bytes_are_gone_and_the_number_still_verifies(bureau: Bureau) -> None:
    phone = person(bureau)
    visit = phone.do("A1-21")
    look_up(phone, visit)
    document = print_out(phone, visit)
    assert bureau.settings is not None
    rows(bureau.settings, "UPDATE record_document SET content = NULL WHERE id = $1", document["document"])
    with refused("document_gone", 410):
        fetch(phone, document["document"])
    assert bureau.http.get(f"/v1/documents/{document['document']}").json()["sha256"] == document["sha256"]


def test_a_revoked_key_is_said_online_and_the_next_document_is_signed_by_another(bureau: Bureau) -> None:
    first = printed(bureau, "A1-21", person(bureau))
    assert bureau.settings is not None
    [row] = rows(bureau.settings, "SELECT kid FROM record_document WHERE id = $1", first.document["document"])
    assert ecard(bureau.settings, "keys", "revoke", row["kid"]).exit_code == 0
    path = f"/v1/documents/{first.document['document']}"
    assert soon(lambda: bureau.http.get(path).json()["state"] == "revoked")
    with pytest.raises(DocumentKeyRevoked):
        verifier(bureau).verify(first.pdf)
    second = printed(bureau, "A1-21", person(bureau))
    assert verifier(bureau).verify(second.pdf).number == second.document["document"]
