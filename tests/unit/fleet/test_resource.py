"""Paths cannot be left by a name."""

from __future__ import annotations

import pytest

from fleet.kube import Identity
from fleet.resource import Resource
from kubecarrier.lib.errors import KubeCarrierError

PODS = Resource("", "v1", "pods", "Pod", namespaced=True)
ROLES = Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False)


def test_paths() -> None:
    assert PODS.path() == "/api/v1/pods"
    assert PODS.path(namespace="a") == "/api/v1/namespaces/a/pods"
    assert PODS.path(namespace="a", name="b", subresource="log") == (
        "/api/v1/namespaces/a/pods/b/log"
    )
    assert ROLES.path(namespace="ignored", name="system:node") == (
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node"
    )


def test_odd_characters_are_encoded() -> None:
    assert PODS.path(namespace="a", name="b?c#d e").endswith("/b%3Fc%23d%20e")


@pytest.mark.parametrize("name", ["..", ".", "a/b", "a%2fb", "../../secrets/x"])
def test_names_that_leave_the_path(name: str) -> None:
    with pytest.raises(KubeCarrierError) as caught:
        PODS.path(namespace="a", name=name)
    assert caught.value.code == "object_name_invalid"


@pytest.mark.parametrize(
    ("user", "groups", "code"),
    [
        ("", (), "identity_empty"),
        ("  ", (), "identity_empty"),
        ("ann", ("",), "identity_empty"),
        ("ann\r\nImpersonate-Group: x", (), "identity_invalid"),
        ("ann", ("system:masters",), "identity_denied"),
    ],
)
def test_identities_that_are_refused(user: str, groups: tuple[str, ...], code: str) -> None:
    with pytest.raises(KubeCarrierError) as caught:
        Identity(user, groups)
    assert caught.value.code == code


def test_identity_headers() -> None:
    headers = Identity("kubecarrier:änn", ("a", "b")).headers()
    assert [name for name, _ in headers] == ["Impersonate-User"] + ["Impersonate-Group"] * 2
    assert headers[0][1].encode("latin-1").decode() == "kubecarrier:änn"
