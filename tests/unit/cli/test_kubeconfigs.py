"""kubeconfig get, revoke: what is written, where, and what is left alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubecarrier.cli import yamlio
from tests.unit.cli.conftest import Run
from tests.unit.cli.portal import Portal, Reply, document

ID = "5f0c1c3e-6d0b-4a4e-9d0b-2f5c8a1b7e11"
NAME = "kubecarrier-eu"


def handed_out(bearer: str = "first") -> dict[str, Any]:
    mark = {"kubeconfig": ID, "expiresAt": "2030-01-01T00:00:00+00:00"}
    context = {
        "cluster": NAME, "user": NAME, "extensions": [{"name": "kubecarrier.io", "extension": mark}],
    }  # fmt: skip
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": NAME,
        "clusters": [{"name": NAME, "cluster": {"server": "https://eu.example:6443"}}],
        "contexts": [{"name": NAME, "context": context}],
        "users": [{"name": NAME, "user": {"token": bearer}}],
    }


def theirs(name: str = "prod") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {"colors": True},
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": "https://prod.example"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "users": [{"name": name, "user": {"exec": {"command": "aws", "args": ["eks"]}}}],
    }


@pytest.fixture(autouse=True)
def _answers(portal: Portal) -> None:
    portal.on("POST /clusters/eu/kubeconfig", Reply(201, handed_out()))
    portal.on(f"GET /kubeconfigs/{ID}", Reply(body=document("Kubeconfig", ID)))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_alone_on_stdout(portal: Portal, run: Run) -> None:
    result = run("kubeconfig", "get", "eu", "--duration", "1h30m")
    assert result.exit_code == 0, result.stderr
    assert yamlio.load(result.stdout, "stdout") == handed_out()
    assert ID in result.stderr
    (sent,) = portal.requests("POST", "/clusters/eu/kubeconfig")
    assert sent.body == {"expirationSeconds": 5400}


def test_a_file_is_its_owner_s_alone(
    portal: Portal, run: Run, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before = os.umask(0)
    request.addfinalizer(lambda: os.umask(before))
    target = tmp_path / "new" / "eu.yaml"
    assert run("kubeconfig", "get", "eu", "-f", str(target)).exit_code == 0
    assert mode(target) == 0o600
    assert yamlio.load(target.read_text(), "file") == handed_out()
    # One of ours is replaced, somebody else's is not.
    portal.on("POST /clusters/eu/kubeconfig", Reply(201, handed_out("second")))
    assert run("kubeconfig", "get", "eu", "-f", str(target)).exit_code == 0
    assert "second" in target.read_text()
    target.write_text(yaml.safe_dump(theirs()))
    asked = len(portal.requests("POST"))
    result = run("kubeconfig", "get", "eu", "-f", str(target))
    assert (result.exit_code, "--merge" in result.stderr) == (1, True)
    assert len(portal.requests("POST")) == asked
    assert list(target.parent.iterdir()) == [target]


def test_merge_touches_what_is_ours_only(portal: Portal, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "config"
    target.write_text(yaml.safe_dump(theirs()))
    target.chmod(0o644)
    for token in ("first", "second"):
        portal.on("POST /clusters/eu/kubeconfig", Reply(201, handed_out(token)))
        result = run("kubeconfig", "get", "eu", "--merge", "-f", str(target))
        assert result.exit_code == 0, result.stderr
    found = yaml.safe_load(target.read_text())
    assert found["current-context"] == NAME
    assert found["preferences"] == {"colors": True}
    for plural in ("clusters", "contexts", "users"):
        assert [one["name"] for one in found[plural]] == ["prod", NAME]
        assert found[plural][0] == theirs()[plural][0]
    assert found["users"][1]["user"] == {"token": "second"}
    assert mode(target) == 0o600


def test_merge_goes_where_kubectl_looks(
    portal: Portal, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "mine"
    monkeypatch.setenv("KUBECONFIG", str(target))
    assert run("kubeconfig", "get", "eu", "--merge").exit_code == 0
    assert yamlio.load(target.read_text(), "file") == handed_out()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (yaml.safe_dump(theirs(NAME)), "not of this portal"),
        ("just: [a, list", "line"),
        ("- no\n- mapping\n", "not a kubeconfig"),
    ],
)
def test_what_cannot_be_merged_asks_for_nothing(
    portal: Portal, run: Run, tmp_path: Path, text: str, said: str
) -> None:
    target = tmp_path / "config"
    target.write_text(text)
    result = run("kubeconfig", "get", "eu", "--merge", "-f", str(target))
    assert (result.exit_code, said in result.stderr) == (1, True), result.stderr
    assert portal.requests("POST") == []
    assert target.read_text() == text


def test_kubectl_s_lock_is_respected(portal: Portal, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "config"
    target.write_text(yaml.safe_dump(theirs()))
    lock = tmp_path / "config.lock"
    lock.touch()
    result = run("kubeconfig", "get", "eu", "--merge", "-f", str(target))
    assert (result.exit_code, str(lock) in result.stderr) == (1, True)
    assert yaml.safe_load(target.read_text()) == theirs()
    lock.unlink()
    assert run("kubeconfig", "get", "eu", "--merge", "-f", str(target)).exit_code == 0
    assert not lock.exists()


def test_a_dry_run_writes_nothing(portal: Portal, run: Run, tmp_path: Path) -> None:
    portal.on(
        "POST /clusters/eu/kubeconfig", Reply(200, {"cluster": "eu", "expirationSeconds": 600})
    )
    target = tmp_path / "x"
    result = run("kubeconfig", "get", "eu", "--dry-run", "-f", str(target))
    assert (result.exit_code, target.exists()) == (0, False)
    (sent,) = portal.requests("POST")
    assert sent.query["dryRun"] == "All"


@pytest.mark.parametrize("wrong", ["0", "-1h", "1y", "soon"])
def test_a_duration_is_one(portal: Portal, run: Run, wrong: str) -> None:
    assert run("kubeconfig", "get", "eu", f"--duration={wrong}").exit_code == 2
    assert portal.requests("POST") == []


def test_revoke_by_id_or_by_the_only_one_of_a_cluster(portal: Portal, run: Run) -> None:
    portal.on(f"DELETE /kubeconfigs/{ID}", Reply(202, document("Kubeconfig", ID)))
    assert run("kubeconfig", "revoke", ID, "-y").exit_code == 0
    portal.on("GET /whoami", Reply(body={"username": "ann"}))
    live = document("Kubeconfig", ID, status={"endedAt": None, "revokedAt": None})
    gone = document("Kubeconfig", ID.replace("5", "6"), status={"endedAt": "2026-01-01T00:00:00Z"})
    portal.on(
        "GET /kubeconfigs", Reply(body={"metadata": {"continue": None}, "items": [live, gone]})
    )
    result = run("kubeconfig", "revoke", "eu", "-y")
    assert result.exit_code == 0, result.stderr
    assert "being revoked" in result.stdout
    assert len(portal.requests("DELETE", f"/kubeconfigs/{ID}")) == 2
    portal.on("GET /kubeconfigs", Reply(body={"metadata": {"continue": None}, "items": [gone]}))
    assert run("kubeconfig", "revoke", "eu", "-y").exit_code == 3


def test_the_portal_s_own_account_on_a_cluster(portal: Portal, run: Run) -> None:
    portal.on("GET /clusters/eu/account-manifest", Reply(body={"manifest": "# why\nkind: List\n"}))
    assert run("cluster", "account-manifest", "eu").stdout == "# why\nkind: List\n"
    answer = {"object": document("Cluster", "eu"), "operation": None}
    portal.on("POST /clusters/eu/exchange", Reply(202, answer))
    portal.on("GET /clusters/eu", Reply(body=document("Cluster", "eu")))
    result = run("cluster", "exchange", "eu", "-y")
    assert (result.exit_code, "credential exchanged" in result.stdout) == (0, True), result.stderr
