"""Nothing a caller says becomes an option of Helm, and nothing of us is inherited."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest

from apps.helm import ReleaseSpec
from apps.helm.arguments import (
    chart_argument,
    check_name,
    check_namespace,
    environment_for,
    seconds,
    upgrade_arguments,
)
from apps.helm.kubeconfig import kubeconfig_for, server_digest
from fleet.connection import Connection
from fleet.kubeconfig import parse_kubeconfig
from kubecarrier.lib.errors import KubeCarrierError
from tests.unit.fleet.pki import NOW, identity


def spec(**changes: Any) -> ReleaseSpec:
    return ReleaseSpec(**{"name": "a", "namespace": "b", "chart_path": Path("/"), **changes})


@pytest.mark.parametrize("name", ["", "-a", "--kubeconfig=x", "A", "a_b", "a/b", "a" * 54, "a\n"])
def test_names_that_are_refused(name: str) -> None:
    for check in (check_name, check_namespace):
        with pytest.raises(KubeCarrierError):
            check("a" * 64 if check is check_namespace and len(name) == 54 else name)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("owner", "me"),
        ("status", "deployed"),
        ("a,b", "c"),
        ("a", "b,c=d"),
        ("a", "null"),
        ("a", "x" * 64),
        ("", "a"),
        ("a=b", "c"),
        ("a", "--b"),
    ],
)
def test_labels_that_are_refused(key: str, value: str) -> None:
    with pytest.raises(KubeCarrierError) as caught:
        upgrade_arguments(spec(labels={key: value}), "/values")
    assert caught.value.code == "label_invalid"


@pytest.mark.parametrize("path", ["repo/chart", "./chart", "/does/not/exist"])
def test_charts_that_are_not_here(path: str) -> None:
    with pytest.raises(KubeCarrierError) as caught:
        chart_argument(spec(chart_path=Path(path)))
    assert caught.value.code == "chart_missing"


def test_arguments_of_an_upgrade() -> None:
    arguments = upgrade_arguments(
        spec(labels={"kubecarrier.io/digest": "abc", "x": ""}, timeout_seconds=1.2), "/values"
    )
    assert "--labels=kubecarrier.io/digest=abc,x=" in arguments
    assert {"--reset-values", "--timeout=2s", "--disable-openapi-validation"} <= set(arguments)
    assert not {"--take-ownership", "--create-namespace", "--force-conflicts"} & set(arguments)
    assert not [argument for argument in arguments if argument.startswith("--wait")]


@pytest.mark.parametrize(("value", "text"), [(0, "1s"), (0.2, "1s"), (300, "300s"), (1.5, "2s")])
def test_durations(value: float, text: str) -> None:
    assert seconds(value) == text


def test_environment_has_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HELM_KUBETOKEN", "HTTPS_PROXY", "KUBERNETES_SERVICE_HOST", "SECRET_KEY"):
        monkeypatch.setenv(name, "canary")
    environment = environment_for(tmp_path, "abc")
    assert "canary" not in environment.values()
    assert environment["KUBECONFIG"] == "/dev/null"
    assert all(
        Path(environment[name]).is_relative_to(tmp_path)
        for name in ("HOME", "TMPDIR", "KUBECACHEDIR", "HELM_CACHE_HOME", "HELM_DATA_HOME")
    )


def test_our_kubeconfig_reads_back() -> None:
    admin = identity()
    connection = Connection(
        "https://a.example:6443/path",
        ca_pem=identity("ca").cert,
        token="token",
        client_cert_pem=admin.cert,
        client_key_pem=admin.key,
    )
    (found,) = parse_kubeconfig(kubeconfig_for(connection, "ns").decode(), now=NOW)
    assert found.connection == connection
    assert found.namespace == "ns"


def test_the_checked_address_is_called_and_the_name_verified() -> None:
    connection = Connection("https://a.example:6443", ca_pem="ca", address="2001:db8::1")
    (entry,) = orjson.loads(kubeconfig_for(connection, "ns"))["clusters"]
    assert entry["cluster"] == {
        "server": "https://[2001:db8::1]:6443",
        "tls-server-name": "a.example",
        "certificate-authority-data": base64.b64encode(b"ca").decode(),
    }


def test_discovery_caches_are_apart() -> None:
    one = Connection("https://a.example", ca_pem="one")
    two = Connection("https://a.example", ca_pem="two")
    assert server_digest(one) != server_digest(two)
