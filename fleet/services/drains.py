"""Drains: asked for, and called off. What is done in the cluster, `fleet.reconcilers.drain` does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from fleet.choices import DRAIN_TASK
from fleet.draining import DrainOptions, DrainPlan
from fleet.models import Cluster, Node, NodeDrain
from fleet.operations import Target, operation_start
from kubecarrier.lib import audit, lease
from kubecarrier.lib.access import require
from kubecarrier.lib.errors import ConflictError, NotFoundError
from kubecarrier.lib.tasks import wake_on_commit


def drain_start(
    *,
    actor: Any,
    cluster: Cluster,
    node: str,
    plan: DrainPlan,
    options: DrainOptions,
    timeout_seconds: int,
) -> NodeDrain:
    """Begin an operation with a target per pod; raises ConflictError while one is running."""
    require(actor, "nodes.operate", cluster)
    pods = [Target(UUID(pod.uid), pod.name, 1) for pod in plan.evict]
    try:
        with transaction.atomic():
            drain = NodeDrain(
                cluster=cluster,
                node=node,
                actor=actor,
                force=options.force,
                delete_empty_dir=options.delete_empty_dir,
                grace_period_seconds=options.grace_period_seconds,
                deadline_at=timezone.now() + timedelta(seconds=timeout_seconds),
            )
            row: Any = Node.objects.filter(cluster=cluster, name=node).first() or cluster
            targets = [Target(drain.pk, node, 1), *pods]
            drain.operation = operation_start(verb="drain", row=row, targets=targets)
            drain.save()
            audit.event("node-drain", cluster, said=f"drain Node {node}: {len(pods)} pods")
            wake_on_commit(DRAIN_TASK)
    except IntegrityError as error:
        raise ConflictError("drain_running", f"“{node}” is being drained already.") from error
    return drain


def drain_cancel(*, actor: Any, cluster: Cluster, node: str) -> NodeDrain:
    """Nothing more is evicted; the node stays cordoned. Raises NotFoundError where none runs."""
    require(actor, "nodes.operate", cluster)
    with transaction.atomic():
        running = NodeDrain.objects.select_for_update().filter(finished_at=None)
        drain = running.filter(cluster=cluster, node=node).first()
        if drain is None:
            raise NotFoundError("drain_missing", f"“{node}” is not being drained.")
        drain.cancelled_at = drain.cancelled_at or timezone.now()
        drain.generation += 1
        drain.save(update_fields=["cancelled_at", "generation"])
        audit.event("node-drain-cancel", cluster, said=f"cancel the drain of Node {node}")
        lease.wake(NodeDrain.objects.filter(pk=drain.pk))
        wake_on_commit(DRAIN_TASK)
    return drain
