"""Facts about the fleet, read only."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.models import Q, QuerySet

from fleet.connection import Connection
from fleet.models import Cluster, Operation
from kubecarrier.lib import crypto
from kubecarrier.lib.causes import Cause


def connection_of(cluster: Cluster) -> Connection:
    """The stored connection with its credential opened; raises SealError. Not yet address-checked."""
    opened = crypto.reveal(cluster, "credential")
    secret: dict[str, str] = json.loads(opened) if opened else {}
    return Connection(
        server=cluster.server,
        ca_pem=cluster.ca_pem or None,
        token=secret.get("token"),
        client_cert_pem=secret.get("client_cert_pem"),
        client_key_pem=secret.get("client_key_pem"),
        tls_server_name=cluster.tls_server_name or None,
        insecure=cluster.insecure,
    )


def operations_of(row: Any) -> QuerySet[Operation]:
    """The operations on an object, the newest first."""
    found = Operation.objects.filter(object_id=row.pk)
    return found.select_related("actor").prefetch_related("targets")


def operation_progress(operation: Operation) -> dict[str, int]:
    """How many targets are done, out of how many."""
    targets = list(operation.targets.all())
    done = sum(1 for target in targets if target.state != "running")
    return {"done": done, "total": len(targets)}


def operation_cause(model: type[models.Model], pk: Any) -> Cause | None:
    """Who asked for the latest operation on a row, or with it among its targets."""
    about = Q(object_id=pk) | Q(targets__target_id=pk)
    found = (
        Operation.objects.filter(about, actor__isnull=False)
        .select_related("actor")
        .order_by("-created_at")
        .first()
    )
    return Cause(found.actor, found.request_id, found.reason) if found else None
