"""The end of kubeconfigs, asked for here: what is done in the cluster, their reconciler does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from fleet.choices import KUBECONFIG_TASK, KubeconfigEnd
from fleet.grants.holders import grants_of, live
from fleet.models import Cluster, Kubeconfig
from kubecarrier.lib import audit, lease
from kubecarrier.lib.tasks import wake_on_commit


def end(row: Kubeconfig, because: KubeconfigEnd) -> None:
    """Have its account deleted; a kubeconfig that ends already goes on ending."""
    if row.revoked_at is not None or row.ended_at is not None:
        return
    row.revoked_at, row.revoked_because = timezone.now(), because
    row.generation += 1
    row.save(update_fields=["revoked_at", "revoked_because", "generation", "updated_at"])
    said = f"{because.label}: {row.username} on {row.cluster}"
    audit.event("kubeconfig-revoked", row, said=said)
    wake([row.pk])


def end_unfounded(accounts: Iterable[str]) -> None:
    """End those of these kubeconfigs whose people hold nothing on the cluster any more."""
    names = list(accounts)
    rows = live().filter(account__in=names).select_related("user", "cluster") if names else ()
    for row in rows:
        if not grants_of(row.user, row.cluster):
            here = row.user is not None and row.user.is_active
            end(row, KubeconfigEnd.NO_RIGHTS if here else KubeconfigEnd.LEFT)


def wake(keys: Iterable[Any]) -> None:
    """Have these looked at now."""
    if lease.wake(Kubeconfig.objects.filter(pk__in=list(keys))):
        wake_on_commit(KUBECONFIG_TASK)


def wake_waiting(cluster: Any) -> None:
    """A grant of the cluster moved: kubeconfigs that wait for their rights look again."""
    waiting = Kubeconfig.objects.filter(cluster=cluster, ended_at=None).exclude(ready="True")
    wake(waiting.values_list("pk", flat=True))


# --- what clusters tell ------------------------------------------------------------------------


def wake_cluster(cluster: Cluster) -> None:
    """It answers again: what was taken meanwhile is taken there now."""
    rows = Kubeconfig.objects.filter(cluster=cluster, ended_at=None)
    wake(rows.values_list("pk", flat=True))


def forget_cluster(cluster: Cluster, *, cleanup: bool) -> list[tuple[str, str]]:
    """A cluster leaves: with `cleanup` its accounts go first, else they are told of."""
    rows = Kubeconfig.objects.filter(cluster=cluster)
    going = list(rows.filter(ended_at=None))
    if cleanup:
        for row in going:
            end(row, KubeconfigEnd.CLUSTER_LEAVES)
        if going:
            return [(str(row), "Being deleted.") for row in going]
    for row in rows:
        row.delete()
    return [(str(row), f"Left in the cluster: the service account {row.account}.") for row in going]
