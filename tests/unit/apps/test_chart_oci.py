"""The door to OCI registries: Debian's real registry, and a hostile one."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from apps import chart_oci
from apps.chart_fetch import (
    Credentials,
    FetchLimits,
    RepositoryCode,
    RepositoryError,
    RepositoryTerminalError,
)
from apps.chart_oci import OciRepository
from apps.versions import VersionError
from kubecarrier.lib.netguard import AddressError, Policy
from tests.unit.apps import chart_server
from tests.unit.apps.chart_packs import pack
from tests.unit.apps.chart_server import Answer, Handler, Server, Stream, fixed

REGISTRY = shutil.which("docker-registry") or "/usr/bin/docker-registry"
POLICY = Policy(allow_loopback=True)
BASIC = "Basic " + base64.b64encode(b"ann:s3cret").decode()
# bcrypt of s3cret, with cost 5: the real registry reads no other hash.
HTPASSWD = "ann:$2y$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK\n"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.cncf.helm.config.v1+json"
LAYER_TYPE = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
CONFIG = b'{"name": "demo", "version": "1.2.3"}'
ARCHIVE = pack({})
C = RepositoryCode


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def manifest(archive: bytes = ARCHIVE, **changes: Any) -> dict[str, Any]:
    config = {"mediaType": CONFIG_TYPE, "digest": digest(CONFIG), "size": len(CONFIG)}
    layer = {"mediaType": LAYER_TYPE, "digest": digest(archive), "size": len(archive)}
    whole = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
    return {**whole, **changes}


# -- references ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "registry", "path"),
    [
        ("oci://registry.test/charts/demo", "registry.test", "charts/demo"),
        ("oci://registry.test:5000/a/b__c/d.e-f/", "registry.test:5000", "a/b__c/d.e-f"),
        ("oci://127.0.0.1:5000/demo", "127.0.0.1:5000", "demo"),
        ("oci://[::1]:5000/demo", "[::1]:5000", "demo"),
    ],
)
def test_reference(text: str, registry: str, path: str) -> None:
    assert chart_oci.parse_reference(text) == chart_oci.OciReference(registry, path)


@pytest.mark.parametrize(
    "text",
    [
        "https://registry.test/demo", "oci://registry.test", "oci://registry.test/",
        "oci:///demo", "oci://registry.test/demo:1.0.0", "oci://registry.test/demo@sha256:aa",
        "oci://u:p@registry.test/demo", "oci://registry.test/../demo", "oci://registry.test/a//b",
        "oci://registry.test/Demo", "oci://registry.test/a/../b", "oci://registry.test/demo?x=y",
        "oci://registry.test/demo#x", "oci://registry.test/" + "a" * 300, "registry.test/demo", "",
    ],
)  # fmt: skip
def test_bad_reference(text: str) -> None:
    with pytest.raises(AddressError):
        chart_oci.parse_reference(text)


def test_plus_becomes_underscore() -> None:
    assert chart_oci.tag_of("1.2.3+b.1") == "1.2.3_b.1"
    assert chart_oci.version_of("1.2.3_b.1") == "1.2.3+b.1"
    for bad in ("", "../x", "1.0.0/../../x", "a" * 200, "1 0"):
        with pytest.raises(VersionError):
            chart_oci.tag_of(bad)


def test_plain_http_is_for_loopback_only() -> None:
    with pytest.raises(AddressError):
        OciRepository("oci://10.0.0.1/demo", policy=POLICY, plain_http=True).list_versions()
    with pytest.raises(AddressError):
        OciRepository("oci://127.0.0.1:1/demo", plain_http=True).list_versions()


def test_tls_is_the_rule() -> None:
    with chart_server.running() as server, pytest.raises(RepositoryError) as caught:
        OciRepository(f"oci://127.0.0.1:{server.port}/demo", policy=POLICY).list_versions()
    assert caught.value.code == C.UNREACHABLE
    assert server.seen == []


def test_secrets_are_not_shown() -> None:
    assert "s3cret" not in repr(OciRepository("oci://x.test/demo", "ann", "s3cret"))


# -- the real registry --------------------------------------------------------------------

needs_registry = pytest.mark.skipif(
    not Path(REGISTRY).exists(), reason="Debian's docker-registry is not installed"
)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a real registry that wants Basic credentials."""
    folder = tmp_path_factory.mktemp("registry")
    port = _free_port()
    (folder / "htpasswd").write_text(HTPASSWD)
    (folder / "config.yml").write_text(
        "version: 0.1\nlog: {level: error}\n"
        f"storage: {{filesystem: {{rootdirectory: '{folder}/data'}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
        f"auth: {{htpasswd: {{realm: test, path: '{folder}/htpasswd'}}}}\n"
    )
    command = [REGISTRY, "serve", str(folder / "config.yml")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_for(port, process)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("docker-registry did not start")


def push(port: int, path: str, tag: str, archive: bytes = ARCHIVE) -> str:
    """Pushes a chart the way Helm does; returns the manifest's digest."""
    body = json.dumps(manifest(archive)).encode()
    base = f"http://127.0.0.1:{port}/v2/{path}"
    with httpx2.Client(auth=("ann", "s3cret")) as client:
        for blob in (CONFIG, archive):
            where = client.post(f"{base}/blobs/uploads/").headers["Location"]
            joined = f"{where}{'&' if '?' in where else '?'}digest={digest(blob)}"
            assert client.put(joined, content=blob).status_code == 201
        headers = {"Content-Type": MANIFEST}
        answer = client.put(f"{base}/manifests/{tag}", content=body, headers=headers)
        assert answer.status_code == 201
    return digest(body)


def real(port: int, path: str) -> OciRepository:
    where = f"oci://127.0.0.1:{port}/{path}"
    return OciRepository(where, "ann", "s3cret", policy=POLICY, plain_http=True)


@needs_registry
def test_a_chart_from_a_real_registry(registry: int) -> None:
    pushed = push(registry, "charts/demo", "1.2.3_b.1")
    for tag in ("1.10.0", "1.9.0", "latest", "2.0.0-rc.1"):
        push(registry, "charts/demo", tag)
    repository = real(registry, "charts/demo")
    assert repository.list_versions() == ("2.0.0-rc.1", "1.10.0", "1.9.0", "1.2.3+b.1")
    assert repository.resolve("1.2.3+b.1") == pushed
    chart = repository.fetch_chart("1.2.3+b.1")
    assert (chart.version, chart.manifest_digest) == ("1.2.3+b.1", pushed)
    assert chart.archive == ARCHIVE
    assert chart.digest == hashlib.sha256(ARCHIVE).hexdigest()
    assert chart.config == {"name": "demo", "version": "1.2.3"}


@needs_registry
def test_pages_of_a_real_registry(registry: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for patch in range(7):
        push(registry, "charts/pages", f"0.0.{patch}")
    whole = chart_oci._Registry._url
    monkeypatch.setattr(
        chart_oci._Registry, "_url", lambda self, rest: whole(self, rest.replace("1000", "2"))
    )
    assert len(real(registry, "charts/pages").list_versions()) == 7


@needs_registry
def test_what_a_real_registry_refuses(registry: int) -> None:
    with pytest.raises(RepositoryTerminalError) as caught:
        replace(real(registry, "charts/demo"), password="wrong").list_versions()
    assert caught.value.code == C.UNAUTHORIZED
    with pytest.raises(RepositoryTerminalError) as caught:
        real(registry, "charts/none").list_versions()
    assert caught.value.code == C.NOT_FOUND
    with pytest.raises(RepositoryTerminalError) as caught:
        real(registry, "charts/demo").fetch_chart("99.0.0")
    assert caught.value.code == C.NOT_FOUND


# -- a hostile registry ---------------------------------------------------------------------

ROOT = "/v2/charts/demo"


@pytest.fixture
def server() -> Iterator[Server]:
    with chart_server.running() as running:
        serve(running)
        yield running


@pytest.fixture
def other() -> Iterator[Server]:
    with chart_server.running() as running:
        yield running


def serve(server: Server, document: object = None, **answers: Answer) -> None:
    """Answers like a registry that holds 1.2.3, except for what a test replaces."""
    body = document if isinstance(document, bytes) else json.dumps(document or manifest()).encode()
    server.answers |= {
        f"{ROOT}/tags/list": fixed(200, b'{"name": "charts/demo", "tags": ["1.2.3"]}'),
        f"{ROOT}/manifests/1.2.3": fixed(200, body),
        f"{ROOT}/blobs/{digest(CONFIG)}": fixed(200, CONFIG),
        f"{ROOT}/blobs/{digest(ARCHIVE)}": fixed(200, ARCHIVE),
    }
    for name, answer in answers.items():
        server.answers[f"{ROOT}/{name}"] = answer


def hostile(server: Server, **changes: Any) -> OciRepository:
    where = f"oci://127.0.0.1:{server.port}/charts/demo"
    made = OciRepository(where, "ann", "s3cret", policy=POLICY, plain_http=True)
    return replace(made, **changes)


def test_the_hostile_one_can_be_good(server: Server) -> None:
    assert hostile(server).fetch_chart("1.2.3").archive == ARCHIVE
    assert not any("Authorization" in headers for _, headers in server.seen)


def guarded(challenge: str, wanted: str, inner: Answer) -> Answer:
    """401 with a challenge until the wanted Authorization header comes."""

    def answer(handler: Handler) -> None:
        if handler.headers["Authorization"] == wanted:
            inner(handler)
        else:
            handler.reply(401, b"", WWW_Authenticate=challenge)

    return answer


def protect(server: Server, challenge: str, wanted: str) -> None:
    for path, answer in list(server.answers.items()):
        server.answers[path] = guarded(challenge, wanted, answer)


def bearer(realm: str) -> str:
    return f'Bearer realm="{realm}",service="the registry",scope="repository:other:push,pull"'


@pytest.mark.parametrize("field", ["token", "access_token"])
def test_token_from_another_host(server: Server, other: Server, field: str) -> None:
    """As with most public registries; the scope is ours, not the challenge's."""
    protect(server, bearer(f"{other.url}/token"), "Bearer abc.def")
    other.answers["/token"] = fixed(200, json.dumps({field: "abc.def"}).encode())
    assert hostile(server).fetch_chart("1.2.3").archive == ARCHIVE
    (path, headers) = other.seen[0]
    assert path == "/token?service=the+registry&scope=repository%3Acharts%2Fdemo%3Apull"
    assert headers["Authorization"] == BASIC
    assert len(other.seen) == 1
    sent = {headers.get("Authorization") for _, headers in server.seen}
    assert sent == {None, "Bearer abc.def"}


def test_token_without_credentials(server: Server, other: Server) -> None:
    protect(server, bearer(f"{other.url}/token?a=b"), "Bearer abc")
    other.answers["/token"] = fixed(200, b'{"token": "abc"}')
    hostile(server, username="", password="").list_versions()
    assert "Authorization" not in other.seen[0][1]
    assert other.seen[0][0].startswith("/token?a=b&service=")


@pytest.mark.parametrize(
    "realm",
    [
        "http://169.254.169.254/token", "http://2852039166/token", "https://[fd00:ec2::254]/",
        "http://10.1.2.3/token", "file:///etc/passwd", "ftp://x.test/", "", "/token",
        "http://u:p@127.0.0.1/",
    ],
)  # fmt: skip
def test_a_bad_realm_gets_nothing(server: Server, realm: str) -> None:
    protect(server, bearer(realm), "Bearer abc")
    with pytest.raises(AddressError):
        hostile(server).list_versions()


def test_with_tls_a_realm_without_tls_is_refused() -> None:
    registry = chart_oci._Registry(
        None, "https://x.test/", "demo", Credentials("ann", "s3cret"), False  # type: ignore[arg-type]
    )  # fmt: skip
    with pytest.raises(AddressError):
        registry._answer(bearer("http://127.0.0.1/token"))


def test_a_realm_that_redirects_keeps_the_password(server: Server, other: Server) -> None:
    protect(server, bearer(f"{server.url}/token"), "Bearer abc")
    server.answers["/token"] = fixed(302, Location=f"{other.url}/token")
    other.answers["/token"] = fixed(200, b'{"token": "abc"}')
    hostile(server).list_versions()
    assert "Authorization" not in other.seen[0][1]


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        (C.CONTENT, fixed(200, b"{}")),
        (C.CONTENT, fixed(200, b'{"token": 5}')),
        (C.CONTENT, fixed(200, b'{"token": "a\\r\\nX: y"}')),
        (C.CONTENT, fixed(200, b"[" * 50_000)),
        (C.HTML, fixed(200, b"<html>")),
        (C.UNAUTHORIZED, fixed(401)),
        (C.TOO_LARGE, Stream()),
        (C.SERVER_ERROR, fixed(500)),
    ],
    ids=["empty", "number", "newline", "deep", "html", "401", "endless", "500"],
)
def test_a_bad_token_service(server: Server, code: str, answer: Answer) -> None:
    protect(server, bearer(f"{server.url}/token"), "Bearer abc")
    server.answers["/token"] = answer
    with pytest.raises(RepositoryError) as caught:
        hostile(server).list_versions()
    assert caught.value.code == code


@pytest.mark.parametrize("challenge", ["", "Negotiate", "Digest x", 'Basic realm="x"'])
def test_wrong_credentials_are_not_tried_again(server: Server, challenge: str) -> None:
    protect(server, challenge, "never")
    with pytest.raises(RepositoryTerminalError) as caught:
        hostile(server).list_versions()
    assert caught.value.code == C.UNAUTHORIZED
    assert len(server.seen) == 2


def test_a_blob_elsewhere_gets_no_credentials(server: Server, other: Server) -> None:
    where = f"{ROOT}/blobs/{digest(ARCHIVE)}"
    server.answers[where] = fixed(307, Location=f"{other.url}/blob")
    other.answers["/blob"] = fixed(200, ARCHIVE)
    protect(server, 'Basic realm="x"', BASIC)
    assert hostile(server).fetch_chart("1.2.3").archive == ARCHIVE
    assert "Authorization" not in other.seen[0][1]


def test_a_blob_redirected_to_metadata(server: Server) -> None:
    where = f"{ROOT}/blobs/{digest(ARCHIVE)}"
    server.answers[where] = fixed(307, Location="http://169.254.169.254/")
    with pytest.raises(AddressError):
        hostile(server).fetch_chart("1.2.3")


@pytest.mark.parametrize(
    ("code", "document"),
    [
        (C.HTML, b"<html>"),
        (C.CONTENT, b"[]"),
        (C.CONTENT, b"{}"),
        (C.CONTENT, manifest(config={"mediaType": "application/vnd.oci.image.config.v1+json"})),
        (C.CONTENT, manifest(config=None)),
        (C.CONTENT, manifest(layers=[])),
        (C.CONTENT, manifest(layers=None)),
        (C.CONTENT, manifest(layers=[None, 5])),
        (C.CONTENT, manifest(layers=manifest()["layers"] * 2)),
        (C.CONTENT, manifest(layers=[{**manifest()["layers"][0], "digest": None}])),
        (C.CONTENT, manifest(layers=[{**manifest()["layers"][0], "digest": "md5:abc"}])),
        (C.CONTENT, manifest(layers=[{**manifest()["layers"][0], "digest": "sha256:../../x"}])),
        (C.CONTENT, manifest(layers=[{**manifest()["layers"][0], "size": -1}])),
        (C.CONTENT, manifest(layers=[{**manifest()["layers"][0], "size": True}])),
        (C.TOO_LARGE, manifest(layers=[{**manifest()["layers"][0], "size": 10**12}])),
        (C.TOO_LARGE, manifest(layers=[{**manifest()["layers"][0], "size": 3}])),
    ],
    ids=["html", "list", "empty", "image", "no config", "no layer", "null layers", "odd layers",
         "two layers", "digest missing", "digest wrong kind", "digest path", "negative size",
         "boolean size", "huge size", "longer than said"],
)  # fmt: skip
def test_a_bad_manifest(server: Server, code: str, document: object) -> None:
    serve(server, document)
    with pytest.raises(RepositoryTerminalError) as caught:
        hostile(server).fetch_chart("1.2.3")
    assert caught.value.code == code


def test_a_manifest_that_breaks_its_promise(server: Server) -> None:
    body = json.dumps(manifest()).encode()
    answer = fixed(200, body, Docker_Content_Digest=digest(b"other"))
    server.answers[f"{ROOT}/manifests/1.2.3"] = answer
    with pytest.raises(RepositoryTerminalError) as caught:
        hostile(server).resolve("1.2.3")
    assert caught.value.code == C.DIGEST


@pytest.mark.parametrize("blob", [CONFIG, ARCHIVE], ids=["config", "archive"])
def test_a_blob_with_a_wrong_digest(server: Server, blob: bytes) -> None:
    changed = blob[:-1] + b"!"
    server.answers[f"{ROOT}/blobs/{digest(blob)}"] = fixed(200, changed)
    with pytest.raises(RepositoryTerminalError) as caught:
        hostile(server).fetch_chart("1.2.3")
    assert caught.value.code == C.DIGEST


def test_an_endless_blob(server: Server) -> None:
    server.answers[f"{ROOT}/blobs/{digest(ARCHIVE)}"] = Stream()
    with pytest.raises(RepositoryTerminalError) as caught:
        hostile(server).fetch_chart("1.2.3")
    assert caught.value.code == C.TOO_LARGE


def test_one_deadline_for_all_requests(server: Server) -> None:
    server.answers[f"{ROOT}/blobs/{digest(ARCHIVE)}"] = Stream(b"x", pause=0.02)
    limits = FetchLimits(total_seconds=0.3)
    with pytest.raises(RepositoryError) as caught:
        hostile(server, limits=limits).fetch_chart("1.2.3")
    assert caught.value.code == C.TIMEOUT


def test_pages_stay_at_home_and_end(server: Server, other: Server) -> None:
    tags = b'{"tags": ["1.0.0", "../x", 5, "1.0.0"]}'
    again = f'<{ROOT}/tags/list?last=x>; rel="next"'
    server.answers[f"{ROOT}/tags/list"] = fixed(200, tags, Link=again)
    assert set(hostile(server).list_versions()) == {"1.0.0"}
    assert len(server.seen) == chart_oci.MAX_PAGES
    away = f'<{other.url}/tags>; rel="next"'
    server.answers[f"{ROOT}/tags/list"] = fixed(200, tags, Link=away)
    with pytest.raises(RepositoryTerminalError) as caught:
        hostile(server).list_versions()
    assert caught.value.code == C.REDIRECT
    assert other.seen == []


@pytest.mark.parametrize("body", [b'{"tags": null}', b"{}", b'{"tags": {"a": 1}}'])
def test_no_tags(server: Server, body: bytes) -> None:
    server.answers[f"{ROOT}/tags/list"] = fixed(200, body)
    assert hostile(server).list_versions() == ()
