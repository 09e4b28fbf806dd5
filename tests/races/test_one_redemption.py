"""A voucher that is redeemed once: two worker processes, two institutions' servers, sixty-four requests at once."""

import asyncio
import itertools
import os
from collections import Counter
from typing import Any

import msgspec

from ecard.client import Operator, Phone, Terminal
from ecard.ids import new_id
from ecard.signatures import Call
from tests.races.lines import race, spread
from tests.races.server import Server, open_bureau
from tests.school import School, audit, join, scheme, second
from tests.training import FACE, Programme

RACERS = 64
ROUNDS = 100 if os.environ.get("ECARD_FULL_RACES") == "1" else 12
VOUCHERS_EACH = 20
"""Vouchers that one learner may have of the programme."""
PATH = "/v1/voucher-redemptions"


class Training:
    """What makes one audited voucher after another."""

    def __init__(self, school: School, programme: Programme, other: Operator) -> None:
        self.school, self.programme, self.other = school, programme, other
        self.phones: list[Phone] = []
        self.made = 0

    def audited(self) -> str:
        """Return a voucher that may be redeemed."""
        if self.made % VOUCHERS_EACH == 0:
            self.phones.append(self.school.bureau.phone())
        self.made += 1
        phone = self.phones[-1]
        voucher = str(self.programme.claim(phone)["id"])
        class_ = self.school.open(self.programme, fee=FACE)
        join(phone, class_, voucher)
        self.school.check_in(class_, phone.code("voucher"))
        completion = self.school.complete(class_, voucher)["id"]
        audit(self.school.bureau.training, completion)
        audit(self.other, completion)
        return voucher


def signed(server: Terminal, voucher: str) -> bytes:
    """Return a redemption, byte for byte as it goes on the wire."""
    content = msgspec.json.encode({"voucher": voucher})
    headers = server.sign(Call("POST", PATH, "", content, new_id().hex))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    length = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return f"POST {PATH} HTTP/1.1\r\nHost: races\r\n{head}{length}\r\n".encode() + content


def test_of_64_redemptions_one_is_paid_and_only_its_institution_hears_of_it(server: Server) -> None:
    bureau = open_bureau(server)
    school, stranger = School(bureau), School(bureau)
    programme = scheme(bureau, quantity=ROUNDS, per_person=VOUCHERS_EACH)
    training = Training(school, programme, second(bureau))
    servers = [school.terminal("online") for _ in range(RACERS // 4)]
    others = [stranger.terminal("online") for _ in range(RACERS // 16)]
    for one in (*servers, *others):
        one.open()
    # Each server asks several times, and a sixteenth of the requests come from where the voucher never was.
    asking = [*others, *itertools.islice(itertools.cycle(servers), RACERS - len(others))]
    redeemed: list[str] = []

    async def rounds() -> None:
        async with spread(server, RACERS) as groups:
            lines = list(itertools.chain(*zip(*groups, strict=True)))
            for _ in range(ROUNDS):
                voucher = training.audited()
                answers = await race(lines, [signed(one, voucher) for one in asking])
                counted = Counter(answer.problem for answer in answers)
                assert counted == {
                    "": 1,
                    "voucher_already_redeemed": RACERS - len(others) - 1,
                    "voucher_wrong_institution": len(others),
                }
                bodies: list[dict[str, Any]] = [msgspec.json.decode(answer.body) for answer in answers]
                winner = next(n for n, answer in enumerate(answers) if answer.status == 201)
                assert bodies[winner]["amount"] == FACE
                for answer, body in zip(answers, bodies, strict=True):
                    if answer.problem == "voucher_already_redeemed":
                        assert body["first_by"] == str(asking[winner].actor)
                    elif answer.problem:
                        assert not {"first_at", "first_by"} & body.keys()
                redeemed.append(voucher)

    asyncio.run(rounds())
    seen = {one["id"]: one for one in school.server.call("GET", "/v1/institution-vouchers").json()}
    assert {(seen[voucher]["state"], seen[voucher]["amount"]) for voucher in redeemed} == {("redeemed", FACE)}
    assert len(set(redeemed)) == ROUNDS
    assert stranger.server.call("GET", "/v1/institution-vouchers").json() == []
    server.command("ledger", "check")
    bureau.http.close()
