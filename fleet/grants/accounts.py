"""What stands in a cluster for a person's kubeconfig, and the file itself. Pure."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from fleet.connection import Connection
from fleet.grants.objects import MANAGED_BY, OWNER, is_of
from fleet.resource import ObjectRef

Json = dict[str, Any]

NAMESPACE = "kubecarrier-people"
_NAMESPACE_OWNER = "portal/people"
_QUOTA = "kubecarrier-no-pods"
#: Says in a kubeconfig that an entry is ours, and of which file it is.
EXTENSION = "kubecarrier.io"
_OUTSIDE_NAMES = re.compile(r"[^a-z0-9]+")
_SLUG_LENGTH = 40


def account_name(username: str) -> str:
    """A new name, which the cluster's audit log shows: the person readable, the file exact."""
    slug = _OUTSIDE_NAMES.sub("-", username.lower()).strip("-")[:_SLUG_LENGTH].strip("-")
    return f"{slug or 'person'}-{secrets.token_hex(6)}"


def subject(account: str) -> dict[str, str]:
    """The account as RBAC names it."""
    return {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}


def account_ref(account: str) -> ObjectRef:
    """The account in its cluster."""
    return ObjectRef("v1", "ServiceAccount", NAMESPACE, account)


def owner_of(kubeconfig_id: Any) -> str:
    """The owner mark of the account of one kubeconfig."""
    return f"kubeconfig/{kubeconfig_id}"


def is_ours(obj: Mapping[str, Any], kubeconfig_id: Any) -> bool:
    """Whether a live account is that of this kubeconfig."""
    return is_of(obj, owner_of(kubeconfig_id))


def surroundings() -> list[Json]:
    """The accounts' namespace, in which nothing may run.

    Whoever may create pods in every namespace could run one under another person's
    account; the quota admits none.
    """
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": _metadata(NAMESPACE, _NAMESPACE_OWNER)},
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {**_metadata(_QUOTA, _NAMESPACE_OWNER), "namespace": NAMESPACE},
            "spec": {"hard": {"pods": "0"}},
        },
    ]  # fmt: skip


def account_object(account: str, kubeconfig_id: Any, username: str) -> Json:
    """The service account: no pod gets its token by itself."""
    metadata = _metadata(account, owner_of(kubeconfig_id))
    metadata["annotations"]["kubecarrier.io/person"] = username
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {**metadata, "namespace": NAMESPACE},
        "automountServiceAccountToken": False,
    }


def _metadata(name: str, owner: str) -> Json:
    return {"name": name, "labels": {MANAGED_BY: "kubecarrier"}, "annotations": {OWNER: owner}}


def kubeconfig_document(
    *,
    cluster: str,
    connection: Connection,
    token: str,
    namespace: str,
    kubeconfig_id: Any,
    expires_at: datetime,
) -> Json:
    """A kubeconfig with one context, in the form of client-go's `clientcmd/api/v1`."""
    name = f"kubecarrier-{cluster}"
    mark = {"kubeconfig": str(kubeconfig_id), "expiresAt": expires_at.isoformat()}
    context: Json = {
        "cluster": name,
        "user": name,
        "extensions": [{"name": EXTENSION, "extension": mark}],
    }
    if namespace:
        context["namespace"] = namespace
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": _server(connection)}],
        "contexts": [{"name": name, "context": context}],
        "users": [{"name": name, "user": {"token": token}}],
    }


def _server(connection: Connection) -> Json:
    found: Json = {"server": connection.server}
    if connection.ca_pem:
        pem = connection.ca_pem.encode()
        found["certificate-authority-data"] = base64.b64encode(pem).decode()
    if connection.tls_server_name:
        found["tls-server-name"] = connection.tls_server_name
    if connection.insecure:
        found["insecure-skip-tls-verify"] = True
    return found


def default_namespace(wanted: Iterable[Mapping[str, Any]]) -> str:
    """The one namespace in which somebody's grants on a cluster are; empty for none or several."""
    found: set[str] = set()
    for one in wanted:
        if one.get("namespaces") is None:
            return ""
        found |= set(one["namespaces"])
    return found.pop() if len(found) == 1 else ""
