"""A paper itself: its words fix its bytes, its certificates hold, and either suite signs it."""

import base64
import time
from uuid import UUID

import pytest
from cryptography import x509

from ecard.keyring.model import Key, Purpose
from ecard.keys import Suite, generate, to_jwk, verifier
from ecard.records.errors import DocumentRefused
from ecard.records.papers.certificates import certificate
from ecard.records.papers.drawing import draw
from ecard.records.papers.fonts import drawable
from ecard.records.papers.model import Sheet, Table, claims, code_of, statement
from ecard.records.papers.offline import PaperVerifier
from ecard.records.papers.sealing import seal
from ecard.tokens import TokenType, mint
from tests.ecard.records import reader

NUMBER = UUID("01a20ad9-5b12-7c55-a1f0-6d2f6e0c9a31")


def key(purpose: Purpose, suite: Suite) -> Key:
    signer = generate(suite, deterministic=True)[0]
    now = time.time()
    return Key(
        kid=f"{purpose.value}-AAAAAAAAAAAAAA",
        purpose=purpose,
        slot=0,
        suite=suite,
        public=signer.public,
        signer=signer,
        verifier=verifier(suite, signer.public),
        created_at=now,
        use_from=now,
        verify_until=None,
        revoked_at=None,
    )


def sheet(rows: int = 3, **changed: object) -> Sheet:
    table = Table(
        title="养老保险历年缴费",
        columns=("年度", "缴费月数", "个人缴费（元）"),
        money=(1, 2),
        rows=tuple((str(2026 - n), "12", f"{n},000.00") for n in range(rows)),
    )
    facts = {
        "number": NUMBER,
        "item": "A1-22",
        "title": "社会保险个人权益记录单",
        "text": "以下为持卡人的社会保险个人权益记录。",
        "issuer": "电子社会保障卡平台",
        "issued_at": 1795478340,
        "complete": True,
        "holder": (("姓名", "测试丁"), ("社会保障号码", "119900195109159097")),
        "tables": (table,),
        "facts": (("险种", "基本养老保险"), ("实际缴费月数", "132"), ("现行月待遇（元）", "5,064.75")),
    }
    return Sheet(**{**facts, **changed})  # type: ignore[arg-type] # of the test's own


def test_the_same_words_are_the_same_bytes_and_others_are_others() -> None:
    first, pages = draw(sheet(), "https://ecard.example/v1/documents/x#y", "y")
    assert draw(sheet(), "https://ecard.example/v1/documents/x#y", "y") == (first, pages) == (first, 1)
    assert draw(sheet(title="社会保险缴费信息"), "https://ecard.example/v1/documents/x#y", "y")[0] != first


def test_a_table_goes_on_over_pages_and_its_head_with_it() -> None:
    pdf, pages = draw(sheet(100), "https://ecard.example/v1/documents/x#y", "y")
    read = reader.words(pdf)
    assert len(read) == pages >= 3
    assert all("缴费月数" in page for page in read if ",000.00" in page)
    assert sum(page.count(",000.00") for page in read) == 100


@pytest.mark.parametrize("suite", list(Suite))
def test_either_suite_signs_a_paper_that_verifies(suite: Suite) -> None:
    root, signing = key(Purpose.DOCUMENT_CA, suite), key(Purpose.DOCUMENT, suite)
    ours, roots = certificate(signing, root).dump(), certificate(root, root).dump()
    assert certificate(root, root).dump() == roots
    x509.load_der_x509_certificate(ours).verify_directly_issued_by(x509.load_der_x509_certificate(roots))
    token = mint(
        signing.signer, signing.kid, TokenType.DOCUMENT, claims(statement(sheet(), "测试丁", "119900195109159097"))
    )
    drawn, _ = draw(sheet(), code_of("https://ecard.example", NUMBER, token), token)
    pdf = seal(drawn, signing, ours, roots)
    bundle = {
        "iat": int(time.time()),
        "keys": [{"kid": signing.kid, **to_jwk(suite, signing.public)}],
        "certificates": [{"kid": signing.kid, "x5c": base64.b64encode(ours).decode()}],
        "roots": [base64.b64encode(roots).decode()],
        "revoked": [],
    }
    verdict = PaperVerifier(bundle).verify(pdf)
    assert (verdict.number, verdict.name, verdict.id_no) == (str(NUMBER), "**丁", "9097")
    assert reader.code(pdf) == code_of("https://ecard.example", NUMBER, token)
    with pytest.raises(DocumentRefused) as refusal:
        PaperVerifier(bundle).verify(drawn)
    assert refusal.value.members["reason"] == "signature"


def test_a_paper_whose_code_speaks_of_other_words_is_refused() -> None:
    root, signing = key(Purpose.DOCUMENT_CA, Suite.ES256), key(Purpose.DOCUMENT, Suite.ES256)
    ours, roots = certificate(signing, root).dump(), certificate(root, root).dump()
    other = statement(sheet(title="另一文书"), "测试丁", "119900195109159097")
    token = mint(signing.signer, signing.kid, TokenType.DOCUMENT, claims(other))
    pdf = seal(draw(sheet(), "x#y", token)[0], signing, ours, roots)
    bundle = {
        "iat": 0,
        "keys": [{"kid": signing.kid, **to_jwk(Suite.ES256, signing.public)}],
        "certificates": [{"kid": signing.kid, "x5c": base64.b64encode(ours).decode()}],
        "roots": [base64.b64encode(roots).decode()],
        "revoked": [],
    }
    with pytest.raises(DocumentRefused) as refusal:
        PaperVerifier(bundle).verify(pdf)
    assert refusal.value.members["reason"] == "digest"


def test_every_character_of_the_basic_plane_is_drawn_and_a_rare_one_is_named() -> None:
    common = "".join(chr(0x4E00 + n) for n in range(20_000))
    assert drawable(common) == common
    assert drawable("测\U00031234") == "测〔U+31234〕"
