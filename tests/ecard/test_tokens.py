"""One reader for every token; the known ways to fool a JWT library are tried on it."""

import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from ecard import tokens
from ecard.encoding import b64url, unb64url
from ecard.keys import Signer, Suite, generate, to_jwk
from ecard.tokens import PublicKey, TokenRefused, TokenType, mint

NOW = 1_794_000_000
ISSUER, AUDIENCE = "https://ecard.example", "agency-1"
CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "iat": NOW, "exp": NOW + 60, "sub": "x"}


class Party:
    """A signing key, by name."""

    def __init__(self, suite: Suite = Suite.ES256, kid: str = "key-1") -> None:
        self.signer: Signer = generate(suite)[0]
        self.kid = kid
        self.keys = {kid: PublicKey(suite, self.signer.public)}

    def mint(self, typ: TokenType = TokenType.ASSERTION, **changed: object) -> str:
        claims = {name: value for name, value in {**CLAIMS, **changed}.items() if value != "absent"}
        return mint(self.signer, self.kid, typ, claims)

    def forge(self, header: object, claims: object = CLAIMS) -> str:
        """Sign whatever header and claims (an object, or raw bytes) with the right key."""
        signed = ".".join(
            b64url(part if isinstance(part, bytes) else json.dumps(part).encode()) for part in (header, claims)
        )
        return f"{signed}.{b64url(self.signer.sign(signed.encode()))}"

    @property
    def header(self) -> dict[str, object]:
        return {"alg": self.signer.suite.value, "kid": self.kid, "typ": "ecard-assertion+jwt"}

    def read(self, token: str, *, audience: str | None = AUDIENCE, now: float = NOW) -> dict[str, Any]:
        return tokens.read(token, self.keys, typ=TokenType.ASSERTION, issuer=ISSUER, audience=audience, now=now)

    def refusal(self, token: str, *, audience: str | None = AUDIENCE, now: float = NOW) -> str:
        """Return why `token` is refused; fails when it is not."""
        with pytest.raises(TokenRefused) as refused:
            self.read(token, audience=audience, now=now)
        return refused.value.reason


@pytest.fixture(params=Suite)
def party(request: pytest.FixtureRequest) -> Party:
    return Party(request.param)


def test_a_token_comes_back(party: Party) -> None:
    assert party.read(party.mint()) == CLAIMS


def test_pyjwt_alone_verifies_what_was_minted(party: Party) -> None:
    public: Any
    if party.signer.suite is Suite.ES256:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), party.signer.public)
    else:
        public = ed25519.Ed25519PublicKey.from_public_bytes(party.signer.public)
    token = party.mint(iat=0, exp=2**33)
    decoded = jwt.decode_complete(
        token, public, algorithms=[party.signer.suite.value], audience=AUDIENCE, issuer=ISSUER
    )
    assert decoded["payload"] == {**CLAIMS, "iat": 0, "exp": 2**33}
    assert decoded["header"] == party.header
    key = jwt.PyJWK({**to_jwk(party.signer.suite, party.signer.public), "alg": party.signer.suite.value})
    assert jwt.decode(token, key, audience=AUDIENCE)["sub"] == "x"


def test_what_pyjwt_minted_is_read(party: Party) -> None:
    key: Any
    if party.signer.suite is Suite.ES256:
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    else:
        key = ed25519.Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes_raw()
    party.keys["theirs"] = PublicKey(party.signer.suite, public)
    headers = {"kid": "theirs", "typ": "ecard-assertion+jwt"}
    assert party.read(jwt.encode(dict(CLAIMS), key, party.signer.suite.value, headers)) == CLAIMS


def test_every_part_tampered_with_is_refused(party: Party) -> None:
    parts = party.mint().split(".")
    for index, part in enumerate(parts):
        raw = unb64url(part)
        for place in range(len(raw)):
            changed = raw[:place] + bytes((raw[place] ^ 1,)) + raw[place + 1 :]
            party.refusal(".".join([*parts[:index], b64url(changed), *parts[index + 1 :]]))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
def test_an_unsigned_token_is_refused(party: Party, alg: str) -> None:
    unsigned = ".".join(b64url(json.dumps(part).encode()) for part in ({**party.header, "alg": alg}, CLAIMS))
    for signature in ("", b64url(bytes(64)), party.mint().split(".")[2]):
        assert party.refusal(f"{unsigned}.{signature}") in {"key", "malformed"}


def test_an_hmac_with_the_public_key_as_secret_is_refused(party: Party) -> None:
    suite, public = party.signer.suite, party.signer.public
    key: Any = (ECAlgorithm if suite is Suite.ES256 else OKPAlgorithm).from_jwk(to_jwk(suite, public))
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = ".".join(b64url(json.dumps(part).encode()) for part in ({**party.header, "alg": "HS256"}, CLAIMS))
    for secret in (public, pem, pem.strip(), json.dumps(to_jwk(suite, public)).encode(), b""):
        mac = hmac.digest(secret or b"\0", signed.encode(), "sha256")
        assert party.refusal(f"{signed}.{b64url(mac)}") == "key"


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "ES384", "RS256", "es256", ["ES256"], None, 5])
def test_an_algorithm_other_than_the_keys_own_is_refused(party: Party, alg: object) -> None:
    if alg != party.signer.suite:
        assert party.refusal(party.forge({**party.header, "alg": alg})) in {"key", "malformed"}


@pytest.mark.parametrize(
    "kid",
    [
        "",
        "key-2",
        "KEY-1",
        "key-1 ",
        "../key-1",
        "../../../../dev/null",
        "/etc/passwd",
        "x' OR '1'='1",
        "key-1\0",
        "中",
    ],
)
def test_an_unknown_key_name_is_refused_whatever_it_spells(party: Party, kid: str) -> None:
    assert party.refusal(party.forge({**party.header, "kid": kid})) == "key"


@pytest.mark.parametrize("kid", [None, 1, ["key-1"], {"key-1": 1}])
def test_a_key_name_that_is_no_text_is_refused(party: Party, kid: object) -> None:
    assert party.refusal(party.forge({**party.header, "kid": kid})) == "malformed"


def test_a_token_without_a_key_name_is_refused(party: Party) -> None:
    header = {name: value for name, value in party.header.items() if name != "kid"}
    assert party.refusal(party.forge(header)) == "key"


def test_a_key_that_the_token_brings_along_is_not_used(party: Party) -> None:
    stranger = Party(party.signer.suite)
    jwk = to_jwk(stranger.signer.suite, stranger.signer.public)
    link = "https://elsewhere.example/keys"
    brought: list[dict[str, object]] = [{"jwk": jwk}, {"jku": link}, {"x5u": link}, {"x5c": ["AAAA"]}]
    for header in brought:
        assert party.refusal(stranger.forge({**party.header, **header})) == "signature"


@pytest.mark.parametrize("crit", [["b64"], ["exp"], ["http://example.com/x"], [], "exp", None])
def test_a_token_with_critical_extensions_is_refused(party: Party, crit: object) -> None:
    for more in ({}, {"b64": True}, {"b64": False}):
        assert party.refusal(party.forge({**party.header, "crit": crit, **more})) in {"malformed", "type"}


@pytest.mark.parametrize("typ", [*(typ for typ in TokenType if typ is not TokenType.ASSERTION)])
def test_a_token_of_another_type_is_refused(party: Party, typ: TokenType) -> None:
    assert party.refusal(party.mint(typ)) == "type"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "", "ecard-assertion", "ECARD-ASSERTION+JWT", None, ["x"], 5])
def test_a_token_of_no_type_of_ours_is_refused(party: Party, typ: object) -> None:
    assert party.refusal(party.forge({**party.header, "typ": typ})) in {"type", "malformed"}


def test_types_are_named_as_published() -> None:
    assert [typ.value for typ in TokenType] == [
        "ecard-assertion+jwt",
        "ecard-bundle+jwt",
        "ecard-seal+jwt",
        "ecard-denied+jwt",
        "ecard-ledger-period+jwt",
        "ecard-benefit-manifest+jwt",
        "ecard-profile-change+jwt",
        "ecard-device+jwt",
        "at+jwt",
        "JWT",
        "ecard-bridge+jwt",
        "ecard-bridge-session+jwt",
        "logout+jwt",
        "vc+jwt",
        "ecard-credentials+jwt",
        "ecard-document+jwt",
        "ecard-documents+jwt",
        "dc+sd-jwt",
        "kb+jwt",
        "statuslist+jwt",
    ]


def test_each_type_is_read_as_itself(party: Party) -> None:
    for typ in TokenType:
        read = tokens.read(party.mint(typ), party.keys, typ=typ, issuer=ISSUER, audience=AUDIENCE, now=NOW)
        assert read == CLAIMS


@pytest.mark.parametrize("audience", ["agency-2", "", "AGENCY-1", ["agency-2"], [], None, 5, "absent"])
def test_a_token_for_another_audience_is_refused(party: Party, audience: object) -> None:
    assert party.refusal(party.mint(aud=audience)) == "claims"


def test_a_token_with_an_audience_is_refused_where_its_type_has_none(party: Party) -> None:
    assert party.refusal(party.mint(), audience=None) == "claims"
    assert party.read(party.mint(aud="absent"), audience=None)["sub"] == "x"


@pytest.mark.parametrize("issuer", ["https://elsewhere.example", ISSUER + "/", "", None, 5, [ISSUER], "absent"])
def test_a_token_of_another_issuer_is_refused(party: Party, issuer: object) -> None:
    assert party.refusal(party.mint(iss=issuer)) == "claims"


@pytest.mark.parametrize("claim", ["exp", "iat"])
@pytest.mark.parametrize(
    "value",
    ["absent", None, "soon", str(NOW + 60), [], {}, True, NOW + 60.5, float("inf"), float("nan"), -float("inf")],
)
def test_a_time_that_is_missing_or_no_whole_number_is_refused(party: Party, claim: str, value: object) -> None:
    claims = {name: given for name, given in {**CLAIMS, claim: value}.items() if given != "absent"}
    assert party.refusal(party.forge(party.header, claims)) == "claims"


def test_on_and_after_its_end_a_token_is_dead(party: Party) -> None:
    token = party.mint()
    assert party.read(token, now=NOW + 59.999)["exp"] == NOW + 60
    for now in (NOW + 60, NOW + 60.001, NOW + 61, NOW + 10**9):
        assert party.refusal(token, now=now) == "expired"


def test_a_token_from_the_future_is_refused_beyond_the_skew(party: Party) -> None:
    token = party.mint()
    assert party.read(token, now=NOW - 30)["iat"] == NOW
    for now in (NOW - 30.001, NOW - 31, NOW - 10**6):
        assert party.refusal(token, now=now) == "expired"


def test_a_token_that_is_not_good_yet_is_refused_and_its_beginning_must_be_a_number(party: Party) -> None:
    token = party.mint(nbf=NOW + 50)
    assert party.read(token, now=NOW + 20)["nbf"] == NOW + 50
    for now in (NOW, NOW + 19.999):
        assert party.refusal(token, now=now) == "expired"
    strange: list[object] = [None, "soon", True, NOW + 0.5, []]
    for value in strange:
        assert party.refusal(party.forge(party.header, {**CLAIMS, "nbf": value})) == "claims"


def test_the_time_is_the_one_passed_in_and_not_the_machines(party: Party) -> None:
    assert party.read(party.mint(iat=100, exp=160), now=100)["iat"] == 100
    assert party.read(party.mint(iat=2**40, exp=2**40 + 60), now=2**40)["iat"] == 2**40


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "x", "a.b.c", "a.b", "\0", "é.é.é", "二维码", "a" * 100_000, "." * 1000],
)
def test_what_is_no_token_is_malformed(party: Party, token: str) -> None:
    assert party.refusal(token) == "malformed"


@pytest.mark.parametrize("part", [b"", b"[]", b"1", b'"x"', b"null", b"\xff", b"{", b"[" * 40_000, b"9" * 5000])
def test_a_part_that_is_no_json_object_is_refused_however_deep(party: Party, part: bytes) -> None:
    assert party.refusal(party.forge(part)) == "malformed"
    assert party.refusal(party.forge(party.header, part)) == "claims"


def test_reading_the_proofs_of_a_million_phones_keeps_no_key_of_each() -> None:
    for _ in range(150):
        phone = Party()
        phone.read(phone.mint())
    assert tokens._loaded.cache_info().currsize <= 64
