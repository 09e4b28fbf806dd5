"""Which proofs of a client are believed: one way at a time, each assertion for us, for now, by its own key."""

import asyncio
import base64
import hmac
import json
import time
from typing import Any

import httpx
import pytest

from auth.clients.authentication import ASSERTION, authenticate
from auth.clients.directory import Directory
from auth.clients.model import Client
from auth.errors import BadRequest, ClientRefused
from auth.replay import Mark
from ecard import db
from ecard.client.actors import new_signer
from ecard.encoding import b64url
from ecard.ids import new_id
from ecard.keys import Signer, Suite, thumbprint, to_jwk
from ecard.settings import Settings
from tests.bureau import Bureau, RegisteredClient, key_set

GONE: Any = object()
"""Stands for a header or a claim that is left out."""


@pytest.fixture(scope="module")
def fapi2(bureau: Bureau) -> RegisteredClient:
    return bureau.client()


@pytest.fixture(scope="module")
def standard(bureau: Bureau) -> RegisteredClient:
    return bureau.client(profile="standard")


def signed(signer: Signer, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Return a compact JWS of exactly this."""
    text = ".".join(b64url(json.dumps(part).encode()) for part in (header, claims))
    return f"{text}.{b64url(signer.sign(text.encode()))}"


def parts(client: RegisteredClient, settings: Settings, **changed: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a right assertion, with what is to be `changed` (GONE: left out)."""
    signer, now = signer_of(client), int(time.time())
    header = {"alg": signer.suite.value, "typ": "JWT", "kid": thumbprint(signer.suite, signer.public)}
    claims: dict[str, Any] = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": settings.issuer,
        "jti": new_id().hex,
    }
    claims |= {"iat": now, "exp": now + 60}
    for name, value in changed.items():
        (header if name in {"alg", "typ", "kid", "jku", "x5u", "jwk", "crit"} else claims)[name] = value
    return tuple({name: one for name, one in part.items() if one is not GONE} for part in (header, claims))  # type: ignore[return-value]


def signer_of(client: RegisteredClient) -> Signer:
    assert client.signer is not None
    return client.signer


def form_of(assertion: str, **more: str) -> dict[str, str]:
    return {"client_assertion": assertion, "client_assertion_type": ASSERTION, **more}


def come(
    settings: Settings, form: dict[str, str], authorization: str = "", *, sandbox: bool = True
) -> tuple[Client, tuple[Mark, ...]]:
    """Return who is believed to call."""

    async def run() -> tuple[Client, tuple[Mark, ...]]:
        pool = await db.connect(str(settings.database_url), size=1)
        try:
            async with httpx.AsyncClient() as asking:
                now = time.time()
                return await authenticate(
                    Directory(pool, asking), form, authorization, issuer=settings.issuer, sandbox=sandbox, now=now
                )
        finally:
            await pool.close()

    return asyncio.run(run())


def refuse(settings: Settings, form: dict[str, str], authorization: str = "", *, sandbox: bool = True) -> None:
    with pytest.raises(ClientRefused) as refusal:
        come(settings, form, authorization, sandbox=sandbox)
    # Which of all this was wrong is not said.
    assert (refusal.value.members, refusal.value.pointer) == ({}, None)


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


# ---- believed -------------------------------------------------------------------------------------------


def test_an_assertion_is_believed_and_is_to_be_burnt(fapi2: RegisteredClient, settings: Settings) -> None:
    header, claims = parts(fapi2, settings)
    found, marks = come(settings, form_of(signed(signer_of(fapi2), header, claims)))
    assert str(found.id) == fapi2.client_id
    [burnt] = marks
    assert burnt.expires == claims["exp"]
    again, other = (
        come(settings, form_of(signed(signer_of(fapi2), header, {**claims, **changed}), client_id=fapi2.client_id))[1]
        for changed in ({"exp": claims["exp"] + 1}, {"jti": "another"})
    )
    assert [one.key == burnt.key for one in (*again, *other)] == [True, False]


@pytest.mark.parametrize(
    "changed",
    [
        {"typ": "client-authentication+jwt"},
        {"typ": GONE},
        {"kid": GONE},
        {"iat": GONE},
        {"jku": "https://other.example/jwks", "x5u": "https://other.example/x"},
        {"jwk": to_jwk(Suite.ES256, new_signer().public)},
    ],
)
def test_what_may_be_left_out_or_is_never_looked_at_does_no_harm(
    fapi2: RegisteredClient, settings: Settings, changed: dict[str, Any]
) -> None:
    assertion = signed(signer_of(fapi2), *parts(fapi2, settings, **changed))
    assert str(come(settings, form_of(assertion))[0].id) == fapi2.client_id


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_a_clock_ten_seconds_fast_is_right_enough_and_one_a_minute_fast_is_not(
    fapi2: RegisteredClient, settings: Settings, name: str
) -> None:
    now = int(time.time())
    come(settings, form_of(signed(signer_of(fapi2), *parts(fapi2, settings, **{name: now + 10}))))
    for ahead in (15, 61):
        refuse(settings, form_of(signed(signer_of(fapi2), *parts(fapi2, settings, **{name: now + ahead}))))


def test_the_ordinary_profile_takes_the_endpoint_or_a_list_as_audience(
    standard: RegisteredClient, fapi2: RegisteredClient, settings: Settings
) -> None:
    for aud in (f"{settings.issuer}/oauth/token", [settings.issuer], [settings.issuer, "https://other.example"]):
        come(settings, form_of(signed(signer_of(standard), *parts(standard, settings, aud=aud))))
        refuse(settings, form_of(signed(signer_of(fapi2), *parts(fapi2, settings, aud=aud))))


@pytest.mark.parametrize("suite", Suite)
def test_of_several_keys_each_is_good(bureau: Bureau, settings: Settings, suite: Suite) -> None:
    one, other = new_signer(suite), new_signer()
    client = bureau.client(jwks=key_set(one, other))._replace(signer=one)
    come(settings, form_of(signed(one, *parts(client, settings))))
    refuse(settings, form_of(signed(one, *parts(client, settings, kid=GONE))))  # which of the two?
    refuse(settings, form_of(signed(other, *parts(client, settings))))


def test_a_secret_is_believed_where_it_is_registered_to_stand(bureau: Bureau, settings: Settings) -> None:
    header = bureau.client(profile="standard", auth_method="client_secret_basic")
    form = bureau.client(profile="standard", auth_method="client_secret_post")
    assert str(come(settings, {}, basic(header.client_id, str(header.secret)))[0].id) == header.client_id
    posted = {"client_id": form.client_id, "client_secret": str(form.secret)}
    assert str(come(settings, posted)[0].id) == form.client_id
    refuse(settings, {"client_id": header.client_id, "client_secret": str(header.secret)})
    refuse(settings, {}, basic(form.client_id, str(form.secret)))
    refuse(settings, {}, basic(header.client_id, str(form.secret)))
    refuse(settings, {}, basic(header.client_id, ""))
    refuse(settings, {"client_id": form.client_id}, basic(header.client_id, str(header.secret)))
    refuse(settings, {"client_id": header.client_id})
    for broken in ("Basic", "Basic !", "Basic " + base64.b64encode(b"no colon").decode(), "Basic /w=="):
        refuse(settings, {}, broken)


def test_a_public_client_only_says_who_it_is(bureau: Bureau, fapi2: RegisteredClient, settings: Settings) -> None:
    public = bureau.client(profile="standard", auth_method="none")
    assert come(settings, {"client_id": public.client_id})[0].is_public
    refuse(settings, {"client_id": fapi2.client_id})
    refuse(settings, {"client_id": public.client_id, "client_secret": "x"})
    refuse(settings, {"client_id": str(new_id())})
    refuse(settings, {"client_id": "' OR 1=1 --"})
    refuse(settings, {})


# ---- refused --------------------------------------------------------------------------------------------

WRONG: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "https://other.example"},
    "no audience": {"aud": GONE},
    "the audience in a list": {"aud": ["https://ecard.example"]},
    "an audience of no kind": {"aud": {"https://ecard.example": 1}},
    "the issuer with a slash": {"aud": "https://ecard.example/"},
    "another issuer": {"iss": "00000000-0000-0000-0000-000000000000"},
    "no issuer": {"iss": GONE},
    "another subject": {"sub": "00000000-0000-0000-0000-000000000000"},
    "expired": {"exp": int(time.time()) - 1},
    "no end": {"exp": GONE},
    "an end in words": {"exp": "soon"},
    "an end that is true": {"exp": True},
    "never ending": {"exp": float("inf")},
    "no number": {"exp": float("nan")},
    "too long a life": {"exp": int(time.time()) + 3600},
    "made in the future": {"iat": int(time.time()) + 3600},
    "made in words": {"iat": "now"},
    "not begun": {"nbf": int(time.time()) + 3600},
    "no jti": {"jti": GONE},
    "an empty jti": {"jti": ""},
    "a jti that is a number": {"jti": 7},
    "an endless jti": {"jti": "x" * 129},
    "no kid of its set": {"kid": "another"},
    "a kid that is a path": {"kid": "../../../../dev/null"},
    "a kid that is a statement": {"kid": "x' UNION SELECT 'AA"},
    "a kid that is a list": {"kid": ["a"]},
    "critical headers": {"crit": ["exp"]},
    "critical headers, none": {"crit": []},
    "another algorithm": {"alg": "ES384"},
    "another suite": {"alg": "EdDSA"},
    "another type": {"typ": "at+jwt"},
    "the type of a proof": {"typ": "dpop+jwt"},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_assertion_that_is_not_right_in_everything_is_refused(
    fapi2: RegisteredClient, settings: Settings, wrong: str
) -> None:
    assertion = signed(signer_of(fapi2), *parts(fapi2, settings, **WRONG[wrong]))
    refuse(settings, form_of(assertion, client_id=fapi2.client_id))


def test_an_assertion_without_a_signature_is_refused(fapi2: RegisteredClient, settings: Settings) -> None:
    for alg in ("none", "None", "NONE", ""):
        text = ".".join(b64url(json.dumps(part).encode()) for part in parts(fapi2, settings, alg=alg))
        refuse(settings, form_of(f"{text}."))
        refuse(settings, form_of(text))


def test_a_public_key_is_no_shared_secret(fapi2: RegisteredClient, settings: Settings) -> None:
    signer = signer_of(fapi2)
    text = ".".join(b64url(json.dumps(part).encode()) for part in parts(fapi2, settings, alg="HS256"))
    for secret in (signer.public, json.dumps(to_jwk(signer.suite, signer.public)).encode()):
        refuse(settings, form_of(f"{text}.{b64url(hmac.digest(secret, text.encode(), 'sha256'))}"))


def test_another_clients_key_proves_nothing(
    fapi2: RegisteredClient, standard: RegisteredClient, settings: Settings
) -> None:
    refuse(settings, form_of(signed(signer_of(standard), *parts(fapi2, settings))))
    kid = thumbprint(Suite.ES256, signer_of(standard).public)
    refuse(settings, form_of(signed(signer_of(standard), *parts(fapi2, settings, kid=kid))))
    refuse(settings, form_of(signed(signer_of(standard), *parts(standard, settings)), client_id=fapi2.client_id))


def test_a_key_that_an_assertion_brings_along_proves_nothing(fapi2: RegisteredClient, settings: Settings) -> None:
    own = new_signer()
    refuse(settings, form_of(signed(own, *parts(fapi2, settings, jwk=to_jwk(own.suite, own.public)))))
    refuse(settings, form_of(signed(own, *parts(fapi2, settings, kid=GONE, jku="https://other.example/jwks"))))


def test_an_altered_assertion_is_refused(fapi2: RegisteredClient, settings: Settings) -> None:
    header, claims = parts(fapi2, settings)
    head, _, signature = signed(signer_of(fapi2), header, claims).split(".")
    changed = b64url(json.dumps({**claims, "jti": "another"}).encode())
    for assertion in (
        f"{head}.{changed}.{signature}",
        f"{head}.{changed}.",
        "x",
        "a.b.c",
        "....",
        f"{head}.W10.{head}",
    ):
        refuse(settings, form_of(assertion))
        refuse(settings, form_of(assertion, client_id=fapi2.client_id))


def test_two_proofs_at_once_are_one_too_many(bureau: Bureau, fapi2: RegisteredClient, settings: Settings) -> None:
    secret = bureau.client(profile="standard", auth_method="client_secret_basic")
    assertion = form_of(signed(signer_of(fapi2), *parts(fapi2, settings)))
    header, posted = basic(secret.client_id, str(secret.secret)), {"client_secret": str(secret.secret)}
    for form, authorization in ((assertion, header), ({**assertion, **posted}, ""), (posted, header)):
        with pytest.raises(BadRequest):
            come(settings, form, authorization)


def test_an_assertion_says_what_it_is(fapi2: RegisteredClient, settings: Settings) -> None:
    assertion = signed(signer_of(fapi2), *parts(fapi2, settings))
    for form in ({"client_assertion": assertion}, {**form_of(assertion), "client_assertion_type": "saml"}):
        with pytest.raises(BadRequest) as refusal:
            come(settings, form)
        assert refusal.value.members == {"parameter": "client_assertion_type"}


def test_a_sandbox_client_is_nobody_outside_the_sandbox(fapi2: RegisteredClient, settings: Settings) -> None:
    refuse(settings, form_of(signed(signer_of(fapi2), *parts(fapi2, settings))), sandbox=False)
