"""Chart repositories against a real HTTP server, and our own served to the real Helm."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import AuditEntry, User
from accounts.services import tokens
from apps.models import Application, Chart, ChartRepository, ChartVersion
from apps.tasks import refresh_repositories
from kubecarrier.lib import crypto, lease, strict_yaml
from tests.db.conftest import application, counts, error, web
from tests.portal import Portal, chart
from tests.unit.apps import chart_server
from tests.unit.apps.chart_server import Server, fixed
from tools.controlplane import binaries

pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> Iterator[Server]:
    with chart_server.running() as running:
        yield running


def index(server: Server, *archives: tuple[str, str, bytes]) -> bytes:
    """An index.yaml of (name, version, archive), which the server then serves too."""
    entries: dict[str, list[dict[str, Any]]] = {}
    for name, version, content in archives:
        server.answers[f"/{name}-{version}.tgz"] = fixed(200, content)
        entries.setdefault(name, []).append(
            {
                "apiVersion": "v2",
                "name": name,
                "version": version,
                "digest": hashlib.sha256(content).hexdigest(),
                "urls": [f"{name}-{version}.tgz"],
            }
        )
    return strict_yaml.dump({"apiVersion": "v1", "entries": entries}).encode()


def serve(server: Server, *versions: str, etag: str = '"1"') -> None:
    body = index(server, *(("web", version, web(version)) for version in versions))

    def answer(handler: chart_server.Handler) -> None:
        if handler.headers.get("If-None-Match") == etag:
            handler.reply(304, b"", ETag=etag)
        else:
            handler.reply(200, body, ETag=etag)

    server.answers["/index.yaml"] = answer


def add(portal: Portal, server: Server, **spec: Any) -> Any:
    return portal.call("put", "repositories/shop", {"spec": {"url": server.url, **spec}})


def refresh() -> ChartRepository:
    """One round of the reconciler, due or not."""
    lease.wake(ChartRepository.objects.all())
    refresh_repositories()
    return repository()


def repository(name: str = "shop") -> ChartRepository:
    found: ChartRepository = ChartRepository.objects.get(name=name)
    return found


def versions() -> list[str]:
    return sorted(ChartVersion.objects.values_list("version", flat=True))


class TestRefresh:
    def test_charts_and_versions(self, portal: Portal, server: Server) -> None:
        serve(server, "0.1.0", "0.2.0")
        add(portal, server)
        row = refresh()
        assert (row.ready, row.chart_count, versions()) == ("True", 1, ["0.1.0", "0.2.0"])
        assert Chart.objects.get().latest_version == "0.2.0"
        document = portal.call("get", "charts/shop.web")
        assert document["status"]["latestVersion"] == "0.2.0"

    @pytest.mark.parametrize("name", ["team/web", "versions", "a/versions-of/b"])
    def test_a_chart_of_a_registry_may_have_slashes_in_its_name(
        self, portal: Portal, name: str
    ) -> None:
        portal.call("put", "repositories/shop", {"spec": {"type": "local"}})
        row = Chart.objects.create(repository=repository(), chart=name, name=f"shop.{name}")
        ChartVersion.objects.create(chart=row, version="1.0.0", digest="0" * 64)
        for path in (f"charts/shop.{name}", f"charts/shop.{name.replace('/', '%2F')}"):
            assert portal.call("get", path)["metadata"]["name"] == row.name
            (item,) = portal.call("get", f"{path}/versions")["items"]
            assert item["version"] == "1.0.0"
        portal.call("get", f"charts/shop.{name}/versions/9.9.9", code=404)

    def test_an_unchanged_index_is_asked_for_by_its_tag(
        self, portal: Portal, server: Server
    ) -> None:
        serve(server, "0.1.0")
        add(portal, server)
        refresh()
        before = Chart.objects.get().updated_at
        refresh()
        assert server.seen[-1][1]["If-None-Match"] == '"1"'
        assert Chart.objects.get().updated_at == before

    def test_a_version_that_went_goes_unless_it_was_opened(
        self, portal: Portal, server: Server
    ) -> None:
        serve(server, "0.1.0", "0.2.0", "0.3.0")
        add(portal, server)
        refresh()
        portal.call("get", "charts/shop.web/versions/0.1.0")
        serve(server, "0.3.0", etag='"2"')
        refresh()
        assert versions() == ["0.1.0", "0.3.0"]

    @pytest.mark.parametrize(
        "bad",
        [
            fixed(404),
            fixed(500),
            fixed(200, b"<html>log in</html>", Content_Type="text/html"),
            fixed(200, b""),
            fixed(200, b"entries: {"),
            fixed(401),
            chart_server.reset,
            chart_server.cut,
            chart_server.junk,
        ],
    )
    def test_the_last_good_index_stays(self, portal: Portal, server: Server, bad: Any) -> None:
        serve(server, "0.1.0", "0.2.0")
        add(portal, server)
        refresh()
        server.answers["/index.yaml"] = bad
        row = refresh()
        assert row.ready == "False"
        assert row.condition("Refreshed")["reason"] == "RefreshFailed"
        assert (row.chart_count, versions()) == (1, ["0.1.0", "0.2.0"])
        serve(server, "0.3.0", etag='"3"')
        assert (refresh().ready, versions()) == ("True", ["0.3.0"])

    def test_one_bad_repository_leaves_the_others_alone(
        self, portal: Portal, server: Server
    ) -> None:
        serve(server, "0.1.0")
        portal.call("put", "repositories/bad", {"spec": {"url": f"{server.url}/nowhere"}})
        add(portal, server)
        refresh()
        assert (repository("bad").ready, repository().ready) == ("False", "True")

    def test_one_whose_password_does_not_open_leaves_the_others_alone(
        self, portal: Portal, server: Server
    ) -> None:
        serve(server, "0.1.0")
        portal.call("put", "repositories/bad", {"spec": {"url": server.url, "password": "p"}})
        add(portal, server)
        bad = repository("bad")
        bad.credential = bad.credential[:-8] + "AAAAAAA="
        bad.save()
        refresh()
        assert (repository("bad").ready, repository().ready) == ("Unknown", "True")
        assert repository("bad").condition("Ready")["reason"] == "CredentialUnreadable"

    def test_credentials_go_to_their_server_and_nowhere_else(
        self, portal: Portal, server: Server
    ) -> None:
        serve(server, "0.1.0")
        add(portal, server, username="ann", password="canary-password")
        refresh()
        assert server.seen[-1][1]["Authorization"].startswith("Basic ")
        assert "canary" not in repository().credential
        assert "canary" not in str(portal.call("get", "repositories/shop"))


class TestSave:
    def test_the_same_again_is_unchanged(self, portal: Portal, server: Server) -> None:
        add(portal, server, password="p")
        before = repository().updated_at
        response = portal.client.put(
            "/api/v1/repositories/shop", portal.call("get", "repositories/shop"), format="json"
        )
        assert response["X-KubeCarrier-Result"] == "unchanged", response.content
        assert repository().updated_at == before

    def test_an_absent_password_is_kept_and_an_empty_one_clears(
        self, portal: Portal, server: Server
    ) -> None:
        add(portal, server, password="p")
        add(portal, server, description="x")
        assert crypto.reveal(repository(), "credential") == "p"
        add(portal, server, description="x", password="")
        assert repository().credential == ""

    @pytest.mark.parametrize(
        "change",
        [
            {"url": "https://192.0.2.1/charts"},
            {"caCertificate": "x"},
            {"type": "oci", "url": "oci://192.0.2.1/c"},
        ],
    )
    def test_another_destination_demands_the_password(
        self, portal: Portal, server: Server, change: dict[str, str]
    ) -> None:
        add(portal, server, password="p")
        found = error(portal, "patch", "repositories/shop", {"spec": change}, code=400)
        assert (found["code"], found["field"]) == ("credential_required", "spec.password")
        assert repository().url == server.url

    @pytest.mark.parametrize(
        "url",
        [
            "http://169.254.169.254/latest",
            "http://[::ffff:169.254.169.254]/",
            "http://0xa9fea9fe/",
            "ftp://192.0.2.1/",
            "file:///etc/passwd",
            "https://user:canary@192.0.2.1/",
            "javascript:alert(1)",
            "",
            "https://",
        ],
    )
    def test_bad_urls(self, portal: Portal, url: str) -> None:
        before = counts()
        response = portal.client.put(
            "/api/v1/repositories/shop", {"spec": {"url": url}}, format="json"
        )
        assert response.status_code == 400, response.content
        assert "canary" not in response.content.decode()
        assert counts() == before


class TestDelete:
    def test_with_its_charts(self, portal: Portal, server: Server) -> None:
        serve(server, "0.1.0")
        add(portal, server)
        refresh()
        uid = str(repository().pk)
        answer = portal.call("delete", "repositories/shop", code=202)
        assert answer["metadata"]["uid"] == uid
        assert not Chart.objects.exists()

    def test_not_while_in_use(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        found = error(fleet, "delete", "repositories/local", code=409)
        assert (found["code"], found["data"]["applications"]) == ("repository_in_use", ["shop"])

    def test_nor_while_a_cluster_is_held_at_its_chart(self, fleet: Portal) -> None:
        """One release is pinned to an old revision of another repository's chart."""
        fleet.local_repository(web("0.1.0"), name="other")
        fleet.apply("shop", **application())
        fleet.apply("shop", **application(chart="other/web"))
        fleet.call("post", "applications/shop/rollback", {"revision": 1, "cluster": "one"})
        found = error(fleet, "delete", "repositories/local", code=409)
        assert found["code"] == "repository_in_use"

    def test_a_name_that_only_begins_alike_is_no_use(self, fleet: Portal) -> None:
        fleet.call("put", "repositories/loc", {"spec": {"type": "local"}})
        fleet.apply("shop", **application())
        fleet.call("delete", "repositories/loc", code=202)


class TestUpload:
    def test_once_and_again(self, fleet: Portal) -> None:
        before = counts()
        fleet.upload("local", web("0.1.0"))
        assert counts() == before

    def test_another_content_of_the_same_version(self, fleet: Portal) -> None:
        response = self.send(fleet, "local", chart("web", "0.1.0", values_yaml="a: 1\n"))
        assert response.json()["error"]["code"] == "chart_exists"
        assert response.status_code == 409

    def test_only_to_a_local_repository(self, portal: Portal, server: Server) -> None:
        add(portal, server)
        response = self.send(portal, "shop", web())
        assert (response.status_code, response.json()["error"]["code"]) == (
            409,
            "repository_not_local",
        )

    @pytest.mark.parametrize("content", [b"", b"x", b"\x1f\x8b broken", web()[:-20]])
    def test_no_archive(self, fleet: Portal, content: bytes) -> None:
        before = counts()
        response = self.send(fleet, "local", content)
        assert response.status_code == 400, response.content
        assert counts() == before

    def test_dry(self, fleet: Portal) -> None:
        before = counts()
        response = self.send(fleet, "local", web("0.9.0"), "?dryRun=All")
        assert response.status_code == 201
        assert counts() == before

    def send(self, portal: Portal, name: str, content: bytes, query: str = "") -> Any:
        return portal.client.post(
            f"/api/v1/repositories/{name}/charts{query}", content, content_type="application/gzip"
        )


class TestHelm:
    """Local repositories in Helm's own form."""

    @pytest.fixture
    def secret(self, admin_user: User) -> str:
        return tokens.token_create(user=admin_user, name="helm")[1]

    def test_index_and_archive(self, fleet: Portal, secret: str) -> None:
        headers = {"Authorization": basic("anything", secret)}
        page = Client().get("/helm/local/index.yaml", headers=headers)
        entries: Any = strict_yaml.load(page.content.decode())
        listed = entries["entries"]["web"]
        assert sorted(item["version"] for item in listed) == ["0.1.0", "0.2.0"]
        content = Client().get(listed[0]["urls"][0], headers=headers).content
        assert hashlib.sha256(content).hexdigest() == listed[0]["digest"]

    def test_a_download_is_on_record_and_a_look_is_not(self, fleet: Portal, secret: str) -> None:
        """Machines read the index each minute; an archive is fetched by somebody who wants it."""
        client = Client(headers={"Authorization": basic("x", secret)})
        for _ in range(3):
            text = client.get("/helm/local/index.yaml").content.decode()
        archive = first_archive(text)
        assert client.head(archive).status_code == 200
        last = AuditEntry.objects.latest("pk").pk
        assert not AuditEntry.objects.filter(event="chart-downloaded").exists()
        assert client.get(archive).status_code == 200
        (entry,) = AuditEntry.objects.filter(pk__gt=last)
        assert (entry.event, entry.object_repr, entry.actor_name, entry.channel) == (
            "chart-downloaded", "local", "admin", "api",
        )  # fmt: skip
        assert entry.changes_text.startswith("web 0.")

    def test_without_a_record_nothing_is_handed_out(
        self, fleet: Portal, secret: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(entry: AuditEntry, *args: Any, **kwargs: Any) -> None:
            raise DatabaseError("the disk is full")

        client = Client(
            headers={"Authorization": basic("x", secret)}, raise_request_exception=False
        )
        text = client.get("/helm/local/index.yaml").content.decode()
        archive = first_archive(text)
        monkeypatch.setattr(AuditEntry, "save", full)
        answer = client.get(archive)
        assert answer.status_code == 500
        assert web("0.2.0")[:64] not in answer.content

    def test_out_of_scope_is_absent_and_on_record(self, fleet: Portal) -> None:
        user = User.objects.create_user("eve")
        secret = tokens.token_create(user=user, name="helm")[1]
        client = Client(headers={"Authorization": basic("x", secret)})
        there, absent = (client.get(f"/helm/{name}/index.yaml") for name in ("local", "nope"))
        assert (there.status_code, there.content) == (404, absent.content)
        (entry,) = AuditEntry.objects.filter(event="denied")
        assert (entry.actor_name, entry.object_repr) == ("eve", "local")

    @pytest.mark.parametrize(
        "path", ["/helm/nope/index.yaml", "/helm/local/" + "0" * 64 + "/web-0.1.0.tgz"]
    )
    def test_absent(self, fleet: Portal, secret: str, path: str) -> None:
        answer = Client().get(path, headers={"Authorization": basic("x", secret)})
        assert answer.status_code == 404

    @pytest.mark.parametrize(
        "header", ["", "Basic", "Basic !!!", "Basic eDp5", "Basic " + "A" * 9000]
    )
    def test_no_token(self, fleet: Portal, header: str) -> None:
        answer = Client().get("/helm/local/index.yaml", headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Basic")


def first_archive(text: str) -> str:
    """Where an index says that its first chart is."""
    entries: Any = strict_yaml.load(text)
    return str(entries["entries"]["web"][0]["urls"][0])


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def real_helm() -> Path | None:
    path = Path(binaries().path("helm"))
    return path if path.exists() else None


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(real_helm() is None, reason="no helm binary")
def test_helm_adds_and_pulls(live_server: Any, tmp_path: Path, servers: Any) -> None:
    user = User.objects.create_superuser("helm", "h@example.org", "a-long-password")
    client = APIClient()
    client.force_authenticate(user)
    Portal(client).local_repository(web("0.1.0"), web("0.2.0"))
    _, secret = tokens.token_create(user=user, name="helm")
    environment = {
        **os.environ,
        **{f"HELM_{name}_HOME": str(tmp_path / name) for name in ("CACHE", "CONFIG", "DATA")},
    }

    def helm(*arguments: str) -> str:
        command = [str(real_helm()), *arguments]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            env=environment,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    helm(
        "repo",
        "add",
        "kc",
        f"{live_server.url}/helm/local",
        "--username",
        "x",
        "--password",
        secret,
    )
    assert "0.2.0" in helm("search", "repo", "kc/web")
    helm("pull", "kc/web", "--version", "0.1.0")
    assert (tmp_path / "web-0.1.0.tgz").read_bytes() == web("0.1.0")
    assert not Application.objects.exists()
