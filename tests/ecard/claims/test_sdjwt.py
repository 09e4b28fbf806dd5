"""Selective disclosure as RFC 9901 writes it, by its own example, and nothing that does not belong together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecard.claims.sdjwt import Malformed, conceal, disclosure, parse, reveal, sd_hash, select, split
from ecard.keys import from_jwk
from ecard.tokens import PublicKey, verified

ISSUER = {
    "kty": "EC",
    "crv": "P-256",
    "x": "b28d4MwZMjw8-00CG4xfnn9SLMVMM19SlqZpVb_uNtQ",
    "y": "Xv5zWwuoaTgdS6hV43yI6gBwTnjukmFQQnJ_kCxzqk8",
}
"""RFC 9901, appendix A.5."""
JWT = (
    "eyJhbGciOiAiRVMyNTYiLCAidHlwIjogImV4YW1wbGUrc2Qtand0In0.eyJfc2QiOiBb"
    "IkNyUWU3UzVrcUJBSHQtbk1ZWGdjNmJkdDJTSDVhVFkxc1VfTS1QZ2tqUEkiLCAiSnpZ"
    "akg0c3ZsaUgwUjNQeUVNZmVadTZKdDY5dTVxZWhabzdGN0VQWWxTRSIsICJQb3JGYnBL"
    "dVZ1Nnh5bUphZ3ZrRnNGWEFiUm9jMkpHbEFVQTJCQTRvN2NJIiwgIlRHZjRvTGJnd2Q1"
    "SlFhSHlLVlFaVTlVZEdFMHc1cnREc3JaemZVYW9tTG8iLCAiWFFfM2tQS3QxWHlYN0tB"
    "TmtxVlI2eVoyVmE1TnJQSXZQWWJ5TXZSS0JNTSIsICJYekZyendzY002R242Q0pEYzZ2"
    "Vks4QmtNbmZHOHZPU0tmcFBJWmRBZmRFIiwgImdiT3NJNEVkcTJ4Mkt3LXc1d1BFemFr"
    "b2I5aFYxY1JEMEFUTjNvUUw5Sk0iLCAianN1OXlWdWx3UVFsaEZsTV8zSmx6TWFTRnpn"
    "bGhRRzBEcGZheVF3TFVLNCJdLCAiaXNzIjogImh0dHBzOi8vaXNzdWVyLmV4YW1wbGUu"
    "Y29tIiwgImlhdCI6IDE2ODMwMDAwMDAsICJleHAiOiAxODgzMDAwMDAwLCAic3ViIjog"
    "InVzZXJfNDIiLCAibmF0aW9uYWxpdGllcyI6IFt7Ii4uLiI6ICJwRm5kamtaX1ZDem15"
    "VGE2VWpsWm8zZGgta284YUlLUWM5RGxHemhhVllvIn0sIHsiLi4uIjogIjdDZjZKa1B1"
    "ZHJ5M2xjYndIZ2VaOGtoQXYxVTFPU2xlclAwVmtCSnJXWjAifV0sICJfc2RfYWxnIjog"
    "InNoYS0yNTYiLCAiY25mIjogeyJqd2siOiB7Imt0eSI6ICJFQyIsICJjcnYiOiAiUC0y"
    "NTYiLCAieCI6ICJUQ0FFUjE5WnZ1M09IRjRqNFc0dmZTVm9ISVAxSUxpbERsczd2Q2VH"
    "ZW1jIiwgInkiOiAiWnhqaVdXYlpNUUdIVldLVlE0aGJTSWlyc1ZmdWVjQ0U2dDRqVDlG"
    "MkhaUSJ9fX0.zjhXTlVnC9cFuDlL7JuR2TK7DCo0XtlMpbuNVNZJhWOkCPsRHn9oHNQk"
    "I02D6YziRYsapgbA_tV4-0LmAfA53Q"
)
FAMILY = "WyJlbHVWNU9nM2dTTklJOEVZbnN4QV9BIiwgImZhbWlseV9uYW1lIiwgIkRvZSJd"
GIVEN = "WyIyR0xDNDJzS1F2ZUNmR2ZyeU5STjl3IiwgImdpdmVuX25hbWUiLCAiSm9obiJd"
ADDRESS = (
    "WyJBSngtMDk1VlBycFR0TjRRTU9xUk9BIiwgImFkZHJlc3MiLCB7InN0cmVldF9hZGRyZXNzIjogIjEyMyBNYWluIFN0IiwgImxvY2FsaXR5Ijog"
    "IkFueXRvd24iLCAicmVnaW9uIjogIkFueXN0YXRlIiwgImNvdW50cnkiOiAiVVMifV0"
)
US = "WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIlVTIl0"
BINDING = (
    "eyJhbGciOiAiRVMyNTYiLCAidHlwIjogImtiK2p3dCJ9.eyJub25jZSI6ICIxMjM0NTY3ODkwIiwgImF1ZCI6ICJodHRwczovL3ZlcmlmaWVyLmV4"
    "YW1wbGUub3JnIiwgImlhdCI6IDE3NDgzNjE5NDEsICJzZF9oYXNoIjogIjEtTGNmNkNpQm1QNzJKREZ1QkYwYnZhbFMtRnpJbFh5aUNrSlhwN3BK"
    "bWMifQ.4OCivqequv7GMn45GWWEBceEwvByv9wY61HvxbOKY0pOxyto9-HG2coh1D3frjl1AhF-vDnB1CD0SXL32P-toA"
)
PRESENTED = f"{JWT}~{FAMILY}~{ADDRESS}~{GIVEN}~{US}~{BINDING}"
"""RFC 9901, §5.2: what the holder of §5.1's SD-JWT presents."""


def payload() -> dict[str, object]:
    return verified(JWT, {"": PublicKey(*from_jwk(ISSUER))}, types=("example+sd-jwt",))


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (GIVEN, "jsu9yVulwQQlhFlM_3JlzMaSFzglhQG0DpfayQwLUK4"),
        (ADDRESS, "XzFrzwscM6Gn6CJDc6vVK8BkMnfG8vOSKfpPIZdAfdE"),
        (US, "pFndjkZ_VCzmyTa6UjlZo3dh-ko8aIKQc9DlGzhaVYo"),
    ],
)
def test_digests_are_those_of_the_specification(text: str, digest: str) -> None:
    assert parse(text).digest == digest


def test_the_specifications_presentation_says_what_the_specification_says() -> None:
    parts = split(PRESENTED)
    found = reveal(payload(), parts.disclosures)
    cnf = found.pop("cnf")
    assert found == {
        "iss": "https://issuer.example.com",
        "iat": 1683000000,
        "exp": 1883000000,
        "sub": "user_42",
        "nationalities": ["US"],
        "family_name": "Doe",
        "address": {
            "street_address": "123 Main St",
            "locality": "Anytown",
            "region": "Anystate",
            "country": "US",
        },
        "given_name": "John",
    }
    holder = PublicKey(*from_jwk(cnf["jwk"]))
    bound = verified(parts.binding, {"": holder}, types=("kb+jwt",))
    assert bound["sd_hash"] == sd_hash(parts) == "1-Lcf6CiBmP72JDFuBF0bvalS-FzIlXyiCkJXp7pJmc"


def test_the_specifications_nested_digests_are_followed() -> None:
    street = "WyIyR0xDNDJzS1F2ZUNmR2ZyeU5STjl3IiwgInN0cmVldF9hZGRyZXNzIiwgIlNjaHVsc3RyLiAxMiJd"
    country = "WyJlSThaV205UW5LUHBOUGVOZW5IZGhRIiwgImNvdW50cnkiLCAiREUiXQ"
    structured = {
        "address": {
            "_sd": [
                "6vh9bq-zS4GKM_7GpggVbYzzu6oOGXrmNVGPHP75Ud0",
                "9gjVuXtdFROCgRrtNcGUXmF65rdezi_6Er_j76kmYyM",
                "WN9r9dCBJ8HTCsS2jKASxTjEyW5m5x65_Z_2ro2jfXM",
            ]
        },
        "_sd_alg": "sha-256",
    }
    found = reveal(structured, [street, country])
    assert found == {"address": {"street_address": "Schulstr. 12", "country": "DE"}}


@pytest.mark.parametrize(
    "texts",
    [
        [GIVEN, GIVEN],
        ["WyIyR0xDNDJzS1F2ZUNmR2ZyeU5STjl3IiwgIm5pY2tuYW1lIiwgIkpvIl0"],
        ["e30"],
        ["WyJhIiwgIl9zZCIsIDFd"],
        ["WyJhIiwgIi4uLiIsIDFd"],
        ["WyJhIl0"],
        ["not base64!"],
        ["W1s"],
    ],
    ids=["twice", "unknown", "no_array", "reserved_sd", "reserved_dots", "too_short", "no_base64", "no_json"],
)
def test_a_disclosure_that_does_not_belong_is_refused(texts: list[str]) -> None:
    with pytest.raises(Malformed):
        reveal(payload(), texts)


def test_a_digest_twice_a_claim_twice_and_a_kind_that_does_not_fit_are_refused() -> None:
    one, element = disclosure("salt", "name", "x"), parse(US)
    for bad in (
        {"_sd": [one.digest, one.digest]},
        {"_sd": [one.digest], "deep": {"_sd": [one.digest]}},
        {"_sd": [one.digest], "name": "y"},
        {"list": [{"...": one.digest}]},
        {"_sd": one.digest},
        {"_sd": [one.digest], "_sd_alg": "sha-512"},
        {"_sd": [one.digest], "...": 1},
    ):
        with pytest.raises(Malformed):
            reveal(bad, [one.text])
    with pytest.raises(Malformed):
        reveal({"_sd": [element.digest]}, [US])
    for text in ("no tilde", "~", "~a~", "a~~b"):
        with pytest.raises(Malformed):
            split(text)


_NAMES = st.text("abcdefgh_", min_size=1, max_size=8).filter(lambda name: name != "_sd")
_WORDS = st.text('ab~."[中', max_size=6)
_VALUES = st.one_of(_WORDS, st.integers(-(2**53), 2**53), st.booleans(), st.lists(_WORDS, max_size=3))


@given(st.dictionaries(_NAMES, _VALUES, max_size=8), st.data())
def test_exactly_the_chosen_claims_are_told_and_no_other_can_be_read(
    claims: dict[str, object], data: st.DataObject
) -> None:
    salts = iter(range(100))
    hidden, made = conceal(claims, lambda: f"salt{next(salts)}")
    chosen = data.draw(st.sets(st.sampled_from(sorted(claims)))) if claims else set()
    text = "~".join(["jwt", *(one.text for one in made), ""])
    parts = select(text, chosen)
    assert reveal({"vct": "t", **hidden}, parts.disclosures) == {
        "vct": "t",
        **{name: value for name, value in claims.items() if name in chosen},
    }
    assert not any(name in str(hidden["_sd"]) for name in claims if len(name) > 6)


@given(st.text('~.{}[]",aW_-= \n中', max_size=60))
def test_no_text_makes_the_parser_fail_otherwise(text: str) -> None:
    for act in (split, parse):
        try:
            act(text)
        except Malformed:
            continue
