"""A source that fails or lies: the last good state stays, and nothing is ever deleted for it."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.models import Application, Chart, ChartRepository, ChartVersion, Release
from apps.tasks import refresh_repositories, summarize_applications
from kubecarrier.lib import lease, strict_yaml
from tests.db.conftest import application, counts, web
from tests.portal import Portal
from tests.unit.apps import chart_server
from tests.unit.apps.chart_server import Answer, Server, Stream, fixed

pytestmark = pytest.mark.django_db
PASSWORD = "canary-password"
METADATA = "http://169.254.169.254/latest/meta-data/"


@pytest.fixture
def server() -> Iterator[Server]:
    with chart_server.running() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Server]:
    """Another host, which asks for nothing and should get nothing."""
    with chart_server.running() as running:
        yield running


def serve(server: Server, versions: dict[str, bytes], digests: dict[str, str]) -> None:
    """An index of these archives; a digest of `digests` stands for the true one."""
    entries = [
        {
            "apiVersion": "v2",
            "name": "web",
            "version": version,
            "digest": digests.get(version) or hashlib.sha256(content).hexdigest(),
            "urls": [f"web-{version}.tgz"],
        }
        for version, content in versions.items()
    ]
    body = strict_yaml.dump({"apiVersion": "v1", "entries": {"web": entries}}).encode()
    server.answers["/index.yaml"] = fixed(200, body)
    server.answers |= {f"/web-{v}.tgz": fixed(200, content) for v, content in versions.items()}


def refresh() -> None:
    lease.wake(ChartRepository.objects.all())
    refresh_repositories()
    lease.wake(Application.objects.all())
    summarize_applications()


@pytest.fixture
def deployed(fleet: Portal, server: Server) -> Portal:
    """An application of the good source, placed on two clusters."""
    serve(server, {"0.1.0": web("0.1.0"), "0.2.0": web("0.2.0")}, {})
    spec = {"url": server.url, "username": "ann", "password": PASSWORD}
    fleet.call("put", "repositories/shop", {"spec": spec})
    refresh()
    fleet.apply("shop", **application(chart="shop/web", version="0.1.0"))
    return fleet


def bomb() -> bytes:
    """An archive of 150 MiB of nothing, in some 150 kB."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("web/values.yaml")
        member.size = 150 * 1024 * 1024
        tar.addfile(member, io.BytesIO(bytes(member.size)))
    return packed.getvalue()


def redirect(to: Callable[[Server], str]) -> Callable[[Server], Answer]:
    return lambda other: fixed(302, Location=to(other))


FAULTS: dict[str, Callable[[Server], Answer]] = {
    "404": lambda _: fixed(404),
    "500": lambda _: fixed(500),
    "HTML with 200": lambda _: fixed(200, b"<html>log in</html>", Content_Type="text/html"),
    "truncated": lambda _: chart_server.cut,
    "endless stream": lambda _: Stream(b"x: " + b"y" * 65533),
    "redirect to another host": redirect(lambda other: f"{other.url}/index.yaml"),
    "redirect to metadata": redirect(lambda _: METADATA),
    "compressed bomb": lambda _: fixed(
        200, gzip.compress(b"a" * 300 * 1024 * 1024, 1), Content_Encoding="gzip"
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_index_deletes_nothing(
    deployed: Portal, server: Server, other: Server, fault: str
) -> None:
    before, charts = counts(), list(Chart.objects.values_list("pk", "latest_version"))
    server.answers["/index.yaml"] = FAULTS[fault](other)
    refresh()
    assert counts() == before
    assert list(Chart.objects.values_list("pk", "latest_version")) == charts
    row = ChartRepository.objects.get(name="shop")
    assert row.ready == "False"
    assert PASSWORD not in str(row.conditions)
    assert not Release.objects.exclude(deletion_requested_at=None).exists()
    assert not Application.objects.exclude(deletion_requested_at=None).exists()
    assert all("Authorization" not in headers for _, headers in other.seen)


ARCHIVES: dict[str, Callable[[Server], Answer]] = {
    **{name: fault for name, fault in FAULTS.items() if name != "compressed bomb"},
    "truncated archive": lambda _: fixed(200, web("0.3.0")[:-40]),
    "wrong digest": lambda _: fixed(200, web("0.2.0")),
    "bomb": lambda _: fixed(200, bomb()),
}
#: Where the digest in the index is that of the bad archive: what is in it must be found out.
TRUE_DIGEST = {"truncated archive": web("0.3.0")[:-40], "bomb": bomb()}


@pytest.mark.parametrize("fault", ARCHIVES)
def test_a_bad_archive_changes_nothing(
    deployed: Portal, server: Server, other: Server, fault: str
) -> None:
    versions = {v: web(v) for v in ("0.1.0", "0.2.0", "0.3.0")}
    digest = TRUE_DIGEST.get(fault)
    serve(server, versions, {"0.3.0": hashlib.sha256(digest).hexdigest()} if digest else {})
    refresh()
    server.answers["/web-0.3.0.tgz"] = ARCHIVES[fault](other)
    before, known = counts(), set(ChartVersion.objects.values_list("version", flat=True))
    body: dict[str, Any] = {"spec": application(chart="shop/web", version="0.3.0")}
    answer = deployed.client.put("/api/v1/applications/shop", body, format="json")
    assert 400 <= answer.status_code < 600, answer.content
    assert answer.status_code != 500
    assert answer.json()["error"]["code"]
    assert PASSWORD not in answer.content.decode()
    assert counts() == before
    assert set(ChartVersion.objects.values_list("version", flat=True)) == known
    row = Application.objects.get(name="shop")
    assert (row.resolved_version, row.generation) == ("0.1.0", 1)
    assert not Release.objects.exclude(deletion_requested_at=None).exists()
    assert all("Authorization" not in headers for _, headers in other.seen)


@pytest.mark.parametrize("realm", ["elsewhere", "metadata"])
def test_a_token_realm_that_gives_nothing_deletes_nothing(
    deployed: Portal, server: Server, other: Server, realm: str
) -> None:
    """Registries do have their tokens elsewhere; what a realm may be: unit/apps/test_chart_oci.py."""
    where = f"{other.url}/token" if realm == "elsewhere" else METADATA
    challenge = f'Bearer realm="{where}",service="x",scope="repository:demo:pull"'
    server.answers["/v2/demo/tags/list"] = fixed(401, WWW_Authenticate=challenge)
    spec = {
        "type": "oci",
        "url": f"oci://127.0.0.1:{server.port}",
        "charts": ["demo"],
        "plainHttp": True,
        "username": "ann",
        "password": PASSWORD,
    }
    deployed.call("put", "repositories/registry", {"spec": spec})
    before = counts()
    refresh()
    assert counts() == before
    row = ChartRepository.objects.get(name="registry")
    assert row.ready == "False"
    assert PASSWORD not in str(row.conditions)
    assert [path.partition("?")[0] for path, _ in other.seen] == ["/token"] * (realm == "elsewhere")
