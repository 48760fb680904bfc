# ruff: noqa: E501 - the table reads by its columns
"""Each act that has to be on record, by every way in: who, for whom, through what, from where, on what.

`ACTS` is the table. `test_every_event_has_a_row` reads the code: a new event without a row fails.
"""

from __future__ import annotations

import ast
import base64
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import totp
from rest_framework.test import APIClient

from accounts.models import AuditEntry, Identity, LoginSession, SecondFactor, User
from accounts.services import prune, seals, second_factors
from accounts.services.identities import identity_ended
from apps.models import Application, ChartVersion
from fleet.choices import TargetState
from fleet.conditions import KubeconfigReason
from fleet.draining import DrainOptions, DrainPlan
from fleet.kube_errors import Forbidden, Unreachable
from fleet.live.session import Session
from fleet.models import Cluster, Kubeconfig, OperationTarget
from fleet.operations import target_progress
from fleet.reconcilers.kubeconfig import KubeconfigReconciler
from fleet.services import drains
from kubecarrier.lib import causes, lease
from kubecarrier.lib.audit import AuditContext, Channel, acting
from kubecarrier.lib.conditions import Condition, Status
from kubecarrier.lib.errors import DeniedError
from kubecarrier.lib.reconcile import Pass
from kubecarrier.lib.tasks import task_entry
from tests.db.conftest import add_cluster, application, web
from tests.db.rights import person
from tests.portal import Portal

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]
PASSWORD = "a-long-password"
ADDRESS, REQUEST, REASON = "203.0.113.7", "request-of-the-test", "ticket 4711"
HEADERS = {"X-Request-ID": REQUEST, "X-KubeCarrier-Reason": REASON}
Json = dict[str, Any]


@dataclass
class World:
    """A fleet with the project `shop` on cluster one, and ways to act on it."""

    admin: User
    channel: str = ""

    def api(self, method: str, path: str, body: Any = None, *, user: Any = None) -> Any:
        """As the command line or another program."""
        return getattr(self.client(user), method)(f"/api/v1/{path}", body, format="json")

    def client(self, user: Any = None) -> APIClient:
        headers = HEADERS | ({"X-KubeCarrier-Channel": "cli"} if self.channel == "cli" else {})
        client = APIClient(REMOTE_ADDR=ADDRESS, headers=headers)
        client.force_authenticate(user or self.admin)
        return client

    def acting(self) -> AbstractContextManager[AuditContext]:
        """As a request of that channel would, for what needs a cluster beyond this point."""
        channel = Channel(self.channel)
        return acting(AuditContext(channel, lambda: self.admin, REQUEST, REASON, address=ADDRESS))

    def anybody(self, path: str, body: Any) -> Any:
        client = APIClient(REMOTE_ADDR=ADDRESS)
        return client.post(f"/api/v1/{path}", body, format="json", headers=HEADERS)

    def console(self, path: str, given: Any = None, *, user: Any = None) -> Any:
        client = Client(REMOTE_ADDR=ADDRESS, headers=HEADERS)
        if user != "nobody":
            client.force_login(user or self.admin)
        return client.post(path, given or {})

    def session(self) -> Session:
        """Acts on objects, up to the cluster: what is behind is tried in tests/controlplane."""
        return Session(Cluster.objects.get(name="one"), self.admin, None, "x")  # type: ignore[arg-type]


@pytest.fixture
def world(fleet: Portal, admin_user: User) -> World:
    spec = {"placement": {"clusters": ["one"]}, "namespaces": [{"name": "shop"}]}
    fleet.call("put", "projects/shop", {"spec": spec})
    spec = application(placement={"clusters": ["one"]})
    fleet.call("put", "applications/web", {"metadata": {"project": "shop"}, "spec": spec})
    spec = {
        "type": "Secret", "namespaces": ["shop"], "data": {"a": "canary"},
        "placement": {"clusters": ["one"]},
    }  # fmt: skip
    fleet.call("put", "configitems/key", {"metadata": {"project": "shop"}, "spec": spec})
    return World(admin_user)


@dataclass(frozen=True)
class Act:
    """One row: what is done, and what the entry says."""

    name: str
    do: Callable[[World], Any]
    channels: tuple[str, ...] = ("api", "cli")
    kind: str = ""
    object: str | None = None
    actor: str = "admin"
    project: str = ""
    cluster: str = ""
    namespace: str = ""
    result: str = "ok"
    reason: str | None = REASON


def upload(world: World) -> None:
    address = "/api/v1/repositories/local/charts"
    made = world.client().post(address, web("0.3.0"), content_type="application/gzip")
    assert made.status_code == 201, made.content


def pulled(world: World) -> None:
    """What `helm pull` asks for."""
    version = ChartVersion.objects.filter(archive__isnull=False).latest("version")
    address = reverse("helm-archive", args=["local", version.archive_id, "web"])
    client = Client(REMOTE_ADDR=ADDRESS, headers=HEADERS)
    client.force_login(world.admin)
    assert client.get(address).status_code == 200


def patch(path: str, **spec: Any) -> Callable[[World], Any]:
    return lambda world: world.api("patch", path, {"spec": spec})


def post(path: str, body: Any = None) -> Callable[[World], Any]:
    return lambda world: world.api("post", path, body)


def delete(path: str) -> Callable[[World], Any]:
    return lambda world: world.api("delete", path)


def login(world: World, password: str = PASSWORD) -> Any:
    return world.anybody("auth/login", {"username": "admin", "password": password})


def console_login(world: World, password: str = PASSWORD) -> Any:
    given = {"username": "admin", "password": password}
    return world.console("/admin/login/", given, user="nobody")


def locked(world: World) -> None:
    with override_settings(AXES_ENABLED=True, AXES_FAILURE_LIMIT=3):
        for _ in range(4):
            login(world, "wrong")


def logged_out(world: World) -> None:
    client = Client(REMOTE_ADDR=ADDRESS, headers=HEADERS)
    client.post("/admin/login/", {"username": "admin", "password": PASSWORD})
    client.post("/admin/logout/")


def others_ended(world: World) -> None:
    clients = [Client(REMOTE_ADDR=ADDRESS, headers=HEADERS) for _ in range(2)]
    for client in clients:
        client.post("/admin/login/", {"username": "admin", "password": PASSWORD})
    assert LoginSession.objects.count() == 2
    clients[0].post("/account", {"do": "end-others"})


def factor(world: World, *, remove: bool = False) -> None:
    secret = second_factors.factor_begin(user=world.admin)
    client = Client(REMOTE_ADDR=ADDRESS, headers=HEADERS)
    client.post("/admin/login/", {"username": "admin", "password": PASSWORD})

    def code() -> str:
        SecondFactor.objects.update(last_step=0)
        return f"{totp(base64.b32decode(secret)):06d}"

    client.post("/account", {"do": "confirm", "code": code()})
    if remove:
        client.post("/account", {"do": "remove", "code": code()})


def device(world: World, answer: str) -> None:
    begun = world.anybody("device/code", {"name": "laptop"}).json()
    client = Client(REMOTE_ADDR=ADDRESS, headers=HEADERS)
    client.force_login(world.admin)
    client.post("/device", {"code": begun["userCode"], "answer": answer})


def stranger(world: World, method: str, path: str, *permissions: str) -> None:
    if not User.objects.filter(username="bob").exists():
        person("bob", *permissions)
    world.api(method, path, user=User.objects.get(username="bob"))


def removed(world: World) -> None:
    world.api("delete", "clusters/two")


def reconciled(world: World) -> None:
    """A pass that ends the deployment somebody asked for."""
    world.api("post", "applications/web/redeploy")
    target = OperationTarget.objects.filter(state="running").latest("operation__created_at")

    @task_entry
    def a_pass() -> None:
        target_progress(
            target_id=target.target_id, generation=target.generation,
            state=TargetState.SUCCEEDED, message="",
        )  # fmt: skip

    a_pass()


def gone_upstream(world: World) -> None:
    row = Identity.objects.create(user=world.admin, source="oidc", issuer="https://x", subject="1")
    task_entry(lambda: identity_ended(identity=row, reason="invalid_grant"))()


def in_cluster(event: str, *, namespace: str = "shop") -> Callable[[World], Any]:
    """What every act on an object calls before it is sent."""

    def act(world: World) -> None:
        with world.acting():
            world.session().on_record(event, "x", namespace=namespace)

    return act


def refused_there(world: World, *, failed: bool = False) -> None:
    session = world.session()
    with world.acting():
        if failed:
            session.failed("patch x", Unreachable("away"), namespace="shop")
            return
        with pytest.raises(DeniedError), session.doing("get x", namespace="shop"):
            raise Forbidden("pods is forbidden", status=403, reason="Forbidden")


def drained(world: World, *, cancel: bool = False) -> None:
    row = Cluster.objects.get(name="one")
    with world.acting():
        drains.drain_start(
            actor=world.admin, cluster=row, node="n1", plan=DrainPlan(),
            options=DrainOptions(), timeout_seconds=60,
        )  # fmt: skip
        if cancel:
            drains.drain_cancel(actor=world.admin, cluster=row, node="n1")


def pruned(world: World) -> None:
    then = timezone.now() - timedelta(days=400)
    with pytest.MonkeyPatch.context() as clock:
        clock.setattr(timezone, "now", lambda: then)
        seals.seal_all()
    task_entry(lambda: prune.audit_prune(days=90))()


def kubeconfig(world: World) -> Kubeconfig:
    row = Kubeconfig(
        cluster=_one(), user=world.admin, username="admin", account="admin-1", account_uid="u",
        expires_at=timezone.now() + timedelta(hours=1),
    )  # fmt: skip
    row.save()
    return row


def kubeconfig_ended(world: World) -> None:
    """A pass that saw the account go, for whoever revoked it."""
    world.api("delete", f"kubeconfigs/{kubeconfig(world).pk}")
    reconciler = KubeconfigReconciler()
    seen = Condition("Usable", Status.FALSE, KubeconfigReason.REVOKED, "It is gone.")

    @task_entry
    def a_pass() -> None:
        claims = lease.claim_due(Kubeconfig, limit=1, lease_seconds=30)
        (job,) = reconciler.load(claims)
        with causes.acting_for(Kubeconfig, job.row.pk):
            reconciler.record(job, Pass([seen], {"ended_at": timezone.now()}))

    a_pass()


def downloaded_review(world: World) -> None:
    answer: Any = world.client().get("/api/v1/accessreviews?format=csv")
    assert b"".join(answer.streaming_content)


#: What a cluster must answer first: where a test with real clusters asks for it.
WITH_CLUSTERS = {
    "kubeconfig-issued": "tests/controlplane/test_people_kubeconfig.py",
    "credential-exchanged": "tests/controlplane/test_account_exchange.py",
}

_SHOP: Json = {"project": "shop"}
_ONE: Json = {"cluster": "one"}
_THERE: Json = {"project": "shop", "cluster": "one", "namespace": "shop", "kind": "Cluster"}
_EVERY = ("api", "cli", "console")
_QUIET: Json = {"reason": None}

ACTS = [
    # --- changes of objects
    Act("create", lambda w: add_cluster(Portal(w.client()), "three"), kind="Cluster", object="three", cluster="three"),
    Act("update", patch("clusters/one", region="north"), kind="Cluster", object="one", **_ONE),
    Act("update", patch("applications/web", description="x"), kind="Application", object="web", **_SHOP),
    Act("update", patch("projects/shop", description="x"), kind="Project", object="shop", **_SHOP),
    Act("update", patch("configitems/key", description="x"), kind="ConfigItem", object="key", **_SHOP),
    Act("create", lambda w: w.api("put", "roles/r", {"spec": {"permissions": ["clusters.view"]}}), kind="Role", object="r"),
    Act("create", lambda w: w.api("put", "bindings/b", {"spec": {"role": "viewer", "users": ["admin"], "scope": {"project": "shop"}}}), kind="Binding", object="b", **_SHOP),
    Act("create", lambda w: w.api("put", "bindings/b", {"spec": {"role": "viewer", "users": ["admin"], "scope": {"clusters": ["one"]}}}), kind="Binding", object="b", **_ONE),
    Act("create", lambda w: w.api("put", "serviceaccounts/bot", {"spec": {"project": "shop"}}), kind="ServiceAccount", object="bot", **_SHOP),
    Act("create", lambda w: w.api("post", "apitokens", {"title": "ci"}), kind="ApiToken"),
    Act("update", lambda w: w.console(reverse("admin:apps_application_do", args=[_web().pk, "pause"]), {"reason": REASON}), ("console",), kind="Application", object="web", **_SHOP),
    Act("update", lambda w: w.console(reverse("admin:fleet_cluster_do", args=[_one().pk, "pause"]), {"reason": REASON}), ("console",), kind="Cluster", object="one", **_ONE),
    Act("create", lambda w: w.console(reverse("admin:auth_group_add"), {"name": "team"}), ("console",), kind="Group", object="team"),
    # --- operations, and what reconcilers do for whoever asked
    Act("operation-started", post("applications/web/redeploy"), kind="Application", object="web", **_SHOP),
    Act("operation-finished", reconciled, ("reconciler",), kind="Application", object="web", **_SHOP),
    Act("delete", removed, kind="Cluster", object="two", cluster="two"),
    Act("operation-finished", removed, kind="Cluster", object="two", cluster="two"),
    # --- logins and the like
    Act("login", login, ("api",), kind="User", object="admin"),
    Act("login-failed", lambda w: login(w, "wrong"), ("api",), kind="User", object="admin", actor="", result="failed"),
    Act("login-locked", locked, ("api",), kind="User", object="admin", actor="", result="denied"),
    Act("logout", post("auth/logout"), kind="User", object="admin"),
    Act("login", console_login, ("console",), kind="User", object="admin"),
    Act("login-failed", lambda w: console_login(w, "wrong"), ("console",), kind="User", object="admin", actor="", result="failed"),
    Act("logout", logged_out, ("console",), kind="User", object="admin"),
    Act("sessions-ended", others_ended, ("console",), kind="User", object="admin"),
    Act("second-factor-added", factor, ("console",), kind="User", object="admin"),
    Act("second-factor-removed", lambda w: factor(w, remove=True), ("console",), kind="User", object="admin"),
    Act("device-approved", lambda w: device(w, "approve"), ("console",), kind="User", object="admin"),
    Act("device-denied", lambda w: device(w, "deny"), ("console",), kind="User", object="admin"),
    Act("access-ended", gone_upstream, ("reconciler",), kind="User", object="admin", actor="", **_QUIET),
    # --- refusals
    Act("denied", lambda w: stranger(w, "delete", "applications/web", "applications.view"), kind="Application", object="web", actor="bob", result="denied", **_SHOP),
    Act("denied", lambda w: stranger(w, "get", "clusters/one"), kind="Cluster", object="one", actor="bob", result="denied", **_ONE),
    Act("denied", lambda w: stranger(w, "post", "auditentries/export"), kind="User", object="bob", actor="bob", result="denied"),
    Act("resource-denied", refused_there, _EVERY, object="one", result="denied", **_THERE),
    Act("resource-failed", lambda w: refused_there(w, failed=True), _EVERY, object="one", result="failed", **_THERE),
    # --- reveals, exports, uploads, credentials
    Act("secret-revealed", post("configitems/key/reveal", {}), kind="ConfigItem", object="key", **_SHOP),
    Act("audit-exported", post("auditentries/export", {}), kind="AuditSeal"),
    Act("audit-exported", lambda w: w.console("/admin/accounts/auditentry/export/"), ("console",), kind="AuditSeal"),
    Act("access-review-exported", lambda w: w.api("get", "accessreviews?format=csv"), kind="Platform", object="platform"),
    Act("audit-pruned", pruned, ("reconciler",), kind="AuditSeal", actor="", **_QUIET),
    Act("access-review-exported", downloaded_review, kind="Platform"),
    Act("kubeconfig-revoked", lambda w: w.api("delete", f"kubeconfigs/{kubeconfig(w).pk}"), kind="Kubeconfig", **_ONE),
    Act("kubeconfig-ended", kubeconfig_ended, ("reconciler",), kind="Kubeconfig", **_ONE),
    Act("chart-uploaded", upload, kind="ChartRepository", object="local"),
    Act("chart-downloaded", pulled, ("api",), kind="ChartRepository", object="local"),
    Act("credential-rotated", post("clusters/one/rotate", {"token": "canary"}), kind="Cluster", object="one", **_ONE),
    Act("probe-asked", post("clusters/one/probe"), kind="Cluster", object="one", **_ONE),
    # --- acts on objects in clusters
    *(Act(f"resource-{verb}", in_cluster(f"resource-{verb}"), _EVERY, object="one", **_THERE) for verb in ("create", "replace", "patch", "apply", "delete", "scale", "restart", "suspend", "resume", "reveal")),
    *(Act(f"node-{verb}", in_cluster(f"node-{verb}", namespace=""), _EVERY, kind="Cluster", object="one", **_ONE) for verb in ("cordon", "uncordon", "label", "taint")),
    Act("node-drain", drained, _EVERY, kind="Cluster", object="one", **_ONE),
    Act("node-drain-cancel", lambda w: drained(w, cancel=True), _EVERY, kind="Cluster", object="one", **_ONE),
]  # fmt: skip


def _web() -> Application:
    return Application.objects.get(name="web")


def _one() -> Cluster:
    return Cluster.objects.get(name="one")


def rows() -> list[Any]:
    return [
        pytest.param(act, channel, id=f"{number}-{act.name}-{act.kind}-{channel}")
        for number, act in enumerate(ACTS)
        for channel in act.channels
    ]


@pytest.mark.parametrize(("act", "channel"), rows())
def test_on_record(world: World, act: Act, channel: str) -> None:
    world.channel = channel
    last = AuditEntry.objects.latest("pk").pk
    act.do(world)
    fresh = AuditEntry.objects.filter(pk__gt=last, channel=channel, kind=act.kind)
    found = [one for one in fresh if act.name in {one.event, _ACTIONS[one.action]}]
    found = [one for one in found if act.object in {None, one.object_repr}]
    written = AuditEntry.objects.filter(pk__gt=last)
    assert found, [(one.channel, one.kind, one.did, one.object_repr) for one in written]
    entry = found[-1]
    assert (entry.actor_name, entry.result) == (act.actor, act.result)
    assert (entry.project, entry.cluster, entry.namespace) == (
        act.project, act.cluster, act.namespace,
    )  # fmt: skip
    if act.reason is not None:
        assert (entry.request_id, entry.reason) == (REQUEST, act.reason)
    if channel in {"api", "cli", "console"}:
        assert entry.remote_addr == ADDRESS


_ACTIONS = {0: "create", 1: "update", 2: "delete", 3: ""}


def test_a_command_has_no_actor_and_says_so(world: World, tmp_path: Path) -> None:
    call_command("audit", "export", "--directory", str(tmp_path / "out"))
    entry = AuditEntry.objects.get(event="audit-exported")
    assert (entry.actor_name, entry.channel, entry.remote_addr) == ("", "command", None)


def test_the_command_line_says_that_it_is_one() -> None:
    """What the channel `cli` rests on."""
    assert '"X-KubeCarrier-Channel": "cli"' in (ROOT / "kubecarrier/cli/api.py").read_text()


def _literals(call: ast.Call) -> set[str]:
    """The event's name; a part that is put in stands as `*`."""
    name = call.args[0] if call.args else None
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        return {name.value}
    if isinstance(name, ast.JoinedStr):
        return {"".join(str(p.value) if isinstance(p, ast.Constant) else "*" for p in name.values)}
    return set()


def test_every_event_has_a_row() -> None:
    for event, where in WITH_CLUSTERS.items():
        assert f'"{event}"' in (ROOT / where).read_text()
    told = {act.name for act in ACTS} | set(WITH_CLUSTERS)
    found: dict[str, str] = {}
    for app in ("accounts", "apps", "fleet", "kubecarrier", "monitoring"):
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                called = node.func if isinstance(node, ast.Call) else None
                if isinstance(called, ast.Attribute) and called.attr in {"event", "on_record"}:
                    assert isinstance(node, ast.Call)
                    found |= dict.fromkeys(_literals(node), path.name)
    assert len(found) > 15
    missing = {
        name: where
        for name, where in found.items()
        if not any(re.fullmatch(name.replace("*", ".*"), one) for one in told)
    }
    assert not missing
