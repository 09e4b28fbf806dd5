"""A bureau with everything that a test needs, made over the API as its actors would."""

import asyncio
import collections
import contextlib
import itertools
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import asyncpg
import httpx
import jwt
import msgspec
import pytest
from click.testing import CliRunner, Result

from ecard.cards.sandbox import AREA, FACE_PASSED
from ecard.catalogue.model import Scene
from ecard.cli import group
from ecard.client import Channel, Operator, Phone, Refused, Session, Terminal
from ecard.client.actors import new_signer
from ecard.denied import STALE
from ecard.ids import new_id
from ecard.keyring.model import Purpose
from ecard.keys import Signer, Suite, thumbprint, to_jwk
from ecard.migrations.script import upgrade
from ecard.numbers import resident_id, uscc
from ecard.runtime import open_runtime
from ecard.settings import Settings
from ecard.signatures import Call
from qr.model import step_at
from qr.schemas import ShownCode
from qr.service import Showing, make

PASSWORD = "193746"
_counter = itertools.count(secrets.randbelow(10**6) * 1000)


class Person(NamedTuple):
    """A fictitious person with a physical card; the fields are those of `POST /v1/holders`."""

    facts: dict[str, str]

    @property
    def applicant(self) -> dict[str, str]:
        """What the person gives to be issued the e-card."""
        named = {key: self.facts[key] for key in ("name", "id_no", "card_no")}
        return {**named, "password": PASSWORD, "face": FACE_PASSED}


def new_person(**changed: str) -> Person:
    """Return a person who did not exist before."""
    n = next(_counter)
    seventeen = f"{AREA}{1950 + n % 50}{1 + n // 50 % 12:02d}{1 + n // 600 % 28:02d}{n // 16800 % 1000:03d}"
    facts = {
        "name": f"测试{chr(0x4E00 + n % 5000)}",
        "id_no": seventeen + resident_id.check_digit(seventeen),
        "card_no": f"T{n % 10**8:08d}",
        "issuing_area": "640100",
        "mobile": "13900000000",
        "bank_name": "测试银行",
        "bank_account": "6299990000000000004",
    }
    return Person({**facts, **changed})


def new_uscc() -> str:
    """Return a unified social credit code that did not exist before."""
    seventeen = f"12110000{next(_counter) % 10**9:09d}"
    return seventeen + uscc.check_digit(seventeen)


@contextlib.contextmanager
def refused(code: str, status: int | None = None) -> Iterator[pytest.ExceptionInfo[Refused]]:
    """Expect a problem with this `code` (and HTTP status, if given)."""
    with pytest.raises(Refused) as refusal:
        yield refusal
    assert (refusal.value.code, refusal.value.status) == (code, status or refusal.value.status)


def outcomes(acts: Sequence[Callable[[], object]]) -> collections.Counter[str]:
    """Do all `acts` at once, each in a thread; count "ok" and the codes of refusals."""
    gate, found = threading.Barrier(len(acts)), list[str]()

    def run(act: Callable[[], object]) -> None:
        gate.wait()
        try:
            act()
            found.append("ok")
        except Refused as refusal:
            found.append(refusal.code)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return collections.Counter(found)


def soon(condition: Callable[[], bool]) -> bool:
    """Say whether the condition comes true within the seconds that word of a change may take."""
    deadline = time.monotonic() + STALE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def within(seconds: float, act: Callable[[], object], code: str) -> None:
    """Repeat `act` until it is refused with `code`; fail when it still goes through after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if outcomes([act])["ok"] == 0:
            with refused(code):
                act()
            return
        time.sleep(0.02)
    pytest.fail(f"still not refused with {code} after {seconds} s")


def send(session: Session, method: str, path: str, content: bytes, *, key: str | None = None) -> httpx.Response:
    """Return the answer of a signed call as it is, good or bad; the body is `content`, to the byte."""
    headers = session.sign(Call(method, path, "", content, key))
    return session.http.request(method, path, content=content, headers={**headers, "Content-Type": "application/json"})


def visit_body(item: str, code: str) -> bytes:
    """Return the body of a visit."""
    return msgspec.json.encode({"item": item, "evidence": {"kind": "code", "code": code}})


def key_set(*signers: Signer) -> dict[str, list[dict[str, str]]]:
    """Return the public keys of `signers` as a JWK set; each is named by its thumbprint."""
    named = [(thumbprint(one.suite, one.public), to_jwk(one.suite, one.public)) for one in signers]
    return {"keys": [{**jwk, "kid": kid} for kid, jwk in named]}


def rows(settings: Settings, sql: str, *arguments: object) -> list[Any]:
    """Return what `sql` finds, past the application."""

    async def fetch() -> list[Any]:
        connection = await asyncpg.connect(settings.database_url)
        try:
            return list(await connection.fetch(sql, *arguments))
        finally:
            await connection.close()

    return asyncio.run(fetch())


def new_database(settings: Settings) -> Settings:
    """Return the same settings on a new, empty database with the newest schema."""
    name = f"test_{new_id().hex}"
    server = str(settings.database_url).rpartition("/")[0]
    rows(settings, f"CREATE DATABASE {name} TEMPLATE {_blank(server, settings)}")
    return msgspec.structs.replace(settings, database_url=f"{server}/{name}")


_blanks: dict[str, str] = {}


def _blank(server: str, settings: Settings) -> str:
    """Return a database with nothing but the newest schema, made once on each server: to be copied."""
    if server not in _blanks:
        name = f"blank_{new_id().hex}"
        rows(settings, f"CREATE DATABASE {name}")
        upgrade(f"{server}/{name}")
        _blanks[server] = name
    return _blanks[server]


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment that makes `ecard` use these settings."""
    return {
        "ECARD_DATA_DIR": str(settings.data_dir),
        "ECARD_DATABASE_URL": str(settings.database_url),
        "ECARD_REDIS_URL": str(settings.redis_url),
        "ECARD_MASTER_KEY": settings.master_key.hex(),
        "ECARD_ISSUER": settings.issuer,
        "ECARD_SANDBOX": "1",
    }


def ecard(settings: Settings, *arguments: str) -> Result:
    """Run the command line in this process, on the stores of `settings`."""
    return CliRunner().invoke(group, list(arguments), env=environment(settings))


def code_of_step(settings: Settings, phone: Phone, ahead: int, scene: Scene = Scene.IDENTITY) -> ShownCode:
    """Return a code of `phone` for the step `ahead` of now (negative: a past one), as the issuer signs it."""

    async def sign() -> ShownCode:
        runtime = await open_runtime(settings, pool_size=1)
        try:
            device = await runtime.pool.fetchrow("SELECT card, seq FROM device WHERE actor = $1", phone.actor)
            key = runtime.ring.signing(Purpose.CODE, runtime.clock.time())
            showing = Showing(device["card"], device["seq"], 0, own=True)
            return make(runtime, key, showing, scene, step_at(runtime.clock.time()) + ahead, 1)[0]
        finally:
            await runtime.close()

    return asyncio.run(sign())


class RegisteredClient(NamedTuple):
    """A client as its owner knows it: its secret or its private key, None for what it does not have."""

    client_id: str
    secret: str | None
    signer: Signer | None


class Bureau:
    """An agency with terminals, a channel, and operators of each role."""

    def __init__(self, base_url: str, operators: dict[str, tuple[str, Signer]]) -> None:
        self.base_url = base_url
        self.settings: Settings | None = None
        """Those of the server, where a test must look past it."""
        self.http = httpx.Client(base_url=base_url, timeout=30)
        self.operators = {role: Operator(self.http, *key) for role, key in operators.items()}
        self.registrar = self.operators["registrar"]
        self.cards = self.operators["cards"]
        self.security = self.operators["security"]
        self.finance = self.operators["finance"]
        self.training = self.operators["training"]
        self.reviewer = self.operators["reviewer"]
        self.agency = self.registrar.register_agency("测试人社局", new_uscc())
        self.terminals: dict[str, Terminal] = {}
        self.channel: Channel = self.registrar.register_channel("掌上测试", "hrss")
        self.issuer = self.jwt_issuer()

    def jwt_issuer(self) -> str:
        """Return the `iss` of this server, as its bundle says."""
        bundle = self.http.get("/v1/bundle").json()["bundle"]
        claims: dict[str, Any] = jwt.decode(bundle, options={"verify_signature": False})
        return str(claims["iss"])

    def terminal(self, setting: str = "counter") -> Terminal:
        """Return the bureau's terminal of this setting."""
        if setting not in self.terminals:
            self.terminals[setting] = self.registrar.register_terminal(self.agency, setting)
        return self.terminals[setting]

    def register(self, **changed: str) -> Person:
        """Return a new person with a physical card."""
        person = new_person(**changed)
        self.cards.register_holder(**person.facts)
        return person

    def phone(
        self,
        person: Person | None = None,
        *,
        level: int = 1,
        suite: Suite = Suite.ES256,
        channel: Channel | None = None,
        password: str = PASSWORD,
    ) -> Phone:
        """Return the phone of a person (a new one by default) with the e-card issued at `level` in a channel."""
        person = person or self.register()
        phone = (channel or self.channel).issue(
            self.issuer, signer=new_signer(suite), **{**person.applicant, "password": password}
        )
        if level == 2:
            phone.open_payment(PASSWORD)
        return phone

    def counter_of_another_agency(self) -> Terminal:
        """Return the counter of an agency that is not the bureau's."""
        return self.registrar.register_terminal(self.registrar.register_agency("测试医保局", new_uscc()), "counter")

    def add_relative(self, phone: Phone, person: Person, relation: str = "elder") -> str:
        """Bind `person` as a relative whose card `phone` may show; return the relative's id."""
        body = {key: person.facts[key] for key in ("name", "id_no", "card_no")}
        body |= {"relation": relation, "face": FACE_PASSED, "busi_seq": phone.prove(PASSWORD)}
        return str(phone.call("POST", "/v1/me/relatives", body).json()["id"])

    def client(
        self,
        *,
        profile: str = "fapi2",
        auth_method: str = "private_key_jwt",
        items: Sequence[str] = ("A1-01",),
        grant_types: Sequence[str] = ("authorization_code", "refresh_token"),
        redirect_uris: Sequence[str] = ("https://client.example/callback",),
        **more: object,
    ) -> RegisteredClient:
        """Return a new sandbox client of the bureau's agency; `more` are other fields of its registration."""
        body: dict[str, Any] = {
            "name": "网上办事大厅",
            "agency": self.agency,
            "profile": profile,
            "auth_method": auth_method,
            "items": items,
            "grant_types": grant_types,
            "redirect_uris": redirect_uris,
            "sandbox": True,
        }
        signer = new_signer() if auth_method == "private_key_jwt" else None
        if signer is not None and "jwks_uri" not in more:
            body["jwks"] = key_set(signer)
        made = self.registrar.call("POST", "/v1/clients", {**body, **more}).json()
        return RegisteredClient(made["client_id"], made.get("client_secret"), signer)
