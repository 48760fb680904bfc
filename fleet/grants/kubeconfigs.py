"""Kubeconfigs and grants: an account is bound by its person's grants as long as it lives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fleet.choices import KubeconfigEnd
from fleet.grants import ending, holders
from fleet.grants.deriving import place
from fleet.models import Kubeconfig
from kubecarrier.lib import granted, placed
from kubecarrier.lib.placed import PlacedKind


def register() -> None:
    """Called once at start, after the bindings: grants leave a cluster before accounts do."""
    granted.follow_people(people_changed)
    placed.register(
        PlacedKind(
            name="Kubeconfig",
            cluster_changed=lambda cluster: None,
            cluster_renamed=lambda cluster, old: None,
            reachability_changed=ending.wake_cluster,
            cluster_removing=ending.forget_cluster,
        )
    )


def bind_account(row: Kubeconfig) -> None:
    """The grants of its person on its cluster bind the account of a new kubeconfig too."""
    for grant in holders.grants_of(row.user, row.cluster):
        place(grant.binding)


def release_account(row: Kubeconfig) -> None:
    """No grant binds the account of a kubeconfig that ended."""
    for grant in holders.carrying(row):
        place(grant.binding)


def people_changed(users: Sequence[Any]) -> None:
    """Who left has no kubeconfig; who became, or is no longer, an administrator holds something else."""
    for row in holders.live().filter(user__in=users).select_related("user", "cluster"):
        if next(one for one in users if one.pk == row.user_id).is_active:
            bind_account(row)
            release_account(row)
        else:
            kubeconfig_end(row, KubeconfigEnd.LEFT)


def kubeconfig_end(row: Kubeconfig, because: KubeconfigEnd) -> None:
    """Take a kubeconfig back: its rights at once, its account as soon as the cluster answers."""
    ending.end(row, because)
    release_account(row)
