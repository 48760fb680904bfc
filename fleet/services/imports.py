"""Import of clusters: several contexts of one kubeconfig at once, or a server with a token."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from fleet.connection import Connection
from fleet.credentials import ca_bundle
from fleet.errors import ClusterInvalidError
from fleet.kubeconfig import ContextConnection, bearer_token, choose_context, parse_kubeconfig
from fleet.models import Cluster
from fleet.queries import connection_of
from fleet.server_url import parse_server
from fleet.services.clusters import cluster_create
from kubecarrier.lib import access
from kubecarrier.lib.errors import InvalidError, KubeCarrierError
from kubecarrier.lib.spec import NAME_MAX_LENGTH

ALL_CONTEXTS = "*"
_OUTSIDE_NAMES = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one context: a cluster or an error."""

    context: str
    name: str
    cluster: Cluster | None = None
    error: KubeCarrierError | None = None


def clusters_import(given: dict[str, Any]) -> list[Imported]:
    """Import each chosen context; one that fails leaves the others alone.

    `given` is the body of the import (fleet.api.serializers). Raises
    ClusterInvalidError or KubeconfigError when nothing can be imported at all.
    """
    access.demand("clusters.create")
    fields = {
        key: given.get(key, "") for key in ("provider", "region", "environment", "description")
    }
    chosen = list(_chosen(given))
    return [_import_one(one, given, fields) for one in chosen]


def rotation_connection(cluster: Cluster, given: dict[str, Any]) -> Connection:
    """The connection with the new credential that a rotation brings."""
    if kubeconfig := given.get("kubeconfig"):
        # What was allowed at import may be rotated: a new CA is how it becomes secure.
        found = choose_context(kubeconfig, given.get("context"), allow_insecure=cluster.insecure)
        return found.connection
    if token := given.get("token"):
        present = connection_of(cluster)
        return replace(
            present, token=bearer_token(token, "token"), client_cert_pem=None, client_key_pem=None
        )
    raise ClusterInvalidError(
        "credential_required", "Give a kubeconfig or a token.", field="kubeconfig"
    )


def _chosen(given: dict[str, Any]) -> Iterable[ContextConnection]:
    kubeconfig = given.get("kubeconfig")
    if not kubeconfig:
        return [_by_token(given)]
    insecure = _insecure_allowed(wanted=bool(given.get("allowInsecure")))
    contexts = given.get("contexts")
    if not contexts:
        return [choose_context(kubeconfig, None, allow_insecure=insecure)]
    if contexts == [ALL_CONTEXTS]:
        return parse_kubeconfig(kubeconfig, allow_insecure=insecure)
    return [choose_context(kubeconfig, name, allow_insecure=insecure) for name in contexts]


def _by_token(given: dict[str, Any]) -> ContextConnection:
    for field in ("name", "server", "token"):
        if not given.get(field):
            raise ClusterInvalidError(
                "import_incomplete", "Give a kubeconfig, or name, server and token.", field=field
            )
    connection = Connection(
        server=parse_server(given["server"]),
        ca_pem=_ca(given.get("caData", "")),
        token=bearer_token(given["token"], "token"),
    )
    return ContextConnection(context=given["name"], cluster=given["name"], connection=connection)


def _import_one(one: ContextConnection, given: dict[str, Any], fields: dict[str, Any]) -> Imported:
    name = given.get("names", {}).get(one.context) or given.get("name") or name_from(one.context)
    try:
        cluster = cluster_create(
            name=name, connection=one.connection, labels=given.get("labels", {}), fields=fields
        )
    except KubeCarrierError as error:
        return Imported(one.context, name, error=error)
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        return Imported(one.context, name, error=InvalidError("invalid", messages[0], field=field))
    return Imported(one.context, name, cluster=cluster)


def name_from(context: str) -> str:
    """A cluster name out of a context's (`kubernetes-admin@prod` → `prod`)."""
    last = context.rsplit("@", 1)[-1].rsplit("/", 1)[-1].lower()
    return _OUTSIDE_NAMES.sub("-", last).strip("-")[:NAME_MAX_LENGTH].strip("-") or "cluster"


def _insecure_allowed(*, wanted: bool) -> bool:
    if wanted and not settings.KUBECARRIER_ALLOW_INSECURE_TLS:
        raise ClusterInvalidError(
            "insecure_forbidden",
            "This portal does not allow clusters whose certificate is not checked.",
            field="allowInsecure",
        )
    return wanted


def _ca(text: str) -> str | None:
    pem = _pem(text)
    return ca_bundle(pem.encode(), "caData", timezone.now()) if pem else None


def _pem(text: str) -> str:
    """PEM, or base64 of PEM as kubeconfigs carry it."""
    if not text or "-----BEGIN" in text:
        return text
    try:
        return base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise ClusterInvalidError(
            "ca_invalid", "caData is neither PEM nor base64 of PEM.", field="caData"
        ) from error
