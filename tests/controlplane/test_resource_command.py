"""`kubecarrier resource` against a real portal and two real clusters; kubectl checks it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from accounts.models import User
from accounts.services import tokens
from kubecarrier.cli.app import app
from kubecarrier.cli.errors import ExitCode
from tests.controlplane.test_resources import deployment, soon
from tests.portal import Portal
from tools.controlplane import ControlPlane

pytestmark = pytest.mark.django_db(transaction=True)

Run = Callable[..., Result]


@pytest.fixture
def both(portal: Portal, cluster_one: ControlPlane, cluster_two: ControlPlane) -> Portal:
    portal.import_cluster(cluster_one, environment="prod", labels={"env": "prod"})
    portal.import_cluster(cluster_two, environment="test", labels={"env": "prod"})
    return portal


@pytest.fixture
def run(both: Portal, live_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    _, secret = tokens.token_create(user=User.objects.get(username="admin"), name="cli")
    monkeypatch.setenv("KUBECARRIER_URL", live_server.url)
    monkeypatch.setenv("KUBECARRIER_TOKEN", secret)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    def call(*args: str, code: int = 0, input: str | None = None) -> Result:  # noqa: A002
        done = CliRunner().invoke(app, ["resource", *args], input=input)
        assert done.exit_code == code, done.output
        return done

    return call


@pytest.fixture
def applied(run: Run, namespace: str, tmp_path: Path) -> Path:
    """A deployment on both clusters."""
    obj = deployment(namespace)
    del obj["metadata"]["namespace"]
    file = tmp_path / "web.yaml"
    file.write_text(yaml.safe_dump(obj))
    done = run("apply", "-f", str(file), "-n", namespace, "--selector", "env=prod")
    assert done.stdout.splitlines() == [
        "one: deployment.apps/web created", "two: deployment.apps/web created",
    ]  # fmt: skip
    return file


def test_get_in_every_form(
    run: Run, applied: Path, namespace: str, cluster_one: ControlPlane, kubectl: Any
) -> None:
    lines = run("get", "deploy", "-n", namespace, "--cluster", "one,two").stdout.splitlines()
    assert lines[0].split() == ["CLUSTER", "NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert [line.split()[:2] for line in lines[1:]] == [["one", "web"], ["two", "web"]]
    mine = run("get", "deploy", "-n", namespace, "--cluster", "one").stdout.splitlines()[0]
    theirs = kubectl("get", "deploy", "-n", namespace, cluster=cluster_one).splitlines()[0]
    assert mine.split() == theirs.split()
    wide = run("get", "deploy/web", "-n", namespace, "--cluster", "one", "-o", "wide").stdout
    assert wide.splitlines()[0].split()[-3:] == ["CONTAINERS", "IMAGES", "SELECTOR"]
    assert "NAMESPACE" in run("get", "pods", "-A", "--cluster", "one").stdout.splitlines()[0]
    one = json.loads(
        run("get", "deploy/web", "-n", namespace, "--cluster", "one", "-o", "json").stdout
    )
    assert one["metadata"]["name"] == "web"
    several = yaml.safe_load(
        run("get", "deployments.apps", "-n", namespace, "--cluster", "one,two", "-o", "yaml").stdout
    )
    assert [c["items"][0]["kind"] for c in several["clusters"].values()] == ["Deployment"] * 2
    names = run("get", "deploy", "-n", namespace, "--cluster", "one", "-o", "name").stdout
    assert names == "deployment.apps/web\n"
    assert "No resources found." in run("get", "deploy", "-l", "a=b", "--cluster", "one").stderr
    assert "APIVERSION" in run("kinds", "--cluster", "one").stdout


def test_describe(run: Run, applied: Path, namespace: str) -> None:
    def told() -> str:
        return run("describe", "deploy/web", "-n", namespace, "--cluster", "one").stdout

    text = soon(lambda: found if "ScalingReplicaSet" in (found := told()) else "")
    assert "ReplicaSet/web-" in text
    assert "Replicas:" in text


def test_errors_and_their_exit_codes(run: Run, applied: Path, namespace: str) -> None:
    missing = run(
        "get", "deploy", "gone", "-n", namespace, "--cluster", "one", code=ExitCode.NOT_FOUND
    )
    assert "kube_not_found" in missing.stderr
    assert run("get", "gadgets", "--cluster", "one", code=ExitCode.NOT_FOUND)
    assert run("get", "deploy", code=ExitCode.USAGE)
    assert run("get", "deploy", "--selector", "env=none", code=ExitCode.NOT_FOUND)
    partly = run(
        "get", "deploy", "-n", namespace, "--cluster", "one,nowhere", code=ExitCode.NOT_FOUND
    )
    assert "web" in partly.stdout  # one failed cluster hides no other
    assert "nowhere: " in partly.stderr


def test_scale_restart_delete_on_several(
    run: Run, applied: Path, namespace: str, kubectl: Any, cluster_one: ControlPlane,
    cluster_two: ControlPlane,
) -> None:  # fmt: skip
    on = ("-n", namespace, "--cluster", "one,two")
    dry = run("scale", "deploy/web", "--replicas", "3", *on, "--dry-run").stdout
    assert dry.splitlines()[0] == "one: deployment.apps/web scaled (server dry run)"
    run("scale", "deploy/web", "--replicas", "3", *on)
    run("restart", "deploy/web", *on)
    for plane in (cluster_one, cluster_two):
        there = json.loads(
            kubectl("get", "deploy", "web", "-n", namespace, "-o", "json", cluster=plane)
        )
        assert there["spec"]["replicas"] == 3
        assert (
            "kubectl.kubernetes.io/restartedAt"
            in there["spec"]["template"]["metadata"]["annotations"]
        )
    kubectl("delete", "deploy", "web", "-n", namespace, cluster=cluster_two)
    half = run("delete", "deploy/web", *on, code=ExitCode.NOT_FOUND)
    assert half.stdout == "one: deployment.apps/web deleted\n"
    run("delete", "deploy/web", *on, "--ignore-not-found")
    run("apply", "-f", str(applied), *on)
    refused = run("delete", "deploy", "-l", "app=web", *on, code=ExitCode.USAGE)
    assert "no terminal" in refused.stderr
    gone = run("delete", "deploy", "-l", "app=web", *on, "--yes").stdout
    assert len(gone.splitlines()) == 2
    run("apply", "-f", str(applied), *on)
    assert len(run("delete", "-f", str(applied), *on).stdout.splitlines()) == 2


def test_edit(
    run: Run, applied: Path, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = ("deploy/web", "-n", namespace, "--cluster", "one")
    monkeypatch.setenv("KUBE_EDITOR", "true")
    assert "no changes made" in run("edit", *on).stderr
    monkeypatch.setenv("KUBE_EDITOR", "sed -i s/nginx:1/nginx:7/")
    dry = run("edit", *on, "--dry-run").stdout
    assert "+        - image: nginx:7" in dry or "nginx:7" in dry
    assert run("edit", *on).stdout == "deployment.apps/web configured\n"
    assert "nginx:7" in run("get", *on, "-o", "yaml").stdout
    monkeypatch.setenv("KUBE_EDITOR", "sed -i s/nginx:7/[1]/")
    assert "kube_invalid" in run("edit", *on, code=ExitCode.ERROR).stderr
    monkeypatch.setenv("KUBE_EDITOR", "/nowhere/editor")
    assert "editor_failed" in run("edit", *on, code=ExitCode.ERROR).stderr


def test_apply_tells_each_document(run: Run, applied: Path, namespace: str, tmp_path: Path) -> None:
    many = tmp_path / "many.yaml"
    gadget = {"apiVersion": "v1", "kind": "Gadget", "metadata": {"name": "x"}}
    changed = deployment(namespace, replicas=2)
    many.write_text(yaml.safe_dump_all([changed, gadget]))
    done = run("apply", "-f", str(many), "--cluster", "one", "--diff", code=ExitCode.NOT_FOUND)
    assert "+  replicas: 2" in done.stdout
    assert "deployment.apps/web configured" in done.stdout
    assert "kube_unknown_kind" in done.stderr
    many.write_text("a: 1")
    assert run("apply", "-f", str(many), "--cluster", "one", code=ExitCode.ERROR)
