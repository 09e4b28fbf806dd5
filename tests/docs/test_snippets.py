"""What the documents say is so: commands exist, the program runs, tables and pictures are the code's own."""

import asyncio
import itertools
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import httpx
import pytest

from cardio.bridge.cli import main as bridge
from ecard import settings as settings_module
from ecard.audit import service as audit
from ecard.cli import group
from ecard.cli.classroom import BOOKS, teach
from ecard.cli.story import Cast, tell
from ecard.runtime import open_runtime
from ecard.seals import head_of
from ecard.settings import Settings
from tests.bureau import Bureau
from tests.bureau import rows as found
from tests.conftest import serving
from tests.docs.pages import PAGES, ROOT, blocks, page, rows, section

NAMES = [str(path.relative_to(ROOT)) for path in PAGES]
ECARD = ".venv/bin/ecard"
BRIDGE = ".venv/bin/ecard-bridge"
PROGRAMS: dict[str, click.Group] = {"ecard": group, ECARD: group, "ecard-bridge": bridge, BRIDGE: bridge}
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def command_lines(text: str) -> list[list[str]]:
    """Return the lines of the shell blocks as words, comments left out."""
    lines = "".join(blocks(text, "sh")).splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def mentions(text: str) -> list[list[str]]:
    """Return the code spans in running text as words."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [span.split() for span in re.findall(r"`([^`\n]+)`", prose)]


def slug(heading: str) -> str:
    """Return the anchor of a heading as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def leaves(program: str, words: list[str]) -> list[tuple[click.Command, list[str]]]:
    """Return the commands of a program that `words` name, with what follows; alternatives are written a|b."""
    reached: list[tuple[click.Command, list[str]]] = [(PROGRAMS[program], words)]
    while any(isinstance(command, click.Group) and rest and rest[0][0] != "-" for command, rest in reached):
        deeper: list[tuple[click.Command, list[str]]] = []
        for command, rest in reached:
            assert isinstance(command, click.Group), words
            for name in rest[0].split("|"):
                inner = command.get_command(click.Context(command), name)
                assert inner is not None, words
                deeper.append((inner, rest[1:]))
        reached = deeper
    return reached


@pytest.mark.parametrize("name", NAMES)
def test_every_command_in_a_shell_block_is_taken_as_it_stands(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    for needed in (
        "bundle.json",
        "keys.json",
        "bank.jwk",
        "receipt.json",
        "record.json",
        "badge.jwt",
        "certificates.json",
        "docs/errors.md",
    ):
        Path(needed).touch()
    for words in command_lines(page(name)):
        if words[0] in PROGRAMS:
            arguments = words[1 : words.index(">")] if ">" in words else words[1:]
            for command, rest in leaves(words[0], arguments):
                if rest != ["--help"]:
                    command.make_context(command.name, list(rest))
        elif words[0] == "make":
            assert words[1] in TARGETS, words
        elif words[0] == "bash":
            assert (ROOT / words[1]).exists(), words


@pytest.mark.parametrize("name", NAMES)
def test_every_command_that_is_mentioned_exists_with_its_options(name: str) -> None:
    for words in mentions(page(name)):
        if words[0] in PROGRAMS and len(words) > 1:
            for command, rest in leaves(words[0], words[1:]):
                known = {option for parameter in command.params for option in parameter.opts}
                assert {word for word in rest if word.startswith("--")} <= known, words
        elif words[0] == "make" and len(words) > 1:
            assert words[1] in TARGETS, words


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_to_a_file_and_a_heading(name: str) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)]+)\)", page(name)):
        path, _, anchor = target.partition("#")
        place = (ROOT / name).parent / path if path else ROOT / name
        assert place.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", place.read_text("utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), target


@pytest.mark.parametrize("name", NAMES)
def test_every_path_that_is_named_exists(name: str) -> None:
    for path in re.findall(r"`((?:ecard|auth|qr|tests|docs|openapi|\.ci)/[\w./-]*)`", page(name)):
        assert (ROOT / path).exists() or "0003_name" in path, path


def test_the_readmes_program_prints_what_the_readme_says(settings: Settings, base_url: str, tmp_path: Path) -> None:
    part = section(page("README.md"), "## 首次调用")
    [program], [printed] = blocks(part, "python"), blocks(part, "text")
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "ECARD_DATA_DIR": str(tmp_path / "var"),
        "ECARD_DATABASE_URL": str(settings.database_url),
        "ECARD_REDIS_URL": str(settings.redis_url),
        "ECARD_MASTER_KEY": settings.master_key.hex(),
        "ECARD_ISSUER": settings.issuer,
        "ECARD_SANDBOX": "1",
        "ECARD_URL": base_url,
    }
    (tmp_path / "first_calls.py").write_text(program, "utf-8")
    called = {ECARD: [sys.executable, "-m", "ecard.cli"], ".venv/bin/python": [sys.executable]}
    for words in command_lines(part):
        done = subprocess.run(
            [*called[words[0]], *words[1:]],
            cwd=tmp_path,
            env=environment,
            check=False,
            capture_output=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout == printed


@pytest.mark.usefixtures("bank")
def test_the_demo_prints_what_the_readme_says(bureau: Bureau, settings: Settings) -> None:
    # A server of its own: the bundle that the session's one made last may be older than the story's loss.
    with serving(settings) as url, httpx.Client(base_url=url, timeout=30) as http:
        auditor = bureau.security.register_operator("复审员", "training")
        people = (bureau.registrar, bureau.cards, bureau.finance, bureau.training, auditor)
        where = (bureau.channel, bureau.terminal(), str(bureau.agency), http, bureau.issuer)
        steps = itertools.chain(tell(cast := Cast(*people, *where)), teach(cast), [BOOKS])
        told = [f"✓ {n:>2} {step.actor}  {step.zh}\n        {step.en}\n" for n, step in enumerate(steps, 1)]
    [shown] = blocks(section(page("README.md"), "## 演示输出"), "text")
    assert re.fullmatch(re.escape(shown).replace("…", ".*"), "".join(told)), told


def test_the_readmes_settings_are_those_that_are_read() -> None:
    written = {row[0].strip("`"): row[2].strip("`") for row in rows(section(page("README.md"), "## 设置"))}
    read = {row[0]: row[2] for row in rows(settings_module.__doc__ or "")}
    assert list(written) == list(read)
    plain = {name: default for name, default in read.items() if re.fullmatch(r"[\w`]+", default)}
    assert len(plain) == 4
    assert {name: written[name] for name in plain} == {name: default.strip("`") for name, default in plain.items()}


def test_the_layers_that_are_drawn_are_those_that_are_enforced() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    drawn = blocks(section(page("docs/architecture.md"), "## Layers"), "text")
    enforced = [one["layers"] for one in contracts if "layers" in one]
    assert sorted(block.splitlines() for block in drawn) == sorted(enforced)


def test_the_query_for_heads_gives_what_bundles_repeat(bureau: Bureau, settings: Settings) -> None:
    bureau.register()

    async def seal() -> None:
        runtime = await open_runtime(settings, pool_size=1)
        await audit.seal(runtime.pool, runtime.ring, runtime.clock, settings.issuer)
        await runtime.close()

    asyncio.run(seal())
    [query] = blocks(section(page("docs/operating.md"), "## Audit log"), "sql")
    tokens = {row["seq"]: row["token"] for row in found(settings, "SELECT seq, token FROM audit_seal")}
    heads = {row["seq"]: row["head"] for row in found(settings, query) if row["seq"] in tokens}
    assert tokens
    assert heads == {seq: head_of(token) for seq, token in tokens.items()}
