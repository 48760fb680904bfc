"""Kubeconfigs of people, tried with the real kubectl and the file that was downloaded."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from rest_framework.test import APIClient
from typer.testing import CliRunner

from accounts.models import AuditEntry, Binding, User
from accounts.services.bindings import binding_delete
from accounts.services.memberships import user_groups_set
from accounts.services.people import user_delete, user_save
from accounts.services.tokens import token_create
from accounts.tasks import summarize_bindings
from fleet.choices import KubeconfigEnd
from fleet.grants import accounts
from fleet.models import Cluster, ClusterGrant, Kubeconfig
from fleet.tasks import (
    probe_clusters,
    reconcile_grants,
    reconcile_kubeconfigs,
    reconcile_project_copies,
    summarize_projects,
)
from kubecarrier.cli.app import app
from kubecarrier.lib import audit, lease, strict_yaml
from tests.controlplane.conftest import Tool
from tests.controlplane.invariants import Witness
from tests.db.rights import bind, client_of, role
from tests.portal import Json, Portal
from tools.controlplane import ControlPlane, ControlPlaneError, binaries
from tools.controlplane.tool import run_tool

SECONDS = 10.0  # the promise of a right given or taken
#: The API server remembers for ten seconds that a token was good.
REMEMBERED = 12.0
PODS = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]


def eventually(found: Callable[[], Any], *, seconds: float = 60.0, what: str = "") -> Any:
    """Work on probes, grants, bindings and kubeconfigs until `found` answers something true."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or found}"
        probe_clusters()
        reconcile_grants()
        reconcile_kubeconfigs()
        summarize_bindings()
        reconcile_project_copies()
        summarize_projects()
        time.sleep(0.1)
    return answer


@dataclass(frozen=True)
class File:
    """A downloaded file, and its document in the portal."""

    path: Path
    content: Json
    client: APIClient

    @property
    def id(self) -> str:
        context = self.content["contexts"][0]["context"]
        return str(context["extensions"][0]["extension"]["kubeconfig"])

    def kubectl(self, *arguments: str) -> str:
        """kubectl with this file alone; what it said when it failed."""
        try:
            return run_tool(binaries().kubectl, *arguments, kubeconfig=self.path)
        except ControlPlaneError as error:
            return str(error)

    def can(self, *question: str) -> bool:
        return self.kubectl("auth", "can-i", *question).strip().startswith("yes")

    def refused(self) -> bool:
        """401: not “forbidden”, the token is worth nothing."""
        return "Unauthorized" in self.kubectl("get", "--raw", "/api")

    def status(self) -> Json:
        response = self.client.get(f"/api/v1/kubeconfigs/{self.id}")
        assert response.status_code == 200, response.content
        return dict(response.json()["status"])

    def works(self) -> bool:
        return bool(self.status()["ready"] == "True")


def download(client: APIClient, folder: Path, cluster: str = "one", **body: Any) -> File:
    """Get one over REST as YAML, and write it as it came."""
    response = client.post(
        f"/api/v1/clusters/{cluster}/kubeconfig", body, format="json",
        headers={"Accept": "application/yaml"},
    )  # fmt: skip
    assert response.status_code == 201, response.content
    assert response["Cache-Control"] == "no-store"
    file = folder / f"{len(list(folder.iterdir()))}.yaml"
    file.write_bytes(response.content)
    content: Any = strict_yaml.load(response.content.decode())
    return File(file, content, client)


def ready(binding: Binding) -> bool:
    binding.refresh_from_db()
    grants = ClusterGrant.objects.filter(binding=binding)
    return bool(binding.ready == "True" and all(one.ready == "True" for one in grants))


def in_force(*bindings: Binding) -> None:
    eventually(lambda: all(map(ready, bindings)), seconds=SECONDS, what="in force")


def usable(file: File) -> None:
    eventually(file.works, seconds=SECONDS, what="the kubeconfig works")


def account_of(file: File, kubectl: Tool, plane: ControlPlane) -> str:
    """The name of the service account behind the file, as far as the cluster still has it."""
    namespace, _, name = file.status()["serviceAccount"].partition("/")
    return kubectl(
        "get", "serviceaccount", name, "-n", namespace, "--ignore-not-found", "-o", "name",
        cluster=plane,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_of_earlier_portals(clusters: dict[str, ControlPlane]) -> None:
    """Each test is a portal of its own, to which the grants of another are foreign."""
    for plane in clusters.values():
        ours = ("-l", "app.kubernetes.io/managed-by=kubecarrier", "--ignore-not-found")
        plane.kubectl("delete", "clusterroles,clusterrolebindings", *ours)
        plane.kubectl("delete", "rolebindings", "-A", *ours)


@pytest.fixture
def ann(fleet: Portal) -> User:
    return User.objects.create_user("ann", "ann@example.org", "a-long-password")


@pytest.fixture
def her(ann: User) -> APIClient:
    return client_of(ann)


def test_it_opens_what_the_grants_open_and_nothing_else(
    ann: User, her: APIClient, tmp_path: Path, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    bound = bind(ann, "viewer", clusters=["one"])
    in_force(bound)
    file = download(her, tmp_path)
    assert file.content["kind"] == "Config"
    assert [one["name"] for one in file.content["contexts"]] == ["kubecarrier-one"]
    assert file.content["current-context"] == "kubecarrier-one"
    assert "namespace" not in file.content["contexts"][0]["context"]
    usable(file)
    for question in (
        ("list", "pods", "-A"), ("get", "nodes"), ("watch", "deployments.apps", "-n", "default"),
        ("list", "secrets", "-A"), ("delete", "pods", "-n", "default"), ("create", "pods"),
        ("create", "serviceaccounts/token", "-n", "kubecarrier-people"), ("impersonate", "users"),
    ):  # fmt: skip
        said = _as_person(kubectl, cluster_one, "ann", *question)
        assert file.can(*question) == said, question
    assert file.can("list", "pods", "-A")
    assert not file.can("list", "secrets", "-A")
    assert "kube-system" in file.kubectl("get", "namespaces", "-o", "name")
    # What a person gains reaches a file that is out already.
    more = bind(ann, "editor", clusters=["one"])
    eventually(lambda: file.can("delete", "pods", "-n", "default"), seconds=SECONDS)
    binding_delete(actor=None, row=more)
    eventually(lambda: not file.can("delete", "pods", "-n", "default"), seconds=SECONDS)
    assert file.can("list", "pods", "-A")
    # With the last right goes the file.
    binding_delete(actor=None, row=bound)
    eventually(lambda: not file.can("list", "pods", "-A"), seconds=SECONDS)
    eventually(file.refused, seconds=REMEMBERED + SECONDS)
    eventually(lambda: file.status()["reason"] == "Revoked", seconds=SECONDS)
    assert file.status()["revokedBecause"] == KubeconfigEnd.NO_RIGHTS
    assert not account_of(file, kubectl, cluster_one)


def _as_person(kubectl: Tool, plane: ControlPlane, who: str, *question: str) -> bool:
    try:
        said = kubectl("auth", "can-i", *question, "--as", f"kubecarrier:{who}", cluster=plane)
    except ControlPlaneError as error:  # “no” is exit code 1
        said = str(error)
    return said.strip().startswith("yes")


def test_in_one_namespace_no_other_is_seen(
    fleet: Portal, ann: User, her: APIClient, tmp_path: Path, namespace: str,
    cluster_one: ControlPlane,
) -> None:  # fmt: skip
    role("pods", "kubeconfigs.create", rules=PODS)
    bound = bind(ann, "pods", clusters=["one"], namespaces=[namespace])
    fleet.call("post", "clusters/one/probe")
    eventually(lambda: ClusterGrant.objects.get(binding=bound).wanted["namespaces"])
    in_force(bound)
    file = download(her, tmp_path)
    assert file.content["contexts"][0]["context"]["namespace"] == namespace
    usable(file)
    assert "No resources found" in file.kubectl("get", "pods") or file.can("list", "pods")
    assert file.can("list", "pods")  # without -n: the file says where
    assert not file.can("list", "pods", "-n", "default")
    assert not file.can("list", "pods", "-A")
    assert "Forbidden" in file.kubectl("get", "namespaces")
    assert "Forbidden" in file.kubectl("get", "serviceaccounts", "-n", "kubecarrier-people")
    response = her.post("/api/v1/clusters/two/kubeconfig", {}, format="json")
    assert response.status_code == 404


def test_a_group_gives_it_and_takes_it(ann: User, her: APIClient, tmp_path: Path) -> None:
    group = Group.objects.create(name="team")
    bound = bind(ann, "viewer", clusters=["one"])
    bound.users.clear()
    bound.groups.add(group)
    from accounts.following import follow

    follow(bound)
    assert her.post("/api/v1/clusters/one/kubeconfig", {}, format="json").status_code == 404
    user_groups_set(user=ann, groups=[group])
    in_force(bound)
    file = download(her, tmp_path)
    usable(file)
    assert file.can("list", "pods", "-A")
    user_groups_set(user=ann, groups=[])
    eventually(lambda: not file.can("list", "pods", "-A"), seconds=SECONDS)
    eventually(file.refused, seconds=REMEMBERED + SECONDS)


def test_it_names_the_address_of_people(
    fleet: Portal, ann: User, her: APIClient, tmp_path: Path, cluster_one: ControlPlane
) -> None:
    """Another way to the same cluster: here the other name of this machine, which the certificate has."""
    portals: Any = strict_yaml.load(cluster_one.kubeconfig.read_text())
    theirs = cluster_one.server.replace("127.0.0.1", "localhost")
    pem = Cluster.objects.get(name="one").ca_pem
    assert theirs != portals["clusters"][0]["cluster"]["server"]
    spec = {"peopleServer": theirs, "peopleCaCertificate": pem}
    fleet.call("patch", "clusters/one", {"spec": spec}, code=202)
    in_force(bind(ann, "viewer", clusters=["one"]))
    file = download(her, tmp_path)
    assert file.content["clusters"][0]["cluster"]["server"] == theirs
    usable(file)
    assert file.can("list", "pods", "-A")
    # Never called from here: one that nobody answers at breaks nothing.
    spec = {"peopleServer": "https://nobody.invalid:6443", "peopleCaCertificate": ""}
    fleet.call("patch", "clusters/one", {"spec": spec}, code=202)
    nowhere = download(her, tmp_path)
    assert nowhere.content["clusters"][0]["cluster"] == {"server": spec["peopleServer"]}
    assert file.can("list", "pods", "-A")


def test_a_project_gives_it_in_its_namespaces(
    fleet: Portal, ann: User, her: APIClient, tmp_path: Path
) -> None:
    names = ["shop-a", "shop-b"]
    spec = {"placement": {"clusters": ["one"]}, "namespaces": [{"name": one} for one in names]}
    fleet.call("put", "projects/shop", {"spec": spec})
    bound = bind(ann, "editor", project="shop")
    eventually(lambda: ClusterGrant.objects.get(binding=bound).wanted["namespaces"] == names)
    in_force(bound)
    assert her.get("/api/v1/clusters/one").status_code == 200  # seen from within
    file = download(her, tmp_path)
    usable(file)
    assert all(file.can("list", "pods", "-n", name) for name in names)
    assert not file.can("list", "pods", "-n", "default")


def test_time_is_bounded_and_over_when_it_is_over(
    ann: User, her: APIClient, tmp_path: Path, kubectl: Tool, cluster_one: ControlPlane,
    settings: Any,
) -> None:  # fmt: skip
    settings.KUBECARRIER_KUBECONFIG_MAX_SECONDS = 7200
    in_force(bind(ann, "viewer", clusters=["one"]))
    for seconds in (1, 599, 7201, 10**9):
        response = her.post(
            "/api/v1/clusters/one/kubeconfig", {"expirationSeconds": seconds}, format="json"
        )
        assert (response.status_code, response.json()["error"]["code"]) == (400, "duration_invalid")
    for seconds in (600, 3607, 7200):
        file = download(her, tmp_path, expirationSeconds=seconds)
        ends = datetime.fromisoformat(file.status()["expiresAt"])
        left = (ends - timezone.now()).total_seconds()
        assert seconds - 60 < left <= seconds, (seconds, left)
        # Even 3607, for which an API server gives a year, is what was asked for.
        assert _lifetime(file) <= seconds
    usable(file)
    row = Kubeconfig.objects.get(pk=file.id)
    row.expires_at = timezone.now() - timedelta(seconds=1)
    row.save()
    lease.wake(Kubeconfig.objects.filter(pk=row.pk))
    assert file.status()["reason"] == "Expired"
    eventually(lambda: file.status()["endedAt"], seconds=SECONDS)
    assert file.status()["reason"] == "Expired"
    assert not account_of(file, kubectl, cluster_one)
    eventually(lambda: _unbound(kubectl, cluster_one, row.account), seconds=SECONDS)


def _unbound(kubectl: Tool, plane: ControlPlane, account: str) -> bool:
    found = kubectl(
        "get", "clusterrolebinding", "kubecarrier:ann-viewer", "-o", "json", cluster=plane
    )
    return account not in found


def _lifetime(file: File) -> float:
    """Seconds between issue and end, as the token itself says."""
    import base64

    middle = file.content["users"][0]["user"]["token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return float(claims["exp"] - claims["iat"])


def test_revoked_by_its_owner_one_of_two(
    ann: User, her: APIClient, tmp_path: Path, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    in_force(bind(ann, "viewer", clusters=["one"]))
    gone, kept = download(her, tmp_path), download(her, tmp_path)
    usable(gone)
    usable(kept)
    assert her.delete(f"/api/v1/kubeconfigs/{gone.id}").status_code == 202
    assert gone.status()["reason"] == "RevocationPending"
    eventually(lambda: gone.status()["reason"] == "Revoked", seconds=SECONDS)
    assert not account_of(gone, kubectl, cluster_one)
    eventually(gone.refused, seconds=REMEMBERED)
    assert kept.can("list", "pods", "-A")
    events = list(AuditEntry.objects.filter(actor=ann).values_list("event", flat=True))
    assert events.count("kubeconfig-issued") == 2
    assert events.count("kubeconfig-revoked") == 1


def test_whoever_leaves_has_none(
    ann: User, her: APIClient, fleet: Portal, tmp_path: Path, kubectl: Tool,
    cluster_one: ControlPlane,
) -> None:  # fmt: skip
    ben = User.objects.create_user("ben", "ben@example.org", "a-long-password")
    in_force(bind(ann, "viewer", clusters=["one"]), bind(ben, "viewer", clusters=["one"]))
    hers, his = download(her, tmp_path), download(client_of(ben), tmp_path)
    files = [File(one.path, one.content, fleet.client) for one in (hers, his)]
    for file in files:
        usable(file)
    ann.is_active = False
    user_save(user=ann)
    user_delete(user=ben)
    for file in files:
        assert file.status()["reason"] == "RevocationPending"
        assert file.status()["revokedBecause"] == KubeconfigEnd.LEFT
    for file in files:
        eventually(partial(_revoked, file), seconds=SECONDS)
        eventually(file.refused, seconds=REMEMBERED)
        assert not account_of(file, kubectl, cluster_one)
    assert files[1].status()["user"] == "ben"


def _revoked(file: File) -> bool:
    return bool(file.status()["reason"] == "Revoked")


def test_a_cluster_that_was_down_loses_it_at_its_return(
    ann: User, her: APIClient, fleet: Portal, tmp_path: Path, cluster_one: ControlPlane
) -> None:
    in_force(bind(ann, "viewer", clusters=["one"]))
    file = download(her, tmp_path)
    usable(file)
    cluster_one.pause()
    try:
        response = her.post("/api/v1/clusters/one/kubeconfig", {}, format="json")
        assert response.status_code == 503, response.content
        left = Kubeconfig.objects.exclude(pk=file.id).get()
        assert left.revoked_because == KubeconfigEnd.NOT_ISSUED
        assert her.delete(f"/api/v1/kubeconfigs/{file.id}").status_code == 202
        row = Kubeconfig.objects.get(pk=file.id)
        eventually(lambda: Kubeconfig.objects.get(pk=row.pk).ready == "Unknown")
        assert file.status()["reason"] == "RevocationPending"
        assert file.status()["endedAt"] is None
    finally:
        cluster_one.resume()
    fleet.call("post", "clusters/one/probe")
    eventually(lambda: file.status()["reason"] == "Revoked")
    assert file.refused()


def test_an_account_deleted_by_hand_is_noticed(
    ann: User, her: APIClient, tmp_path: Path, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    in_force(bind(ann, "viewer", clusters=["one"]))
    file = download(her, tmp_path)
    usable(file)
    name = file.status()["serviceAccount"].partition("/")[2]
    kubectl("delete", "serviceaccount", name, "-n", "kubecarrier-people", cluster=cluster_one)
    lease.wake(Kubeconfig.objects.filter(pk=file.id))
    eventually(lambda: file.status()["reason"] == "AccountGone", seconds=SECONDS)


def test_a_second_look_changes_nothing(
    ann: User, her: APIClient, tmp_path: Path, cluster_one: ControlPlane
) -> None:
    in_force(bind(ann, "viewer", clusters=["one"]))
    file = download(her, tmp_path)
    usable(file)
    reconcile_grants()
    witness = Witness(cluster_one)
    before = file.status()
    lease.wake(Kubeconfig.objects.all())
    lease.wake(ClusterGrant.objects.all())
    reconcile_kubeconfigs()
    reconcile_grants()
    assert not witness.writes()
    assert file.status() == before


def test_a_process_killed_while_it_made_one_leaves_nothing(
    ann: User, her: APIClient, kubectl: Tool, cluster_one: ControlPlane, tmp_path: Path
) -> None:
    """The account was made, its uid never stored, the file never handed out."""
    in_force(bind(ann, "viewer", clusters=["one"]))
    download(her, tmp_path)  # the namespace is there
    row = Kubeconfig.objects.create(
        cluster=Cluster.objects.get(name="one"), user=ann, username="ann", account="ann-killed",
        expires_at=timezone.now() + timedelta(hours=1),
    )  # fmt: skip
    for obj in (accounts.account_object(row.account, row.pk, "ann"),):
        cluster_one.kubectl("apply", "-f", "-", stdin=json.dumps(obj))
    reconcile_kubeconfigs()
    where = ("-n", "kubecarrier-people", "--ignore-not-found", "-o", "name")
    assert kubectl("get", "serviceaccount", row.account, *where, cluster=cluster_one)
    with audit.unaudited("a test makes it old"):
        Kubeconfig.objects.filter(pk=row.pk).update(
            created_at=timezone.now() - timedelta(minutes=2)
        )
    lease.wake(Kubeconfig.objects.filter(pk=row.pk))
    eventually(lambda: Kubeconfig.objects.get(pk=row.pk).ended_at, seconds=SECONDS)
    assert not kubectl("get", "serviceaccount", row.account, *where, cluster=cluster_one)


def test_the_command_line_writes_what_kubectl_takes(
    ann: User, live_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_force(bind(ann, "viewer", clusters=["one"]))
    _, secret = token_create(user=ann, name="cli")
    monkeypatch.setenv("KUBECARRIER_URL", live_server.url)
    monkeypatch.setenv("KUBECARRIER_TOKEN", secret)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    target = tmp_path / "config"

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["kubeconfig", *words])
        assert done.exit_code == code, done.output
        return str(done.output)

    run("get", "one", "--merge", "-f", str(target), "--duration", "10m", "--no-wait")
    row = Kubeconfig.objects.get()
    eventually(lambda: Kubeconfig.objects.get(pk=row.pk).ready == "True", seconds=SECONDS)
    said = run_tool(binaries().kubectl, "get", "namespaces", "-o", "name", kubeconfig=target)
    assert "namespace/kube-system" in said
    assert str(row.pk) in run("list")
    assert "600 to 43200" in run("get", "one", "--duration", "1s", code=1)
    assert "no cluster" in run("get", "none", code=3)
    assert "being revoked" in run("revoke", "one", "-y")
    eventually(lambda: Kubeconfig.objects.get(pk=row.pk).ended_at, seconds=SECONDS)
    assert "no kubeconfig" in run("revoke", "one", "-y", code=3)


def test_nobody_runs_a_pod_under_another_s_account(
    ann: User, her: APIClient, tmp_path: Path, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    in_force(bind(ann, "editor", clusters=["one"]))
    file = download(her, tmp_path)
    usable(file)
    assert file.can("create", "pods", "-n", "kubecarrier-people")
    said = file.kubectl("run", "thief", "-n", "kubecarrier-people", "--image=nginx")
    assert "exceeded quota" in said or "quota" in said, said


def test_superusers_and_the_removal_of_a_cluster(
    fleet: Portal, tmp_path: Path, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    bound = Binding.objects.get(name="administrators")
    eventually(lambda: ClusterGrant.objects.filter(binding=bound, ready="True").count() == 2)
    file = download(fleet.client, tmp_path)
    usable(file)
    assert file.can("delete", "nodes")
    account = file.status()["serviceAccount"].partition("/")[2]
    fleet.call("delete", "clusters/one?policy=cleanup")
    eventually(lambda: fleet.gone("clusters/one"))
    left = kubectl("get", "serviceaccounts", "-n", "kubecarrier-people", "-o", "name",
                   cluster=cluster_one)  # fmt: skip
    assert account not in left
    eventually(file.refused, seconds=REMEMBERED)
