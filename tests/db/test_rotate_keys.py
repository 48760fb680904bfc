"""Sealing anew: everything under the first key, whatever interrupts it."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from fleet.models import Cluster
from kubecarrier.lib import crypto
from kubecarrier.management.commands import rotate_keys

pytestmark = pytest.mark.django_db

OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> Settings:
    settings.KUBECARRIER_ENCRYPTION_KEYS = {"old": OLD}
    return settings


def clusters(count: int) -> list[Cluster]:
    made = []
    for number in range(count):
        row = Cluster(name=f"c{number}", server="https://example.org")
        crypto.seal(row, "credential", f"secret {number}")
        row.save()
        made.append(row)
    return made


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rotate_keys", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def secrets() -> list[str]:
    return [crypto.reveal(row, "credential") for row in Cluster.objects.order_by("name")]


def test_everything_is_sealed_with_the_first_key(
    keys: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate_keys, "_BATCH", 2)
    clusters(5)
    Cluster(name="empty", server="https://example.org").save()
    keys.KUBECARRIER_ENCRYPTION_KEYS = {"new": NEW, "old": OLD}
    with pytest.raises(CommandError, match="5 rows are under old keys"):
        run("--check")
    assert "fleet.Cluster.credential: 5 sealed anew, 0 unreadable" in run()
    assert "fleet.Cluster.credential: 0 under old keys" in run("--check")
    assert "fleet.Cluster.credential: 0 sealed anew" in run()
    keys.KUBECARRIER_ENCRYPTION_KEYS = {"new": NEW}
    assert secrets() == ["secret 0", "secret 1", "secret 2", "secret 3", "secret 4", ""]


def test_an_interrupted_run_goes_on(keys: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotate_keys, "_BATCH", 1)
    clusters(3)
    keys.KUBECARRIER_ENCRYPTION_KEYS = {"new": NEW, "old": OLD}
    original, calls = rotate_keys._seal_anew, []

    def interrupted(row: Cluster, column: str) -> int:
        calls.append(row)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(row, column)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(rotate_keys, "_seal_anew", interrupted)
        run()
    assert "2 sealed anew" in run()
    assert secrets() == ["secret 0", "secret 1", "secret 2"]


def test_rows_that_do_not_open_are_named_and_passed_over(keys: Settings) -> None:
    first, _ = clusters(2)
    keys.KUBECARRIER_ENCRYPTION_KEYS = {"lost": b"l" * 32}
    crypto.seal(first, "credential", "unknown")
    first.save()
    keys.KUBECARRIER_ENCRYPTION_KEYS = {"new": NEW, "old": OLD}
    with pytest.raises(CommandError, match="1 rows do not open"):
        run()
    assert secrets_of("c1") == "secret 1"


def secrets_of(name: str) -> str:
    return crypto.reveal(Cluster.objects.get(name=name), "credential")


def test_a_credential_that_changed_meanwhile_wins(keys: Settings) -> None:
    (row,) = clusters(1)
    keys.KUBECARRIER_ENCRYPTION_KEYS = {"new": NEW, "old": OLD}
    stale = Cluster.objects.get(pk=row.pk)
    crypto.seal(row, "credential", "fresh")
    row.save()
    assert rotate_keys._seal_anew(stale, "credential") == 0
    assert secrets() == ["fresh"]
