"""Secrets that were put in come out nowhere: a canary in every sealed column, by REST and console.

A case puts one in, changes it, makes mistakes with it, lets the reconcilers fail with it and deletes
it. Then everything is read that anybody could read. `SEALED` must name every sealed column.
"""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps as django_apps
from django.db import models, transaction
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ
from rest_framework.test import APIClient

from accounts.models import AuditEntry, Identity, SecondFactor, User
from accounts.services import second_factors
from accounts.services.rechecks import recheck_due
from accounts.services.tokens import token_create
from apps.models import Application, ChartRepository
from fleet.choices import ConflictCause
from fleet.models import Cluster, ConfigConflict, ConfigCopy, ConfigItem
from kubecarrier.lib import crypto
from tests.db.conftest import application
from tests.oidc_issuer import CLIENT_ID, running
from tests.portal import Portal, work

pytestmark = pytest.mark.django_db
Json = dict[str, Any]
_TEXTAREA = re.compile(r"<textarea.*?</textarea>", re.DOTALL)


@dataclass
class World:
    """The portal, and whatever it said."""

    portal: Portal
    client: APIClient
    console: Client
    canaries: list[str] = field(default_factory=list)
    said: list[tuple[str, str]] = field(default_factory=list)

    def canary(self) -> str:
        """A new one: with signs that URLs, JSON, HTML and base64 write otherwise."""
        number = len(self.canaries)
        self.canaries.append(f"canary/{number}+<Zq7>&'x{number}==")
        return self.canaries[-1]

    def call(self, method: str, path: str, body: Any = None, *, refused: bool = False) -> Any:
        """Over REST."""
        answer = getattr(self.client, method)(f"/api/v1/{path}", body, format="json")
        text = answer.content.decode()
        self.said.append((f"{method} {path}", text))
        assert (answer.status_code >= 400) == refused, text
        return json.loads(text) if text else None

    def post(self, path: str, given: Any, *, refused: bool = False) -> Any:
        """As a form. What was typed comes back to who typed it, in its own field only."""
        answer = self.console.post(path, given)
        text = answer.content.decode()
        assert (answer.status_code != 302) == refused, text
        self.said.append((f"post {path}", _TEXTAREA.sub("", text) if refused else text))
        return answer

    def look(self, path: str) -> None:
        answer = self.console.get(path)
        assert answer.status_code in {200, 302, 404}, path
        body = getattr(answer, "content", b"")
        self.said.append((f"get {path}", body.decode()))

    def pages(self, row: Any) -> None:
        """Its page with every tab, and the list."""
        label = f"admin:{row._meta.app_label}_{row._meta.model_name}"
        page = reverse(f"{label}_change", args=[row.pk])
        for tab in ("status", "spec", "history"):
            self.look(f"{page}?tab={tab}")
        self.look(reverse(f"{label}_changelist"))

    def reads(self, *paths: str) -> None:
        for path in paths:
            self.call("get", path)


@pytest.fixture
def world(fleet: Portal, admin_user: User) -> World:
    console = Client()
    console.force_login(admin_user)
    return World(fleet, fleet.client, console)


def clusters(w: World) -> None:
    body = {"server": "https://three.example.org", "credential": {"token": w.canary()}}
    w.call("put", "clusters/three", {"spec": body})
    w.call("put", "clusters/three", {"spec": {**body, "credential": {"token": w.canary()}}})
    w.call("post", "clusters/three/rotate", {"token": w.canary()})
    bad = {"server": "ftp://169.254.169.254", "credential": {"token": w.canary()}}
    w.call("put", "clusters/four", {"spec": bad}, refused=True)
    w.call("put", "clusters/four", {"spec": {**body, "tokne": w.canary()}}, refused=True)
    w.call(
        "put", "clusters/four", {"spec": {**body, "credential": {"exec": w.canary()}}}, refused=True
    )
    w.call("post", "clusters/import", {"kubeconfig": kubeconfig(w.canary())})
    w.call("post", "clusters/import", {"kubeconfig": f"users: [{w.canary()}"}, refused=True)
    add = reverse("admin:fleet_cluster_add")
    given = {"method": "token", "name": "five", "server": "https://five.example.org"}
    w.post(add, {**given, "token": w.canary()})
    w.post(add, {**given, "token": w.canary(), "server": "ftp://x"}, refused=True)
    row = Cluster.objects.get(name="five")
    rotate = reverse("admin:fleet_cluster_do", args=[row.pk, "rotate"])
    w.post(rotate, {"token": w.canary()})
    w.pages(row)
    w.reads("clusters", "clusters/three", "clusters/five")
    work()
    w.call("delete", "clusters/three")


def kubeconfig(token: str) -> str:
    user = json.dumps({"token": token})
    return (
        "apiVersion: v1\nkind: Config\ncurrent-context: k\n"
        "clusters: [{name: k, cluster: {server: 'https://k.example.org'}}]\n"
        f"users: [{{name: k, user: {user}}}]\n"
        "contexts: [{name: k, context: {cluster: k, user: k}}]\n"
    )


def repositories(w: World) -> None:
    body = {"type": "oci", "url": "oci://registry.example.org/x", "username": "u"}
    w.call("put", "repositories/r", {"spec": {**body, "password": w.canary()}})
    w.call("patch", "repositories/r", {"spec": {"password": w.canary()}})
    w.call(
        "patch",
        "repositories/r",
        {"spec": {"password": w.canary(), "url": "oci://10.0.0.1/%"}},
        refused=True,
    )
    w.call("patch", "repositories/r", {"spec": {"pasword": w.canary()}}, refused=True)
    add = reverse("admin:apps_chartrepository_add")
    given = {**body, "name": "s", "password": w.canary(), "refresh_seconds": "3600"}
    w.post(add, given)
    w.post(add, {**given, "name": "t", "password": w.canary(), "url": "x"}, refused=True)
    w.call("post", "repositories/r/refresh")
    work()
    w.pages(ChartRepository.objects.get(name="s"))
    w.reads("repositories", "repositories/r")
    w.call("delete", "repositories/r")


def applications(w: World) -> None:
    def secrets(value: str) -> list[Json]:
        return [{"name": "keys", "data": {"A": value}}]

    w.call("put", "applications/web", {"spec": application(secrets=secrets(w.canary()))})
    w.call("put", "applications/web", {"spec": application(secrets=secrets(w.canary()))})
    wrong = application(secrets=[{"name": "keys", "data": {"A": [w.canary()]}}])
    w.call("put", "applications/web", {"spec": wrong}, refused=True)
    wrong = application(secrets=secrets(w.canary()), values=f"a: [{w.canary()}")
    w.canaries.pop()  # values are no place for secrets: they are shown
    w.call("put", "applications/web", {"spec": wrong}, refused=True)
    given = {
        "name": "form", "chart": "local/web", "version": "0.1.0", "namespace": "form",
        "clusters": "one", "on_failure": "keep", "drift_policy": "detect",
        "timeout_seconds": "300", "max_history": "10",
        "secrets": f"- name: keys\n  data: {{A: {json.dumps(w.canary())}}}\n",
    }  # fmt: skip
    add = reverse("admin:apps_application_add")
    w.post(add, given)
    w.post(add, {**given, "name": "Not", "secrets": given["secrets"]}, refused=True)
    w.call("post", "applications/web/rollback", {"revision": 1})
    work()
    row = Application.objects.get(name="web")
    w.pages(row)
    w.look(reverse("admin:apps_application_do", args=[row.pk, "rollback"]))
    w.reads(
        "applications", "applications/web", "applications/web/revisions", "applications/web/values"
    )
    w.reads("releases", "releases/web.one", "operations")
    w.call("delete", "applications/web")


def config_items(w: World) -> None:
    def spec(value: str, **more: Any) -> Json:
        return {
            "type": "Secret", "namespaces": ["shop"], "data": {"a": value},
            "placement": {"clusters": ["one"]}, **more,
        }  # fmt: skip

    w.call("put", "configitems/key", {"spec": spec(w.canary())})
    w.call("post", "configitems/key/set", {"data": {"b": w.canary()}})
    w.call("put", "configitems/key", {"spec": spec(w.canary())})
    w.call(
        "put",
        "configitems/key",
        {"spec": spec(w.canary(), binaryData={"c": w.canary()})},
        refused=True,
    )
    w.call(
        "put", "configitems/key", {"spec": spec(w.canary(), data={"a b": w.canary()})}, refused=True
    )
    w.call("post", "configitems/key/rollback", {"revision": 1})
    row = ConfigItem.objects.get(name="key")
    work()
    w.pages(row)
    for slug in ("rollback", "reveal"):
        w.look(reverse("admin:fleet_configitem_do", args=[row.pk, slug]))
    w.reads("configitems", "configitems/key", "configitems/key/revisions", "configitems/key/diff")
    w.reads("configcopies", "configcopies/key.one.shop")
    add = reverse("admin:fleet_configitem_add")
    given = {"name": "form", "type": "Secret", "namespaces": "shop", "clusters": "one"}
    with suppress(AssertionError):  # whatever the form asks more
        w.post(add, {**given, "values": f"a: {json.dumps(w.canary())}\n"})
    w.call("delete", "configitems/key")


def conflicts(w: World) -> None:
    spec = {"namespaces": ["shop"], "data": {"a": "b"}, "placement": {"clusters": ["one"]}}
    w.call("put", "configitems/settings", {"spec": {**spec, "type": "Secret"}})
    copy = ConfigCopy.objects.get()
    for choice in ("adopt", "pin", "ignore", "revert"):
        value = base64.b64encode(w.canary().encode()).decode()
        row = ConfigConflict(
            item=copy.item,
            copy=copy,
            cause=ConflictCause.WAITING,
            keys=["a"],
            author_name="kubectl",
        )
        crypto.seal(row, "found", json.dumps({"a": value}))
        row.save()
        w.pages(row)
        w.look(reverse("admin:fleet_configconflict_do", args=[row.pk, choice]))
        w.reads("configconflicts", f"configconflicts/{row.pk}")
        w.call("post", f"configconflicts/{row.pk}/resolve", {"choice": choice})
        w.pages(copy.item)
    work()
    w.call("delete", "configitems/settings")


def identities(w: World) -> None:
    user = User.objects.create_user("ann")
    answers: list[Any] = [(503, {}), (200, {"id_token": "x"}), (400, {"error": "invalid_grant"})]
    with running() as issuer:
        setup = {
            "KUBECARRIER_OIDC_ISSUER": issuer.url,
            "KUBECARRIER_OIDC_CLIENT_ID": CLIENT_ID,
            "KUBECARRIER_OIDC_CLIENT_SECRET": w.canary(),
        }
        for number, answer in enumerate(answers):
            token_create(user=user, name="t")
            row = Identity(user=user, source="oidc", issuer=issuer.url, subject=str(number))
            row.check_due_at = timezone.now()
            crypto.seal(row, "refresh_token", w.canary())
            row.save()
            issuer.token_answer = partial(_answered, answer)
            with override_settings(**setup):
                assert recheck_due() == 1
            w.look(reverse("admin:accounts_user_change", args=[user.pk]))
            Identity.objects.update(check_due_at=None)
        assert len(issuer.asked("/token")) >= 2
    user.delete()


def _answered(answer: Any, form: Any) -> Any:
    return answer


def second_factor(w: World) -> None:
    user = User.objects.get(username="admin")
    w.canaries.append(second_factors.factor_begin(user=user))
    w.post("/account", {"do": "confirm", "code": "000000"}, refused=True)
    w.said.pop()  # until it is confirmed, its owner sees it there
    SecondFactor.objects.update(confirmed_at=timezone.now())
    w.look("/account")
    w.look(reverse("admin:accounts_user_change", args=[user.pk]))
    body = {"username": "admin", "password": "a-long-password", "code": "000000"}
    answer = APIClient().post("/api/v1/auth/login", body, format="json")
    w.said.append(("login", answer.content.decode()))


def tokens(w: World) -> None:
    """No sealed column: kept as a digest, and as hashes."""
    made = w.client.post("/api/v1/apitokens", {"title": "ci"}, format="json").json()
    w.canaries.append(made["token"])
    name = made["object"]["metadata"]["name"]
    w.reads("apitokens", f"apitokens/{name}")
    w.look("/admin/accounts/apitoken/")
    headers = {"Authorization": f"Token {made['token']}x"}
    w.said.append(("wrong", APIClient(headers=headers).get("/api/v1/clusters").content.decode()))
    w.call("delete", f"apitokens/{name}")


def passwords(w: World) -> None:
    add = reverse("admin:accounts_user_add")
    first, other = w.canary(), w.canary()
    given = {"username": "ann", "usable_password": "true", "password1": first, "password2": first}
    w.post(add, {**given, "password2": other}, refused=True)
    w.post(add, given)
    user = User.objects.get(username="ann")
    change = reverse("admin:auth_user_password_change", args=[user.pk])
    w.post(change, {**given, "password1": other, "password2": other})
    for password in (w.canary(), other):
        body = {"username": "ann", "password": password}
        answer = APIClient().post("/api/v1/auth/login", body, format="json")
        w.said.append(("login", answer.content.decode()))
        page = Client().post("/admin/login/", body)
        w.said.append(("login", page.content.decode()))
    body = {"username": w.canary(), "password": w.canary()}
    APIClient().post("/api/v1/auth/login", body, format="json")
    Client().post("/admin/login/", body)
    w.pages(user)


SEALED: dict[str, Callable[[World], None]] = {
    "accounts.Identity.refresh_token": identities,
    "accounts.SecondFactor.secret": second_factor,
    "apps.Application.secret_data": applications,
    "apps.ApplicationRevision.secret_data": applications,
    "apps.ChartRepository.credential": repositories,
    "fleet.Cluster.credential": clusters,
    "fleet.ConfigConflict.found": conflicts,
    "fleet.ConfigItem.secret_data": config_items,
    "fleet.ConfigItemRevision.secret_data": config_items,
}
CASES = [*dict.fromkeys(SEALED.values()), tokens, passwords]


def test_every_sealed_column_has_a_case() -> None:
    found = {
        f"{model._meta.label}.{column.name}"
        for model in django_apps.get_models()
        for column in model._meta.concrete_fields
        if isinstance(column, crypto.SealedField)
    }
    assert found == set(SEALED)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_comes_out_nowhere(
    case: Callable[[World], None],
    world: World,
    caplog: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    with caplog.at_level("DEBUG"):
        case(world)
        for _, wake, _ in transaction.get_connection().run_on_commit:
            wake()  # what a commit would send to the queue
    assert len(world.canaries) >= 1
    everything = [*world.said, ("log", _logs(caplog)), *_rows(), *_audit(world), *_rest(world)]
    found = {
        where
        for where, text in everything
        for canary in world.canaries
        for form in forms(canary)
        if form in text
    }
    assert not found
    assert OrmQ.objects.exists()


def forms(canary: str) -> set[str]:
    """How it may be written."""
    raw = canary.encode()
    return {
        canary, quote(canary, safe=""), base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(), raw.hex(), json.dumps(canary)[1:-1],
        canary.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#x27;"),
    }  # fmt: skip


def _logs(caplog: Any) -> str:
    """Messages with what was put into them, and tracebacks."""
    lines = [caplog.text]
    lines += [f"{one.getMessage()} {one.__dict__}" for one in caplog.records]
    return "\n".join(lines)


def _rows() -> Iterator[tuple[str, str]]:
    """Every column of every table: sealed ones are there too, as they are stored."""
    for model in django_apps.get_models():
        rows: models.QuerySet[Any] = models.QuerySet(model)
        yield model._meta.label, repr(list(rows.values()))
    yield "queue", repr([one.task for one in OrmQ.objects.all()])


def _audit(world: World) -> Iterator[tuple[str, str]]:
    assert AuditEntry.objects.exists()
    for form in ("jsonl", "csv"):
        response: Any = world.client.post(
            "/api/v1/auditentries/export", {"form": form}, format="json"
        )
        archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
        for name in archive.namelist():
            yield f"export {name}", archive.read(name).decode()
    for path in ("", "changed/?since=2020-01-01T00:00"):
        page = world.console.get(f"/admin/accounts/auditentry/{path}")
        yield f"audit {path}", page.content.decode()
    for entry in AuditEntry.objects.order_by("-pk")[:40]:
        page = world.console.get(f"/admin/accounts/auditentry/{entry.pk}/change/")
        yield f"entry {entry}", page.content.decode()


def _rest(world: World) -> Iterator[tuple[str, str]]:
    """Lists of every kind, which is what the command line prints, and the metrics."""
    from kubecarrier.lib.manifests import kinds

    for kind in kinds():
        answer = world.client.get(f"/api/v1/{kind.plural}")
        yield f"list {kind.plural}", answer.content.decode()
    yield "metrics", world.console.get("/metrics").content.decode()
    yield "ready", world.console.get("/readyz").content.decode()
