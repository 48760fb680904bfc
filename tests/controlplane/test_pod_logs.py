"""Logs of pods on a real API server: over REST, on the command line and as a page. kwok answers for the kubelet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from accounts.models import User
from accounts.services import tokens
from kubecarrier.cli.app import app
from kubecarrier.cli.commands import resource_logs
from tests.controlplane.test_resource_pages import at, console, text_of
from tests.controlplane.test_resources import deployment, deployments, one, soon
from tests.db.rights import person
from tests.portal import Portal
from tools.controlplane import ControlPlane

__all__ = ["console", "one"]
pytestmark = pytest.mark.django_db(transaction=True)
Json = dict[str, Any]

OLD = "2026-01-01T00:00:00.000000001Z"
NEW = "2026-01-01T00:00:00.100000000Z"
LINES = (
    (OLD, "began"),
    ("2026-01-01T00:00:00.000000002Z", "\x1b[31mred\x1b[0m <b>and bold</b>"),
    (NEW, "serves"),
)


@pytest.fixture
def written(cluster_one: ControlPlane) -> Iterator[Path]:
    """What every container of the cluster has written; the file as it was afterwards."""
    file = cluster_one.pod_log
    before = file.read_text()
    file.write_text("".join(f"{time} stdout F {text}\n" for time, text in LINES))
    yield file
    file.write_text(before)


@pytest.fixture
def pod(one: Portal, written: Path, namespace: str, cluster_one: ControlPlane, kubectl: Any) -> str:
    """A running pod."""
    one.call("post", deployments(namespace), deployment(namespace), code=201)
    running = (
        "get",
        "pods",
        "-n",
        namespace,
        "--field-selector=status.phase=Running",
        "-o",
        "name",
    )
    name = soon(lambda: kubectl(*running, cluster=cluster_one).strip())
    return str(name).splitlines()[0].removeprefix("pod/")


def log_of(portal: Portal, namespace: str, pod: str, query: str = "", code: int = 200) -> Json:
    path = f"clusters/one/resources/core/v1/pods/{namespace}/{pod}/log{query}"
    return portal.call("get", path, code=code)


def test_lines_come_with_their_times(one: Portal, namespace: str, pod: str) -> None:
    found = log_of(one, namespace, pod)
    assert [(line["time"], line["text"]) for line in found["lines"]] == list(LINES)
    assert (found["container"], found["truncated"]) == (found["containers"][0], False)
    assert [line["text"] for line in log_of(one, namespace, pod, "?tailLines=1")["lines"]] == [
        "serves"
    ]


def test_who_follows_gets_each_line_once(one: Portal, namespace: str, pod: str) -> None:
    after = log_of(one, namespace, pod, f"?sinceTime={LINES[1][0]}")
    assert [line["text"] for line in after["lines"]] == ["serves"]
    assert log_of(one, namespace, pod, f"?sinceTime={NEW}")["lines"] == []


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("?container=nope", "container_unknown", "container"),
        ("?tailLines=0", "parameter_invalid", "tailLines"),
        ("?tailLines=ten", "parameter_invalid", "tailLines"),
        ("?sinceTime=yesterday", "time_invalid", "sinceTime"),
        ("?sinceTime=2026-01-01T00:00:00Z&sinceSeconds=3", "parameter_invalid", "sinceSeconds"),
        ("?follow=true", "parameter_unknown", "follow"),
    ],
)
def test_what_is_wrong_is_said(
    one: Portal, namespace: str, pod: str, query: str, code: str, field: str
) -> None:
    error = log_of(one, namespace, pod, query, code=400)["error"]
    assert (error["code"], error["field"]) == (code, field)


def test_only_pods_write(one: Portal, namespace: str, pod: str) -> None:
    path = f"clusters/one/resources/apps/v1/deployments/{namespace}/web/log"
    assert one.call("get", path, code=400)["error"]["code"] == "not_loggable"


def test_it_is_a_right_of_its_own(one: Portal, namespace: str, pod: str) -> None:
    client = person("ann", "clusters.view", "resources.view", clusters=["one"])
    path = f"/api/v1/clusters/one/resources/core/v1/pods/{namespace}/{pod}/log"
    assert client.get(path).status_code == 403


def test_the_page(console: Any, namespace: str, pod: str) -> None:
    where = f"core/v1/pods/{namespace}/{pod}/"
    assert at(f"{where}logs/") in text_of(console.get(at(where)))
    page = text_of(console.get(at(f"{where}logs/?times=on&follow=on")))
    assert "red &lt;b&gt;and bold&lt;/b&gt;" in page and "\x1b" not in page
    assert "2026-01-01 00:00:00" in page and 'hx-trigger="every 2s' in page
    part = console.get(at(f"{where}logs/?q=SERV&part=1"))
    assert "serves" in text_of(part) and "began" not in text_of(part)
    again = console.get(at(f"{where}logs/?q=SERV&part=1"), headers={"If-None-Match": part["ETag"]})
    assert again.status_code == 304
    assert "No line contains that." in text_of(console.get(at(f"{where}logs/?q=nothing")))
    assert "logs/" not in text_of(console.get(at("core/v1/namespaces/-/default/")))


@pytest.fixture
def run(
    one: Portal, live_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    _, secret = tokens.token_create(user=User.objects.get(username="admin"), name="cli")
    monkeypatch.setenv("KUBECARRIER_URL", live_server.url)
    monkeypatch.setenv("KUBECARRIER_TOKEN", secret)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    yield lambda *args: CliRunner().invoke(app, ["resource", "logs", "--cluster", "one", *args])


def test_the_command(run: Any, namespace: str, pod: str) -> None:
    done = run(pod, "-n", namespace)
    assert done.stdout == "began\nred <b>and bold</b>\nserves\n", (done.output, done.exception)
    assert (
        run(f"pod/{pod}", "-n", namespace, "--tail", "1", "--timestamps").stdout
        == f"{NEW} serves\n"
    )
    chosen = run("-l", "app=web", "-n", namespace, "--tail", "1")
    assert chosen.stdout == "serves\n", chosen.output
    missing = run(pod, "none-such", "-n", namespace, "--tail", "1")
    assert f"[{pod}] serves" in missing.stdout
    assert missing.exit_code == 3 and "none-such" in missing.stderr
    assert run("-n", namespace).exit_code == 2


def test_following_ends_with_the_pod(
    run: Any, one: Portal, namespace: str, pod: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pause(_: float) -> None:
        one.client.delete(f"/api/v1/{deployments(namespace, 'web')}")
        soon(lambda: log_gone(one, namespace, pod))

    monkeypatch.setattr(resource_logs, "time", SimpleNamespace(sleep=pause))
    done = run(pod, "-n", namespace, "-f", "--tail", "1")
    assert done.stdout == "serves\n"
    assert done.exit_code == 3 and pod in done.stderr


def log_gone(portal: Portal, namespace: str, pod: str) -> bool:
    path = f"/api/v1/clusters/one/resources/core/v1/pods/{namespace}/{pod}/log"
    return bool(portal.client.get(path).status_code == 404)


def test_following_goes_on_from_the_last_line(
    run: Any, namespace: str, pod: str, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter(["2026-01-01T00:00:00.2Z stdout F more\n", "", KeyboardInterrupt])

    def pause(_: float) -> None:
        told = next(looks)
        if told is KeyboardInterrupt:
            raise KeyboardInterrupt
        with written.open("a") as file:
            file.write(str(told))

    monkeypatch.setattr(resource_logs, "time", SimpleNamespace(sleep=pause))
    done = run(pod, "-n", namespace, "-f", "--tail", "1")
    assert done.stdout.splitlines()[:2] == ["serves", "more"], done.output
    assert done.stdout.count("more") == done.stdout.count("serves") == 1
