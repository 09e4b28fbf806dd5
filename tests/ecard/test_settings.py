"""Settings come from the environment, and a wrong one is named."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ecard.keys import Suite
from ecard.settings import SANDBOX_ISSUER, SettingsError, load

KEY = bytes(range(32)).hex()
PRODUCTION = {"ECARD_MASTER_KEY": KEY, "ECARD_ISSUER": "https://ecard.example"}


def test_outside_the_sandbox_key_and_issuer_are_enough() -> None:
    settings = load(PRODUCTION)
    assert settings.master_key == bytes(range(32))
    assert settings.issuer == "https://ecard.example"
    assert settings.suite is Suite.ES256
    assert settings.status_bits == 24
    assert (settings.database_url, settings.redis_url, settings.metrics_dir) == (None, None, None)
    assert settings.data_dir == Path("var")
    assert settings.sandbox is False


def test_every_variable_is_read() -> None:
    settings = load(
        {
            "ECARD_DATABASE_URL": "postgresql://u@h/d",
            "ECARD_REDIS_URL": "redis://h:1",
            "ECARD_DATA_DIR": "/srv/ecard",
            "ECARD_MASTER_KEY": KEY.upper(),
            "ECARD_ISSUER": "https://ecard.example/",
            "ECARD_SUITE": "EdDSA",
            "ECARD_STATUS_BITS": "30",
            "ECARD_PROXIES": "192.0.2.1, 10.0.0.0/8",
            "ECARD_CARD_HSM": "https://hsm.example/cards",
            "PROMETHEUS_MULTIPROC_DIR": "/run/metrics",
        }
    )
    assert settings.database_url == "postgresql://u@h/d"
    assert settings.redis_url == "redis://h:1"
    assert settings.data_dir == Path("/srv/ecard")
    assert settings.master_key == bytes(range(32))
    assert settings.issuer == "https://ecard.example"
    assert settings.suite is Suite.EDDSA
    assert settings.status_bits == 30
    assert settings.proxies == ("192.0.2.1", "10.0.0.0/8")
    assert settings.card_hsm == "https://hsm.example/cards"
    assert settings.metrics_dir == Path("/run/metrics")


def test_an_empty_url_means_the_embedded_store() -> None:
    settings = load({**PRODUCTION, "ECARD_DATABASE_URL": "", "ECARD_REDIS_URL": "", "PROMETHEUS_MULTIPROC_DIR": ""})
    assert (settings.database_url, settings.redis_url, settings.metrics_dir) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ECARD_CARD_HSM", "http://hsm.example"),
        ("ECARD_CARD_HSM", "hsm.example"),
        ("ECARD_PROXIES", "proxy.example"),
        ("ECARD_PROXIES", "10.0.0.1/8"),
        ("ECARD_MASTER_KEY", ""),
        ("ECARD_MASTER_KEY", KEY[:-2]),
        ("ECARD_MASTER_KEY", KEY + "00"),
        ("ECARD_MASTER_KEY", "g" * 64),
        ("ECARD_MASTER_KEY", "０" * 64),
        ("ECARD_ISSUER", ""),
        ("ECARD_ISSUER", "http://ecard.example"),
        ("ECARD_ISSUER", "ecard.example"),
        ("ECARD_SUITE", "es256"),
        ("ECARD_SUITE", "HS256"),
        ("ECARD_SUITE", "none"),
        ("ECARD_SUITE", ""),
        ("ECARD_STATUS_BITS", "14"),
        ("ECARD_STATUS_BITS", "32"),
        ("ECARD_STATUS_BITS", "25"),
        ("ECARD_STATUS_BITS", "-24"),
        ("ECARD_STATUS_BITS", "２４"),
        ("ECARD_STATUS_BITS", "24.0"),
        ("ECARD_STATUS_BITS", ""),
    ],
)
def test_a_wrong_value_is_refused_and_its_variable_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        load({**PRODUCTION, name: value})
    assert KEY[:20] not in str(refused.value)


@pytest.mark.parametrize("missing", PRODUCTION)
def test_outside_the_sandbox_there_is_no_default_for_a_secret_or_the_issuer(missing: str) -> None:
    with pytest.raises(SettingsError, match=missing):
        load({name: value for name, value in PRODUCTION.items() if name != missing})


@pytest.mark.parametrize("bits", ["16", "18", "24", "30"])
def test_an_even_number_of_status_bits_in_range_is_taken(bits: str) -> None:
    assert load({**PRODUCTION, "ECARD_STATUS_BITS": bits}).status_bits == int(bits)


def test_the_sandbox_makes_its_key_once_and_for_its_owner_only(tmp_path: Path) -> None:
    environ = {"ECARD_SANDBOX": "1", "ECARD_DATA_DIR": str(tmp_path / "deep" / "var")}
    first = load(environ)
    assert first.sandbox
    assert first.issuer == SANDBOX_ISSUER
    assert len(first.master_key) == 32
    assert load(environ).master_key == first.master_key
    made = tmp_path / "deep" / "var" / "master.key"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert [path.name for path in made.parent.iterdir()] == ["master.key"]
    elsewhere = load({**environ, "ECARD_DATA_DIR": str(tmp_path / "other")})
    assert elsewhere.master_key != first.master_key


def test_in_the_sandbox_a_given_key_comes_before_the_made_one(tmp_path: Path) -> None:
    settings = load({"ECARD_SANDBOX": "1", "ECARD_DATA_DIR": str(tmp_path), "ECARD_MASTER_KEY": KEY})
    assert settings.master_key == bytes(range(32))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", ["0", "", "true", "yes", "2"])
def test_only_a_plain_one_opens_the_sandbox(value: str) -> None:
    assert not load({**PRODUCTION, "ECARD_SANDBOX": value}).sandbox
    with pytest.raises(SettingsError):
        load({"ECARD_SANDBOX": value})


def test_workers_that_start_together_end_with_one_key(tmp_path: Path) -> None:
    script = "import sys; from ecard.settings import load; sys.stdin.read(1); print(load().master_key.hex())"
    environ = {**os.environ, "ECARD_SANDBOX": "1", "ECARD_DATA_DIR": str(tmp_path / "var"), "ECARD_MASTER_KEY": ""}
    started = [
        subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ)
        for _ in range(4)
    ]
    keys = {process.communicate(b"!")[0].strip() for process in started}
    assert [process.returncode for process in started] == [0] * 4
    assert len(keys) == 1
    assert len(keys.pop()) == 64
