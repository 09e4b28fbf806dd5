"""The control endpoint, on the loopback alone: how the bank is told to fail, and how its book is read.

| request | does |
|---|---|
| `PUT /clients` `{key: JWK}` | lets this key call the bank |
| `POST /faults` (`faults.Fault`) | adds a fault to the script |
| `DELETE /faults` | all is well again |
| `GET /faults` | what is still to come, and how often each kind was met |
| `PUT /notices` (`notices.Notices`) | where and how decisions are notified |
| `POST /next-day` | ends the business day: what was pending is booked |
| `PUT /accounts` `{account: 分}` | says what is on accounts |
| `GET /book` | every reference (`book.Tx`), what is on the accounts, the day |
| `GET /book?ref` | one reference, or null |
| `GET /statement?day` | the day file, as `POST /v1/statements` gives it to a client |
"""

from collections.abc import Callable
from typing import Any

import msgspec

from ecard.keys import from_jwk, to_jwk, verifier
from pay.banks.simulator import statement
from pay.banks.simulator.book import Book
from pay.banks.simulator.desk import Counter
from pay.banks.simulator.faults import Fault, Script
from pay.banks.simulator.line import Asked, Gone, Reply
from pay.banks.simulator.notices import Notices, Notifier

CLIENTS = "clients"


class Client(msgspec.Struct, forbid_unknown_fields=True):
    """A key that may call the bank."""

    key: dict[str, str]


class Control:
    """Answers what comes in on the loopback's port."""

    def __init__(self, counter: Counter, notifier: Notifier) -> None:
        self._counter = counter
        self._notifier = notifier
        self._book: Book = counter.book
        self._script: Script = counter.script
        known = msgspec.json.decode(self._book.meta(CLIENTS) or b"[]", type=list[dict[str, str]])
        for jwk in known:
            self._admit(jwk)
        self._known = known
        self._does: dict[str, Callable[[str, bytes], Any]] = {
            "PUT /clients": lambda _, body: self._let_in(msgspec.json.decode(body, type=Client).key),
            "POST /faults": lambda _, body: self._script.faults.append(msgspec.json.decode(body, type=Fault)),
            "DELETE /faults": lambda _, __: self._script.clear(),
            "GET /faults": lambda _, __: {"to_come": self._script.faults, "met": self._script.met},
            "PUT /notices": lambda _, body: self._notify(msgspec.json.decode(body, type=Notices)),
            "GET /notices": lambda _, __: {"how": self._notifier.how, "sent": self._notifier.sent},
            "POST /next-day": lambda _, __: {"day": self._book.next_day()},
            "PUT /accounts": lambda _, body: self._set(msgspec.json.decode(body, type=dict[str, int])),
            "GET /book": lambda ref, _: self._looked_up(ref),
            "GET /statement": lambda day, _: self._statement(day or self._book.day),
        }

    async def answer(self, asked: Asked) -> Reply | Gone:
        """Return the answer to a request."""
        path, _, query = asked.path.partition("?")
        does = self._does.get(f"{asked.method} {path}")
        if does is None:
            return Reply(b'{"error":"unknown"}', 404)
        try:
            done = does(query, asked.body)
        except (msgspec.DecodeError, ValueError):
            return Reply(b'{"error":"malformed"}', 400)
        return Reply(done if isinstance(done, bytes) else msgspec.json.encode(done))

    def _notify(self, how: Notices) -> None:
        self._notifier.how = how

    def _set(self, amounts: dict[str, int]) -> None:
        for account, amount in amounts.items():
            self._book.set_balance(account, amount)

    def _statement(self, day: str) -> bytes:
        return statement.render(self._counter.name, day, self._book.lines(day))

    def _looked_up(self, ref: str) -> Any:
        if ref:
            found = self._book.find(ref)
            return found._asdict() if found else None
        transactions = [tx._asdict() for tx in self._book.transactions()]
        return {"day": self._book.day, "transactions": transactions, "balances": self._book.balances()}

    def _let_in(self, jwk: dict[str, str]) -> None:
        self._admit(jwk)
        if jwk not in self._known:
            self._known.append(jwk)
            self._book.keep(CLIENTS, msgspec.json.encode(self._known))

    def _admit(self, jwk: dict[str, str]) -> None:
        suite, public = from_jwk(jwk)
        if to_jwk(suite, public) == jwk:
            self._counter.clients.append(verifier(suite, public))
