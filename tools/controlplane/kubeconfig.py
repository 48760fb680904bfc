"""Kubeconfig text with everything embedded, so that one file can be moved or uploaded."""

import base64

import yaml

from tools.controlplane.certs import Pair


def with_certificate(*, name: str, server: str, ca_pem: str, user: str, pair: Pair) -> str:
    """YAML text for a client certificate; `name` becomes cluster and context."""
    credentials = {
        "client-certificate-data": _encode(pair.certificate),
        "client-key-data": _encode(pair.key),
    }
    return _kubeconfig(name, server, ca_pem, user, credentials)


def with_token(*, name: str, server: str, ca_pem: str, user: str, token: str) -> str:
    """YAML text for a bearer token."""
    return _kubeconfig(name, server, ca_pem, user, {"token": token})


def _kubeconfig(name: str, server: str, ca_pem: str, user: str, credentials: dict[str, str]) -> str:
    cluster = {"server": server, "certificate-authority-data": _encode(ca_pem)}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
    }
    text: str = yaml.safe_dump(content, sort_keys=False)
    return text


def _encode(pem: str) -> str:
    return base64.b64encode(pem.encode()).decode()
