"""One table of bad input over the real URLs: 4xx, a stable code, the field, nothing stored.

No answer and no log line holds a traceback or one of the canaries.
"""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import AuditEntry
from apps.models import Application
from tests.db.conftest import application, counts
from tests.portal import Portal

pytestmark = pytest.mark.django_db
CANARY = "canary-0123456789"
GOOD = {"server": "https://x.example.org", "credential": {"token": CANARY}}


def config(**changes: Any) -> str:
    """A kubeconfig as JSON (which is YAML), with parts replaced."""
    cluster = {"server": "https://x.example.org", **changes.pop("cluster", {})}
    user = {"token": CANARY, **changes.pop("user", {})}
    whole = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        **changes,
    }
    return json.dumps(whole)


def bomb() -> str:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    return "\n".join(lines)


KUBECONFIGS = [
    (config(user={"exec": {"command": "sh", "args": [CANARY]}}), "kubeconfig_exec"),
    (config(user={"auth-provider": {"name": "gcp"}}), "kubeconfig_auth_provider"),
    (config(user={"tokenFile": "/var/run/x"}), "kubeconfig_token_file"),
    (config(user={"client-certificate": "/etc/x"}), "kubeconfig_file_path"),
    (config(user={"client-key": "/etc/x"}), "kubeconfig_file_path"),
    (config(cluster={"certificate-authority": "/etc/x"}), "kubeconfig_file_path"),
    (config(cluster={"proxy-url": "http://evil.example.org"}), "kubeconfig_proxy_url"),
    (config(cluster={"insecure-skip-tls-verify": True}), None),
    (config(user={"as": "root"}), "kubeconfig_impersonation"),
    (config(cluster={"server": "http://x.example.org"}), "server_invalid"),
    (config(cluster={"server": "file:///etc/passwd"}), "server_invalid"),
    (config(cluster={"server": f"https://u:{CANARY}@x.example.org"}), "server_invalid"),
    (config(**{"current-context": "nope"}), None),
    (config(contexts=[]), None),
    (config(clusters=[{"name": "c", "cluster": {}}] * 2), None),
    (config() + "\n---\n" + config(), None),
    (bomb(), None),
    ("[" * 10_000, None),
    ("x: " + "y" * 1_100_000, None),
    ("", "blank"),
    ("- a\n- b", None),
    (f"{CANARY}: &x", None),
]


@pytest.fixture
def unharmed(fleet: Portal, caplog: pytest.LogCaptureFixture) -> Iterator[Portal]:
    """Nothing stored, nothing said."""
    before = counts()
    fleet.client.raise_request_exception = True
    yield fleet
    assert counts() == before
    assert CANARY not in caplog.text
    assert "Traceback" not in caplog.text


def refused(
    portal: Portal, method: str, path: str, body: Any = None, **more: Any
) -> dict[str, Any]:
    """The error of a request that must be refused as the caller's mistake."""
    kind = {"content_type": "application/json"} if isinstance(body, bytes) else {"format": "json"}
    response = getattr(portal.client, method)(f"/api/v1/{path}", body, **{**kind, **more})
    text = response.content.decode()
    assert 400 <= response.status_code < 500, (response.status_code, text[:300])
    assert CANARY not in text
    assert "Traceback" not in text
    found = response.json()["error"]
    assert found["code"].isascii()
    assert found["code"].replace("_", "").isalpha()
    assert len(text) < 10_000
    return dict(found)


@pytest.mark.parametrize(("text", "code"), KUBECONFIGS)
def test_kubeconfigs(unharmed: Portal, text: str, code: str | None) -> None:
    found = refused(unharmed, "post", "clusters/import", {"kubeconfig": text})
    assert code is None or found["code"] == code


@pytest.mark.parametrize(
    "server",
    [
        "https://169.254.169.254", "https://[fe80::1]", "https://[::ffff:a9fe:a9fe]", "https://0xa9fea9fe",
        "https://2852039166", "https://0.0.0.0", "https://[fd00:ec2::254]", "https://metadata.google.internal",
        "https://x.example.org:0", "https://x.example.org:99999", "https://x.example.org/?a=b", "https://",
        "https://x.example.org/../..", "https://x .example.org", "https://x.example.org\\@y", "gopher://x",
        "https://xn--.example.org#", "https://x" + "y" * 500 + ".example.org", "https://x.example.org/" + "p" * 600,
    ],
)  # fmt: skip
def test_servers(unharmed: Portal, monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    """With the real try of a connection: the address guard is part of it."""
    from fleet import addresses
    from fleet.services import clusters

    def guard_only(connection: Any) -> Any:
        addresses.guarded(connection, addresses.policy())
        return clusters.Checked(connection, "uid")

    monkeypatch.setattr(clusters, "connection_check", guard_only)
    body = {"spec": {**GOOD, "server": server}}
    response = unharmed.client.put("/api/v1/clusters/bad", body, format="json")
    assert 400 <= response.status_code < 600
    assert response.status_code in {400, 403, 422, 503}, response.content
    assert response.json()["error"]["code"]


APPLICATIONS: list[tuple[dict[str, Any], str]] = [
    ({"values": "- a"}, "values_not_a_mapping"),
    ({"values": "a: 1\na: 2"}, ""),
    ({"values": "a: &x 1\nb: *x"}, ""),
    ({"values": "a: " + "9" * 40}, ""),
    ({"values": "a: .nan"}, ""),
    ({"values": "a: [" + "[" * 10_000}, ""),
    ({"values": "a: !!python/object:os.system x"}, ""),
    ({"values": "x" * 1_100_000}, ""),
    ({"values": {"a": 1}}, ""),
    ({"values": "\t- bad"}, ""),
    ({"chart": "web"}, ""),
    ({"chart": "local/../web"}, ""),
    ({"chart": ["local/web"]}, ""),
    ({"chart": None}, ""),
    ({"version": {"a": 1}}, ""),
    ({"version": ">>1"}, ""),
    ({"version": "1" * 101}, ""),
    ({"namespace": "Upper"}, ""),
    ({"namespace": "a" * 64}, ""),
    ({"namespace": "-a"}, ""),
    ({"namespace": "kube/system"}, ""),
    ({"configMaps": [{"name": "A"}]}, ""),
    ({"configMaps": [{"name": "a", "data": {"k/ey": "v"}}]}, ""),
    ({"configMaps": [{"name": "a", "data": {"key\n": "v"}}]}, ""),
    ({"configMaps": [{"name": "a", "data": {"": "v"}}]}, ""),
    ({"configMaps": [{"name": "a", "data": {"k": "v" * 1_100_000}}]}, ""),
    ({"configMaps": [{"name": "a", "data": {"k": {"nested": 1}}}]}, ""),
    ({"configMaps": [{"name": "a"}, {"name": "a"}]}, "name_duplicate"),
    ({"configMaps": {"name": "a"}}, ""),
    ({"secrets": [{"name": "a", "data": {"k": CANARY, "bad key": CANARY}}]}, ""),
    ({"secrets": [{"name": "a", "data": {"k": [CANARY]}}]}, ""),
    ({"secrets": [{"name": "a", "stringData": {"k": CANARY}}]}, "field_unknown"),
    ({"env": {"A=B": "x"}}, ""),
    ({"env": {"A\n": "x"}}, ""),
    ({"env": ["A"]}, ""),
    ({"envKey": "a..b"}, ""),
    ({"imageRegistry": "http://x/y z"}, ""),
    ({"dependsOn": ["Not A Name"]}, ""),
    ({"placement": {"selector": "a in ("}}, "selector_invalid"),
    ({"placement": {"selector": "=;drop table"}}, "selector_invalid"),
    ({"placement": {"klusters": ["one"]}}, "field_unknown"),
    ({"placement": {"overrides": {"one": {"valuez": {}}}}}, "field_unknown"),
    ({"placement": {"overrides": {"one": {"values": [1]}}}}, ""),
    ({"placement": ["one"]}, ""),
    ({"timeoutSeconds": 0}, ""),
    ({"timeoutSeconds": 1e9}, ""),
    ({"timeoutSeconds": "soon"}, ""),
    ({"maxHistory": -1}, ""),
    ({"onFailure": "explode"}, ""),
    ({"keepResources": "perhaps"}, ""),
    ({"description": "x" * 2001}, ""),
    ({"resolvedVersion": "1"}, "field_unknown"),
    ({"secret_data": "x"}, "field_unknown"),
    ({"owner": "me"}, "field_unknown"),
]


@pytest.mark.parametrize(("spec", "code"), APPLICATIONS)
def test_applications(unharmed: Portal, spec: dict[str, Any], code: str) -> None:
    found = refused(unharmed, "put", "applications/shop", {"spec": application(**spec)})
    assert not code or found["code"] == code
    assert found["field"] or found["code"].startswith(("yaml_", "values_", "version_", "chart_")), (
        found
    )


RAW = [
    (b"[" * 10_000 + b"]" * 10_000, "json_too_deep"),
    (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "json_too_deep"),
    (b'{"spec": {}, "spec": {}}', "json_invalid"),
    (b'{"spec": NaN}', "json_invalid"),
    (b'{"spec": -Infinity}', "json_invalid"),
    (b'{"spec": 1e400}', "json_invalid"),
    (b'{"spec": ' + b"9" * 5000 + b"}", "json_invalid"),
    (b'{"spec": "\\ud800"}', "json_invalid"),
    (b'{"spec": "\\u0000"}', "json_invalid"),
    (b'{"\\u0000": 1}', "json_invalid"),
    (b"\xff\xfe\x00", "json_invalid"),
    (b'{"spec": {}} x', "json_invalid"),
    (b"null", "document_invalid"),
    (b"[]", "document_invalid"),
    (b'"text"', "document_invalid"),
    (b"7", "document_invalid"),
    (b'{"metadata": []}', "document_invalid"),
    (b'{"metadata": null, "spec": {}}', "document_invalid"),
    (b'{"metadata": {"labels": []}, "spec": {}}', None),
    (b'{"metadata": {"labels": ""}, "spec": {}}', None),
    (b'{"metadata": {"labels": false}, "spec": {}}', None),
    (b'{"metadata": {"labels": {"a": {}}}, "spec": {}}', None),
    (b'{"metadata": {"labels": {"a b": ""}}, "spec": {}}', "labels_invalid"),
    (b'{"metadata": {"labels": {"a\\n": ""}}, "spec": {}}', "labels_invalid"),
    (b'{"metadata": {"labels": {"a": "b\\n"}}, "spec": {}}', None),
    (b'{"spec": []}', None),
    (b'{"spec": null}', None),
    (b"x" * (4 * 1024 * 1024 + 1), "body_too_large"),
]


@pytest.mark.parametrize(("body", "code"), RAW, ids=range(len(RAW)))
def test_bodies(unharmed: Portal, body: bytes, code: str | None) -> None:
    if b'"b\\n"' in body:
        pytest.skip("DRF strips blanks around texts")
    for path in ("clusters/bad", "repositories/bad", "applications/bad"):
        found = refused(unharmed, "put", path, body)
        assert code is None or found["code"] == code


LARGE: dict[str, tuple[str, str, Any]] = {
    "kubeconfig bomb": ("post", "clusters/import", {"kubeconfig": bomb()}),
    "large kubeconfig": ("post", "clusters/import", {"kubeconfig": "x: " + "y" * 1_100_000}),
    "deep JSON": ("put", "applications/shop", b"[" * 1_900_000 + b"]" * 1_900_000),
    "wide JSON": ("put", "applications/shop", b"[" + b"1," * 1_900_000 + b"1]"),
    "large values": ("put", "applications/shop", {"spec": application(values="x" * 1_100_000)}),
    "deep values": ("put", "applications/shop", {"spec": application(values="[" * 500_000)}),
    "wide values": (
        "put",
        "applications/shop",
        {"spec": application(values="a: [" + "1," * 500_000 + "]")},
    ),
    "large body": ("put", "applications/shop", b"x" * (4 * 1024 * 1024 + 1)),
}


@pytest.mark.parametrize("what", LARGE)
def test_memory_stays_bounded(unharmed: Portal, what: str) -> None:
    """At most 100 MiB more than before, whatever was sent."""
    method, path, body = LARGE[what]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        refused(unharmed, method, path, body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak - before < 100 * 1024 * 1024


REST = [
    ("get", "clusters?ordering=password", "ordering"),
    ("get", "clusters?credential__startswith=v1", "credential__startswith"),
    ("get", "applications?releases__cluster__credential=x", "releases__cluster__credential"),
    ("get", "operations?actor__password=x", "actor__password"),
    ("get", "clusters?limit=0", "limit"),
    ("get", "clusters?limit=501", "limit"),
    ("get", "clusters?limit=-1", "limit"),
    ("get", "clusters?limit=²", "limit"),
    ("get", "clusters?limit=00005000000", "limit"),
    ("get", "clusters?limit=" + "9" * 5000, "limit"),
    ("get", "clusters?continue=x", "continue"),
    ("get", "clusters?continue=NQ==", "continue"),
    ("get", "clusters?continue=bnVsbA==", "continue"),
    ("get", "clusters?continue=WyJhIiwiYiJd", "continue"),
    ("get", "clusters?continue=☃", "continue"),
    ("get", "clusters?labelSelector=a%20in%20(", "labelSelector"),
    ("get", "clusters?labelSelector=a'b", "labelSelector"),
    ("get", "clusters?search=a%00b", "search"),
    ("get", "clusters?environment=a%00b", "environment"),
    ("get", "nodes?ready=maybe", "ready"),
    ("get", "clusters/one%00", None),
    ("get", "clusters/..%2fadmin", None),
    ("get", "clusters/" + "a" * 5000, None),
    ("get", "operations/1%20or%201=1", None),
    ("post", "clusters/one/scale", None),
    ("post", "releases", None),
    ("delete", "nodes/one", None),
    ("delete", "clusters/one?policy=cleanup&force=1", "force"),
]


@pytest.mark.parametrize(("method", "path", "field"), REST)
def test_rest(unharmed: Portal, method: str, path: str, field: str | None) -> None:
    found = refused(unharmed, method, path, {} if method == "post" else None)
    assert found["field"] == field


@pytest.mark.parametrize(
    "name", ["UPPER", "a" * 54, "-a", "a_b", "a.b", "%0Aa", "a%0A", "%20a", "a%20", "☃", "a%00"]
)
def test_names(unharmed: Portal, name: str) -> None:
    found = refused(unharmed, "put", f"repositories/{name}", {"spec": {"type": "local"}})
    assert found["field"] == "metadata.name" or found["code"] == "not_found"


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"status": {"ready": "True"}}, "status"),
        ({"metadata": {"uid": "x"}}, "metadata.uid"),
        ({"metadata": {"generation": 7}}, "metadata.generation"),
        ({"metadata": {"createdAt": "2020-01-01T00:00:00Z"}}, "metadata.createdAt"),
        ({"metadata": {"owner": "me"}}, "metadata.owner"),
        ({"metadata": {"name": "other"}}, "metadata.name"),
        ({"kind": "Node"}, "kind"),
        ({"spec": {"identity": "x"}}, "spec.identity"),
        ({"spec": {"server": None}}, "spec.server"),
        ({"spec": {"insecure": True}}, "spec.insecure"),
        ([], None),
        ("x", None),
    ],
)
def test_read_only_fields_in_a_patch(unharmed: Portal, patch: Any, field: str | None) -> None:
    before = unharmed.call("get", "clusters/one")
    assert refused(unharmed, "patch", "clusters/one", patch)["field"] == field
    assert unharmed.call("get", "clusters/one") == before


@pytest.mark.parametrize(
    "body",
    [
        {"replicas": -1}, {"replicas": "many"}, {"replicas": None}, {"replicas": [1]}, {"replicas": 10**12},
        {}, {"replicas": 1, "klaster": "one"}, {"replicas": 1, "cluster": "x" * 64},
    ],
)  # fmt: skip
def test_action_bodies(fleet: Portal, body: dict[str, Any]) -> None:
    fleet.apply("shop", **application())
    before = counts()
    refused(fleet, "post", "applications/shop/scale", body)
    assert counts() == before
    assert Application.objects.get().generation == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Impersonate-User": "root", "Impersonate-Group": "system:masters"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"X_Forwarded_For": "203.0.113.9"},
        {"X-Forwarded-Host": "evil.example.org"},
        {"Connection": "close, Authorization"},
        {"X-HTTP-Method-Override": "DELETE"},
        {"X-Original-URL": "/api/v1/clusters/two"},
    ],
)
def test_header_tricks_change_nothing(fleet: Portal, headers: dict[str, str]) -> None:
    before = counts()
    fleet.call("post", "clusters/one/probe", None, **headers)
    assert counts() == before
    entry = AuditEntry.objects.get(event="probe-asked")
    assert (entry.actor_email, entry.remote_addr) == ("admin@example.org", "127.0.0.1")


def test_a_wrong_host_is_refused(fleet: Portal) -> None:
    assert (
        fleet.client.get("/api/v1/clusters", headers={"Host": "evil.example.org"}).status_code
        == 400
    )
