"""A bureau with everything that a test needs, made over the API as its actors would."""

import itertools
import secrets
from typing import Any, NamedTuple

import httpx

from ecard.cards.sandbox import AREA, FACE_PASSED
from ecard.client import Channel, Operator, Phone, Terminal
from ecard.keys import Signer, Suite
from ecard.numbers import resident_id, uscc

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


class Bureau:
    """An agency with terminals, a channel, and operators of each role."""

    def __init__(self, base_url: str, operators: dict[str, tuple[str, Signer]]) -> None:
        self.base_url = base_url
        self.http = httpx.Client(base_url=base_url, timeout=30)
        self.operators = {role: Operator(self.http, *key) for role, key in operators.items()}
        self.registrar = self.operators["registrar"]
        self.cards = self.operators["cards"]
        self.security = self.operators["security"]
        self.agency = self.registrar.register_agency("测试人社局", new_uscc())
        self.terminals: dict[str, Terminal] = {}
        self.channel: Channel = self.registrar.register_channel("掌上测试", "hrss")
        self.issuer = self.jwt_issuer()

    def jwt_issuer(self) -> str:
        """Return the `iss` of this server, as its bundle says."""
        import jwt

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

    def phone(self, person: Person | None = None, *, level: int = 1, suite: Suite = Suite.ES256) -> Phone:
        """Return the phone of a person (a new one by default) with the e-card issued at `level`."""
        from ecard.client.actors import new_signer

        person = person or self.register()
        phone = self.channel.issue(self.issuer, signer=new_signer(suite), **person.applicant)
        if level == 2:
            phone.open_payment(PASSWORD)
        return phone
