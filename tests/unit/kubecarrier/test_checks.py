"""Each wrong setting has its id."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage
from pytest_django import Settings

from kubecarrier import checks

SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL;",
}


@pytest.fixture(autouse=True)
def sound(settings: Settings, tmp_path: Path) -> Settings:
    """Settings that no check complains about."""
    settings.KUBECARRIER_HOME = tmp_path
    settings.KUBECARRIER_HELM = "sh"
    settings.KUBECARRIER_ALLOW_LOOPBACK = False
    settings.KUBECARRIER_ALLOW_INSECURE_TLS = False
    settings.SECRET_KEY = "x" * 50
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.DEBUG = False
    settings.Q_CLUSTER = deepcopy(settings.Q_CLUSTER)
    return settings


def ids() -> list[str]:
    functions = (
        checks.check_queue,
        checks.check_keys,
        checks.check_exposure,
        checks.check_database,
        checks.check_machine,
        checks.check_intervals,
    )
    return short([message for function in functions for message in function()])


def short(messages: list[CheckMessage]) -> list[str]:
    return [str(message.id).removeprefix("kubecarrier.") for message in messages]


def sqlite(**options: Any) -> dict[str, Any]:
    merged = SQLITE_OPTIONS | options
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": "/srv/file", "OPTIONS": merged}


def test_sound_settings_are_silent() -> None:
    assert ids() == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": "other"}, "E001"),
        ({"ALT_CLUSTERS": {}}, "E001"),
        ({"retry": 120}, "E002"),
        ({"timeout": None}, "E002"),
        ({"queue_limit": 50}, "E003"),
        ({"orm": None}, "E004"),
        ({"max_attempts": 0}, "E005"),
        ({"ack_failures": False}, "E005"),
        ({"scheduler": True}, "W006"),
    ],
)
def test_queue(sound: Settings, change: dict[str, Any], expected: str) -> None:
    sound.Q_CLUSTER.update(change)
    assert ids() == [expected]


def test_each_queue_is_checked(sound: Settings) -> None:
    sound.Q_CLUSTER["ALT_CLUSTERS"]["helm"]["retry"] = 900
    assert ids() == ["E002"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("KUBECARRIER_ENCRYPTION_KEYS", {}, "E010"),
        ("KUBECARRIER_ENCRYPTION_KEYS", {"k": b"short"}, "E010"),
        ("SECRET_KEY", "short", "W011"),
        ("DEBUG", True, "W020"),
        ("KUBECARRIER_ALLOW_INSECURE_TLS", True, "W024"),
        ("KUBECARRIER_HELM", "no-such-program", "W041"),
        ("KUBECARRIER_HOME", "/no/such/folder", "E040"),
        ("KUBECARRIER_PROBE_SECONDS", 1, "E050"),
        ("KUBECARRIER_VERIFY_SECONDS", 0, "E050"),
        ("KUBECARRIER_HELM_SLOTS", 0, "E050"),
        ("KUBECARRIER_CALLS_PER_CLUSTER", -1, "E050"),
        ("KUBECARRIER_KUBECONFIG_MAX_SECONDS", 599, "E051"),
    ],
)
def test_single_settings(sound: Settings, name: str, value: Any, expected: str) -> None:
    setattr(sound, name, value)
    assert ids() == [expected]


def test_public_hosts_need_tls(sound: Settings) -> None:
    sound.ALLOWED_HOSTS = ["portal.example.org"]
    assert ids() == ["W022"]
    sound.SESSION_COOKIE_SECURE = sound.CSRF_COOKIE_SECURE = True
    assert ids() == []
    sound.KUBECARRIER_ALLOW_LOOPBACK = True
    assert ids() == ["W023"]
    sound.ALLOWED_HOSTS = ["*"]
    assert ids() == ["W021", "W023"]


def test_keys_that_others_can_read(tmp_path: Path) -> None:
    file = tmp_path / "secrets.env"
    file.touch(0o600)
    assert ids() == []
    file.chmod(0o644)
    assert ids() == ["W012"]


@pytest.mark.parametrize(
    "change",
    [{"transaction_mode": "DEFERRED"}, {"timeout": 5}, {"init_command": "PRAGMA synchronous=1;"}],
)
def test_sqlite_as_measured(change: dict[str, Any]) -> None:
    assert short(checks.database_problems(sqlite())) == []
    assert short(checks.database_problems(sqlite(**change))) == ["E030"]


def test_sqlite_on_a_network_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "filesystem_of", lambda path: "nfs4")
    assert short(checks.database_problems(sqlite())) == ["E031"]


def test_the_longest_mount_point_decides(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("a / ext4 rw 0 0\nb /srv nfs rw 0 0\nc /srv/fast xfs rw 0 0\n")
    assert checks.filesystem_of(Path("/srv/file"), mounts) == "nfs"
    assert checks.filesystem_of(Path("/srv/fast/file"), mounts) == "xfs"
    assert checks.filesystem_of(Path("/srvs/file"), mounts) == "ext4"
    assert checks.filesystem_of(Path("/file"), tmp_path / "none") == ""


def test_a_pool_does_not_survive_forks() -> None:
    engine = {"ENGINE": "django.db.backends.postgresql"}
    assert short(checks.database_problems(engine)) == []
    assert short(checks.database_problems(engine | {"OPTIONS": {"pool": True}})) == ["E032"]
