"""`ecard demo`: the main job, played against a real server, and that it would notice a fault."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import msgspec
import pytest

from ecard.cli.story import Cast, tell
from ecard.client import Channel, Operator, Terminal
from ecard.settings import Settings
from tests.bureau import Bureau, ecard, new_database
from tests.conftest import serving

STEPS = 12
ALL = STEPS + 8 + 1
"""With those of a training voucher, and the books."""


@pytest.fixture
def cast(bureau: Bureau, settings: Settings) -> Iterator[Cast]:
    """The actors, at a server that has made no bundle yet."""
    with serving(settings) as url, httpx.Client(base_url=url, timeout=30) as http:
        yield Cast(
            Operator(http, bureau.registrar.actor, bureau.registrar.signer),
            Operator(http, bureau.cards.actor, bureau.cards.signer),
            Operator(http, bureau.finance.actor, bureau.finance.signer),
            Operator(http, bureau.training.actor, bureau.training.signer),
            Operator(http, bureau.training.actor, bureau.training.signer),
            Channel(http, bureau.channel.actor, bureau.channel.signer),
            Terminal(http, bureau.terminal().actor, bureau.terminal().signer),
            str(bureau.agency),
            http,
            settings.issuer,
        )


def test_the_main_job_is_told_by_its_four_actors(cast: Cast) -> None:
    steps = list(tell(cast))
    assert len(steps) == STEPS
    assert {step.actor.split()[-1] for step in steps} == {"agency", "phone", "counter", "operator", "everywhere"}
    assert all(step.zh and step.en for step in steps)
    [drawn] = [step for step in steps if step.drawing]
    assert len(drawn.drawing.splitlines()) > 20


def test_the_story_is_not_told_to_an_end_when_the_assertion_is_somebody_elses(cast: Cast) -> None:
    told = 0
    with pytest.raises(jwt.InvalidAudienceError):
        for told, _ in enumerate(tell(cast._replace(agency="another")), 1):  # noqa: B007 - counted until it stops
            pass
    assert 0 < told < STEPS


def test_the_story_is_not_told_to_an_end_when_a_lost_card_goes_on(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Operator, "set_card_status", lambda *_: None)
    with pytest.raises(Exception, match="refused with card_suspended"):
        list(tell(cast))


def test_the_demonstration_ends_by_itself_without_a_terminal_and_runs_again(settings: Settings, tmp_path: Path) -> None:
    own = msgspec.structs.replace(new_database(settings), data_dir=tmp_path, issuer="http://127.0.0.1:8600")
    for _ in range(2):
        result = ecard(own, "demo", "--port", "0")
        assert result.exit_code == 0, result.output
        assert len(re.findall(r"^✓", result.output, re.MULTILINE)) == ALL
        assert "Everything holds." in result.output
