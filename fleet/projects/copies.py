"""From a project to its copies: one row per cluster that it is placed on.

Called inside the transaction of whatever changed: the project, a cluster's
labels, a cluster's name. Placing again changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Case, DateTimeField, F, When
from django.utils import timezone

from fleet.choices import PROJECT_COPY_TASK, PROJECT_TASK, TargetState
from fleet.models import Cluster, Operation, Project, ProjectCopy
from fleet.operations import Target, operation_start, target_progress
from fleet.projects.claims import Claims, namespaces_wanted, taken_error
from kubecarrier.lib import audit, lease
from kubecarrier.lib.lease import in_seconds
from kubecarrier.lib.placement import Placement, resolve
from kubecarrier.lib.tasks import wake_on_commit

_DERIVED = "derived from the project"
_COLUMNS = ["generation", "suspended", "refused", "deletion_requested_at", "name", "updated_at"]
# A summary that only counts what is used need not be newer than this.
_USED_SECONDS = 5.0


def place(project: Project, *, verb: str) -> Operation:
    """Bring the copies to what the project wants; raises ProjectStateError for a taken namespace."""
    changed = _place(project, _living_clusters(), refuse=True)
    targets = [Target(copy.pk, copy.name, copy.generation) for copy in changed]
    return operation_start(verb=verb, row=project, targets=targets)


def place_cluster(cluster: Cluster) -> None:
    """A cluster came or changed its labels: only projects that join or leave it are placed."""
    labels = {} if cluster.deletion_requested_at else {cluster.name: cluster.selector_labels()}
    here = cluster.project_copies.filter(deletion_requested_at=None)
    present = set(here.values_list("project_id", flat=True))
    for project in Project.objects.filter(deletion_requested_at=None):
        chosen = cluster.name in resolve(project.placed, labels)
        if chosen != (project.pk in present):
            _place(project, [cluster], refuse=False)


def _living_clusters() -> Iterable[Cluster]:
    return Cluster.objects.filter(deletion_requested_at=None).defer("credential", "ca_pem")


def _place(project: Project, clusters: Iterable[Cluster], *, refuse: bool) -> list[ProjectCopy]:
    """The copies that changed; only `clusters` are looked at."""
    by_name = {cluster.name: cluster for cluster in clusters}
    labels = {name: cluster.selector_labels() for name, cluster in by_name.items()}
    chosen = resolve(project.placed, labels)
    ids = [cluster.pk for cluster in by_name.values()]
    copies = {copy.cluster_id: copy for copy in project.copies.filter(cluster_id__in=ids)}
    claims = Claims.of_project(project, ids)
    fresh, changed = [], []
    for name, cluster in sorted(by_name.items()):
        copy = copies.get(cluster.pk)
        if name in chosen and copy is None:
            copy = ProjectCopy(project=project, cluster=cluster, generation=0)
            _want(copy, claims, refuse=refuse)
            fresh.append(copy)
        elif name in chosen and copy is not None:
            copy.project, copy.cluster = project, cluster
            if _want(copy, claims, refuse=refuse):
                changed.append(copy)
        # A pause holds this back too: it is done when the project is resumed.
        elif copy is not None and copy.deletion_requested_at is None and not project.suspended:
            _let_go(copy, claims)
            changed.append(copy)
    _write(fresh, changed, claims)
    return [*fresh, *changed]


def _want(copy: ProjectCopy, claims: Claims, *, refuse: bool) -> bool:
    """Give the copy and its claims what is wanted now; whether that differs from before."""
    project = copy.project
    wishes = namespaces_wanted(project, copy.cluster.name)
    taken = {row.name: row for row in claims.taken(copy, [wish.name for wish in wishes])}
    if taken and refuse:
        raise taken_error(next(iter(taken.values())))
    moved = claims.want(copy, [wish for wish in wishes if wish.name not in taken])
    wanted = {
        "name": f"{project.name}.{copy.cluster.name}",
        "suspended": project.suspended,
        "refused": [{"name": row.name, "by": row.project.name} for row in taken.values()],
        "deletion_requested_at": None,
    }
    for column, value in wanted.items():
        moved |= getattr(copy, column) != value
        setattr(copy, column, value)
    if moved:
        _step(copy)
    return moved


def _let_go(copy: ProjectCopy, claims: Claims, delete: Collection[str] = ()) -> None:
    """Ask the copy to take its marks and quotas back, and to delete the namespaces in `delete`."""
    claims.let_go(copy, delete)
    copy.deletion_requested_at = copy.deletion_requested_at or timezone.now()
    copy.suspended = False  # it is asked for by name; it is not what a pause holds back
    _step(copy)


def _step(copy: ProjectCopy) -> None:
    copy.generation += 1
    copy.updated_at = timezone.now()


def delete(project: Project, *, delete_namespaces: Collection[str]) -> Operation:
    """Ask every copy to go; a project without any goes at once."""
    copies = list(project.copies.all())
    claims = Claims.of_project(project, [copy.cluster_id for copy in copies])
    for copy in copies:
        _let_go(copy, claims, delete_namespaces)
    _write([], copies, claims)
    targets = [Target(copy.pk, copy.name, copy.generation) for copy in copies]
    operation = operation_start(verb="delete", row=project, targets=targets)
    if not copies:
        project.delete()
    return operation


def suspend(project: Project) -> None:
    """The copies are paused and resumed with their project; at the end of a pause it is placed again."""
    with audit.unaudited(_DERIVED):
        project.copies.filter(deletion_requested_at=None).update(suspended=project.suspended)
    _wake(project.copies.all())
    if not project.suspended:
        _place(project, _living_clusters(), refuse=False)


def forget_cluster(cluster: Cluster, *, cleanup: bool) -> list[tuple[str, str]]:
    """A cluster leaves: its copies let go first, or their rows go and the marks stay."""
    copies = list(cluster.project_copies.all())
    if cleanup:
        claims = Claims.on_cluster(cluster)
        waiting = [copy for copy in copies if copy.deletion_requested_at is None]
        for copy in waiting:
            _let_go(copy, claims)
        _write([], waiting, claims)
        return [(copy.name, "Being let go.") for copy in copies]
    for copy in copies:
        text = "The cluster was removed from the fleet."
        target_progress(
            target_id=copy.pk, generation=copy.generation, state=TargetState.FAILED, message=text
        )
    cluster.claims.all().delete()
    cluster.project_copies.all().delete()
    finish_deleted({copy.project_id for copy in copies})
    return [
        (copy.name, "Namespaces, quotas and marks were left in the cluster.") for copy in copies
    ]


def rename_cluster(cluster: Cluster, old: str) -> None:
    """Placements and the names of copies follow a renamed cluster; nothing changes in it."""
    for project in Project.objects.all():
        renamed = project.placed.renamed(old, cluster.name).stored()
        if renamed != {**Placement().stored(), **project.placement}:
            project.placement = renamed
            project.generation += 1
            project.save()
            wake_project(project.pk)
    copies = list(cluster.project_copies.select_related("project"))
    for copy in copies:
        copy.name = f"{copy.project.name}.{cluster.name}"
    with audit.unaudited(_DERIVED):
        ProjectCopy.objects.bulk_update(copies, ["name"], batch_size=200)


def finish(copy: ProjectCopy) -> None:
    """Nothing of the copy is left in the cluster: its row goes, and perhaps its project."""
    ProjectCopy.objects.filter(pk=copy.pk).delete()
    finish_deleted([copy.project_id])
    wake_project(copy.project_id, at_once=True)


def retry_refused(cluster: Cluster, freed: Collection[str]) -> None:
    """Namespaces became free there: projects that wait for one of them are placed again."""
    waiting = ProjectCopy.objects.filter(cluster=cluster, deletion_requested_at=None)
    for copy in waiting.exclude(refused=[]).select_related("project"):
        if {item["name"] for item in copy.refused} & set(freed):
            _place(copy.project, [cluster], refuse=False)


def finish_deleted(project_ids: Iterable[Any]) -> None:
    """Projects whose last copy is gone and whose deletion was asked for go too."""
    gone = Project.objects.filter(
        pk__in=list(project_ids), deletion_requested_at__isnull=False, copies=None
    )
    for project in gone:
        project.delete()


def wake_project(project_id: Any, *, at_once: bool = False) -> None:
    """Its summary is due: within a second by the sweep, or at once for what somebody waits for."""
    lease.wake(Project.objects.filter(pk=project_id))
    if at_once:
        wake_on_commit(PROJECT_TASK)


def wake_counted(project_ids: Collection[Any]) -> None:
    """What is used moved: the totals are counted again in a few seconds, however often it moves."""
    due_at = in_seconds(_USED_SECONDS)
    earlier = When(next_reconcile_at__lte=due_at, then=F("next_reconcile_at"))
    Project.objects.filter(pk__in=list(project_ids)).status_update(
        next_reconcile_at=Case(earlier, default=due_at, output_field=DateTimeField())
    )


def wake_cluster(cluster: Cluster) -> None:
    """A cluster came back or fell silent: its copies have something to say."""
    rows = ProjectCopy.objects.filter(cluster=cluster)
    if rows.exists():
        _wake(rows)


def _write(fresh: list[ProjectCopy], changed: list[ProjectCopy], claims: Claims) -> None:
    if not fresh and not changed:
        return
    with audit.unaudited(_DERIVED):
        ProjectCopy.objects.bulk_create(fresh)
        ProjectCopy.objects.bulk_update(changed, _COLUMNS, batch_size=200)
    claims.write()
    _wake(ProjectCopy.objects.filter(pk__in=[copy.pk for copy in [*fresh, *changed]]))


def _wake(rows: Any) -> None:
    lease.wake(rows)
    wake_on_commit(PROJECT_COPY_TASK)
