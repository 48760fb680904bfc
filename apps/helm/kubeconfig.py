"""A kubeconfig for Helm, written by us from a Connection."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import orjson

from fleet.connection import Connection
from fleet.kube import Identity


def kubeconfig_for(
    connection: Connection, namespace: str, identity: Identity | None = None
) -> bytes:
    """JSON (which is YAML). The checked address is called, the host's name is verified.

    With an identity everything is done as that one (impersonation).
    """
    return orjson.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "target",
            "contexts": [
                {
                    "name": "target",
                    "context": {"cluster": "target", "user": "target", "namespace": namespace},
                }
            ],
            "clusters": [{"name": "target", "cluster": _cluster(connection)}],
            "users": [{"name": "target", "user": _user(connection, identity)}],
        }
    )


def server_digest(connection: Connection) -> str:
    """Names a discovery cache: two servers behind one host name must not share it."""
    parts = (connection.server, connection.address or "", connection.ca_pem or "")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _cluster(connection: Connection) -> dict[str, Any]:
    cluster: dict[str, Any] = {"server": _server(connection)}
    if connection.tls_server_name or connection.address:
        cluster["tls-server-name"] = connection.verified_name
    if connection.insecure:
        cluster.pop("tls-server-name", None)
        cluster["insecure-skip-tls-verify"] = True
    elif connection.ca_pem:
        cluster["certificate-authority-data"] = _base64(connection.ca_pem)
    return cluster


def _server(connection: Connection) -> str:
    if connection.address is None:
        return connection.server
    host = f"[{connection.address}]" if ":" in connection.address else connection.address
    return f"https://{host}:{connection.port}{connection.base_path}"


def _user(connection: Connection, identity: Identity | None) -> dict[str, Any]:
    user: dict[str, Any] = {}
    if identity:
        user |= {"as": identity.user, "as-groups": list(identity.groups)}
    if connection.token:
        user["token"] = connection.token
    if connection.client_cert_pem and connection.client_key_pem:
        user["client-certificate-data"] = _base64(connection.client_cert_pem)
        user["client-key-data"] = _base64(connection.client_key_pem)
    return user


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
