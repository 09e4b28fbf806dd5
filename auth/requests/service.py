"""Reading an authorization request: what the client may ask, and what the catalogue says of it."""

import re

import msgspec

from auth.clients.model import Client, GrantType
from auth.errors import BadRequest, ClientNotAllowed, DetailsRefused, ScopeRefused, TargetRefused
from auth.forms import Form, need
from auth.grants.model import Wanted
from auth.requests import objects, store
from auth.requests.errors import (
    RedirectRefused,
    RequestUriRefused,
    ResponseTypeRefused,
    UnmetRequirements,
)
from auth.requests.model import URN, Asked
from auth.secrets import hashed, new_secret
from auth.server import Server
from ecard.catalogue.model import Form as CardForm
from ecard.catalogue.model import Item, Strength

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_ACR = re.compile(r"l([12])-(possession|knowledge|biometric)")
_PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_LONGEST = 512
_SCOPE = "ecard_item:"


async def read(server: Server, client: Client, form: Form) -> Asked:
    """Return the request in `form`, or in its signed `request` object (RFC 9101).

    Raises RedirectRefused first, so that nobody is sent to a wrong address, then what is wrong.
    """
    if "request" in form:
        form = await objects.authorization(server, client, form["request"])
    redirect_uri = redirect(client, form)
    if GrantType.CODE not in client.grant_types:
        raise ClientNotAllowed
    if form.get("response_type", "code") != "code":
        raise ResponseTypeRefused
    need(form, "response_type")
    if form.get("response_mode", "query") != "query":
        raise BadRequest(parameter="response_mode")
    challenge = need(form, "code_challenge")
    if form.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise BadRequest(parameter="code_challenge_method")
    prompt = form.get("prompt", "").split()
    if not _PROMPTS.issuperset(prompt) or ("none" in prompt and len(prompt) > 1):
        raise BadRequest(parameter="prompt")
    return Asked(
        client=client.id,
        wanted=wanted(server, client, form),
        redirect_uri=redirect_uri,
        state=_short(form, "state"),
        nonce=_short(form, "nonce"),
        challenge=challenge,
        jkt=_short(form, "dpop_jkt"),
        prompt=prompt,
        sub=_hinted(server, client, form),
        max_age=_max_age(form),
        language=form.get("ui_locales", "").partition(" ")[0][:2].lower(),
    )


def redirect(client: Client, form: Form) -> str:
    """Return the redirect URI: one of the client's, to the character (RFC 9700 §2.1). Raises RedirectRefused."""
    uri = form.get("redirect_uri")
    if uri is None or uri not in client.redirect_uris:
        raise RedirectRefused
    return uri


def wanted(server: Server, client: Client, form: Form) -> Wanted:
    """Return what the client asks a holder for; raises ScopeRefused, DetailsRefused, UnmetRequirements, TargetRefused.

    The item stands in `authorization_details` or in a scope; the catalogue alone says which fields it has.
    """
    if form.get("resource", server.issuer).rstrip("/") != server.issuer:
        raise TargetRefused
    scopes = list(dict.fromkeys(form.get("scope", "").split()))
    codes = [scope.removeprefix(_SCOPE) for scope in scopes if scope.startswith(_SCOPE)]
    # `offline_access` is understood and left out: the registration decides about refresh tokens.
    if not {"openid", "offline_access"}.issuperset(one for one in scopes if not one.startswith(_SCOPE)):
        raise ScopeRefused
    if "authorization_details" in form:
        codes += [_detail(form["authorization_details"])]
    named = set(codes)
    if len(named) > 1:
        raise DetailsRefused
    item = _item(server, client, next(iter(named)), detailed="authorization_details" in form) if named else None
    if item is None and "openid" not in scopes:
        raise ScopeRefused
    kept = [scope for scope in scopes if scope != "offline_access"]
    level, strength = _least(form, item)
    return Wanted(
        scope=kept,
        item=item.code if item else None,
        fields=[field.value for field in item.fields] if item else [],
        strength=strength,
        level=level,
    )


def _item(server: Server, client: Client, code: str, *, detailed: bool) -> Item:
    refused = DetailsRefused if detailed else ScopeRefused
    if code not in client.items:
        raise refused
    item = server.catalogue.get(code)
    if not item.permits(CardForm.ELECTRONIC):
        raise refused(accepted=[form.value for form in item.forms])
    return item


def _detail(text: str) -> str:
    try:
        details = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise DetailsRefused from None
    match details:
        case [{"type": "ecard_item", "item": str(code), **rest}] if not rest:
            return code
        case _:
            raise DetailsRefused


def _least(form: Form, item: Item | None) -> tuple[int, Strength]:
    """Return the least level and strength: the item's, or the weakest of `acr_values` if that is more (RFC 9470 §4)."""
    level, strength = (item.level, item.strength) if item else (1, Strength.POSSESSION)
    asked = form.get("acr_values")
    if asked is None:
        return level, strength
    known = [(int(found[1]), Strength(found[2])) for found in map(_ACR.fullmatch, asked.split()) if found]
    if not known:
        raise UnmetRequirements
    least = min(known, key=lambda one: (one[0], one[1].rank))
    return max(level, least[0]), max(strength, least[1], key=lambda one: one.rank)


def _hinted(server: Server, client: Client, form: Form) -> str | None:
    if "id_token_hint" not in form:
        return None
    claims = objects.id_token(server, form["id_token_hint"], client)
    if claims is None:
        raise BadRequest(parameter="id_token_hint")
    return str(claims["sub"])


def _max_age(form: Form) -> int | None:
    age = form.get("max_age")
    if age is None:
        return None
    if not (age.isascii() and age.isdecimal() and len(age) <= len("31536000")):
        raise BadRequest(parameter="max_age")
    return int(age)


def _short(form: Form, name: str) -> str | None:
    value = form.get(name)
    if value is not None and len(value) > _LONGEST:
        raise BadRequest(parameter=name)
    return value


async def push(server: Server, asked: Asked) -> str:
    """Keep a request and return its `request_uri`."""
    secret = new_secret()
    await store.push(server.runtime.pool, hashed(secret), asked)
    return URN + secret


async def pushed(server: Server, client: Client, request_uri: str) -> Asked:
    """Use a pushed request up, once; raises RequestUriRefused."""
    asked = None
    if request_uri.startswith(URN):
        asked = await store.take(server.runtime.pool, hashed(request_uri.removeprefix(URN)), client.id)
    if asked is None:
        raise RequestUriRefused
    return asked


async def from_link(server: Server, client: Client, form: Form) -> Asked:
    """Return the request that a browser or app brings: pushed, or in full where the client's profile allows it.

    Raises RequestUriRefused, BadRequest (FAPI 2.0 wants it pushed), and what `read` does.
    """
    if "request_uri" in form:
        return await pushed(server, client, form["request_uri"])
    if client.needs_par:
        raise BadRequest(parameter="request_uri")
    return await read(server, client, form)
