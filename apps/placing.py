"""From an application to its releases: one row per chosen cluster.

Called inside the transaction of whatever changed: the application, a
cluster's labels, a cluster's name. Rows are compared by the digest of what is
wanted, so that placing again changes nothing.
"""

from __future__ import annotations

from typing import Any

from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from apps.errors import ApplicationInvalidError
from apps.models import Application, ApplicationRevision, Release
from apps.queries import desired_release, secret_data
from fleet.choices import TargetState
from fleet.models import Cluster, Operation
from fleet.operations import Target, operation_start, target_progress
from fleet.projects.bounds import within
from kubecarrier.lib import access, audit, lease
from kubecarrier.lib.audit import GuardedQuerySet
from kubecarrier.lib.placement import Placement, resolve
from kubecarrier.lib.tasks import Queue, wake_on_commit

RECONCILE_TASK = "apps.tasks.reconcile_releases"
SUMMARIZE_TASK = "apps.tasks.summarize_applications"
_SPEC_COLUMNS = [
    "generation", "suspended", "revision", "pinned", "wanted_version", "desired_digest",
    "redeploy", "namespace", "name", "deletion_requested_at", "keep_resources", "updated_at",
]  # fmt: skip


def place(row: Application, revision: ApplicationRevision, *, verb: str) -> Operation:
    """Bring the release rows to what the application wants, and record the operation."""
    changed = _place(row, revision)
    return operation_start(verb=verb, row=row, targets=changed)


def place_cluster(cluster: Cluster) -> None:
    """A cluster came or changed its labels: only its own releases can come or go."""
    labels = {} if cluster.deletion_requested_at else {cluster.name: cluster.selector_labels()}
    present = set(
        cluster.releases.filter(deletion_requested_at=None).values_list("application_id", flat=True)
    )
    for row in Application.objects.filter(deletion_requested_at=None).select_related("project"):
        chosen = cluster.name in resolve(row.placed, within(row.project, labels))
        if chosen == (row.pk in present):
            continue
        replace(row)
        if chosen and cluster.generation > 1:
            # Labels that make a selector match deploy: who sets them must be allowed to.
            access.demand("applications.edit", cluster)


def replace(row: Application) -> None:
    """Place it again, as it was saved last: what may be chosen has changed."""
    revision = row.revisions.order_by("-number").first()
    if revision is not None:
        _place(row, revision)


def _place(row: Application, revision: ApplicationRevision) -> list[Target]:
    clusters = {c.name: c for c in Cluster.objects.filter(deletion_requested_at=None)}
    labels = {name: c.selector_labels() for name, c in clusters.items()}
    chosen = resolve(row.placed, within(row.project, labels))
    present = {release.cluster_id: release for release in row.releases.all()}
    secrets = secret_data(revision)
    fresh, changed = [], []
    for name in sorted(chosen):
        cluster = clusters[name]
        release = present.pop(cluster.pk, None)
        if release is None:
            fresh.append(_want(_new(row, cluster), row, revision, name, secrets))
        elif _moved(release, row, revision, name, secrets):
            changed.append(release)
    for release in present.values():
        # A pause holds this back too: it is done when the application is resumed.
        if release.deletion_requested_at is None and not row.suspended:
            _ask_deletion(release, keep_resources=row.keep_resources)
            changed.append(release)
    _write(fresh, changed)
    return [Target(r.pk, r.name, r.generation) for r in [*fresh, *changed]]


def _new(row: Application, cluster: Cluster) -> Release:
    return Release(
        application=row,
        cluster=cluster,
        name=f"{row.name}.{cluster.name}",
        release_name=row.name,
        suspended=row.suspended,
        generation=0,
    )


def _moved(
    release: Release, row: Application, revision: ApplicationRevision, name: str, secrets: Any
) -> bool:
    """Give the release what is wanted now; whether that differs from before."""
    returns = release.deletion_requested_at is not None
    if release.pinned and not returns:
        return False
    release.pinned = False
    release.deletion_requested_at = None
    before = (release.desired_digest, release.revision_id, release.suspended)
    _want(release, row, revision, name, secrets)
    return returns or before != (release.desired_digest, release.revision_id, release.suspended)


def _want(
    release: Release, row: Application, revision: ApplicationRevision, name: str, secrets: Any
) -> Release:
    desired = desired_release(
        application=row,
        revision=revision,
        cluster_name=name,
        redeploy=release.redeploy,
        secrets=secrets,
    )
    release.revision = revision
    release.suspended = row.suspended
    release.namespace = release.namespace or desired.namespace
    if release.namespace != desired.namespace:
        raise ApplicationInvalidError(
            "namespace_immutable",
            "An application cannot move to another namespace while it is deployed.",
            field="spec.namespace",
            hint="Create another application there and delete this one.",
        )
    release.wanted_version = desired.chart.version
    release.desired_digest = desired.digest
    release.generation += 1
    release.updated_at = timezone.now()
    return release


def forget_denials(row: Application) -> None:
    """What the project refused before is tried again: its rules are others now."""
    denied = row.releases.filter(last_operation__code__startswith="project_")
    if denied.exists():
        denied.status_update(last_operation={}, next_reconcile_at=Now())
        wake_on_commit(RECONCILE_TASK, queue=Queue.HELM)


def pin(row: Application, cluster: str, revision: ApplicationRevision) -> Operation:
    """Hold one cluster's release at `revision`; at the newest one it follows the application again."""
    release = living_release(row, cluster)
    newest = row.revisions.order_by("-number").values_list("pk", flat=True).first()
    release.pinned = revision.pk != newest
    _want(release, row, revision, cluster, secret_data(revision))
    _write([], [release])
    return operation_start(
        verb="rollback", row=row, targets=[Target(release.pk, release.name, release.generation)]
    )


def unpin(row: Application) -> None:
    """Let every release follow the application again."""
    with audit.unaudited("derived from the application"):
        row.releases.filter(pinned=True).update(pinned=False)


def redeploy(row: Application, cluster: str) -> Operation:
    """Want the same again: a new digest, so that the reconciler deploys it once more."""
    releases = [living_release(row, cluster)] if cluster else list(_living(row))
    for release in releases:
        release.redeploy += 1
        revision = release.revision
        _want(release, row, revision, release.cluster.name, secret_data(revision))
    _write([], releases)
    targets = [Target(r.pk, r.name, r.generation) for r in releases]
    return operation_start(verb="redeploy", row=row, targets=targets)


def wake_application(application_id: Any, *, at_once: bool = False) -> None:
    """Its summary is due, also where none of its releases has anything to do.

    The sweep takes it within a second, with those of others in one task; `at_once`
    is for the end of something that somebody waits for.
    """
    lease.wake(Application.objects.filter(pk=application_id))
    if at_once:
        wake_on_commit(SUMMARIZE_TASK)


def suspend(row: Application) -> None:
    """The releases are paused and resumed with their application.

    At the end of a pause it is placed again: clusters may have come and gone.
    """
    with audit.unaudited("derived from the application"):
        row.releases.update(suspended=row.suspended, updated_at=timezone.now())
    _wake(row.releases.all())
    if not row.suspended:
        replace(row)


def delete(row: Application, *, keep_resources: bool) -> Operation:
    """Ask every release to delete itself; an application without any goes at once."""
    releases = list(row.releases.all())
    for release in releases:
        _ask_deletion(release, keep_resources=keep_resources)
    _write([], releases)
    targets = [Target(r.pk, r.name, r.generation) for r in releases]
    operation = operation_start(verb="delete", row=row, targets=targets)
    if not releases:
        row.delete()
    return operation


def forget_cluster(cluster: Cluster, *, cleanup: bool) -> list[tuple[str, str]]:
    """A cluster leaves: its releases delete themselves first, or their rows go and objects stay."""
    releases = list(cluster.releases.all())
    if not cleanup:
        outcomes = [
            (r.name, f"Left in the cluster: release {r.release_name} in {r.namespace}.")
            for r in releases
        ]
        applications = {r.application_id for r in releases}
        for release in releases:
            target_progress(
                target_id=release.pk,
                generation=release.generation,
                state=TargetState.FAILED,
                message="The cluster was removed from the fleet.",
            )
        cluster.releases.all().delete()
        finish_deleted(applications)
        return outcomes
    waiting = [r for r in releases if r.deletion_requested_at is None]
    for release in waiting:
        _ask_deletion(release, keep_resources=False)
    _write([], waiting)
    return [(r.name, "Being deleted.") for r in releases]


def rename_cluster(cluster: Cluster, old: str) -> None:
    """Placements and release names follow a renamed cluster, without a deployment."""
    for row in Application.objects.all():
        renamed = row.placed.renamed(old, cluster.name).stored()
        if renamed != {**Placement().stored(), **row.placement}:
            row.placement = renamed
            row.generation += 1
            row.save()
            wake_application(row.pk)
        _rename_in_revisions(row, old, cluster.name)
    releases = list(cluster.releases.select_related("application"))
    for release in releases:
        release.name = f"{release.application.name}.{cluster.name}"
    with audit.unaudited("derived from the application and the cluster"):
        Release.objects.bulk_update(releases, ["name"], batch_size=200)


def _rename_in_revisions(row: Application, old: str, new: str) -> None:
    """A revision's placement names clusters: the name changes, what was saved does not."""
    for revision in row.revisions.all():
        placement = Placement.of(revision.spec["placement"]).renamed(old, new).stored()
        if placement != revision.spec["placement"]:
            revision.spec = {**revision.spec, "placement": placement}
            revision.save()


def finish_deleted(application_ids: Any) -> None:
    """Applications whose last release is gone and whose deletion was asked for go too."""
    gone = Application.objects.filter(
        pk__in=list(application_ids), deletion_requested_at__isnull=False, releases=None
    )
    for row in gone:
        row.delete()


def wake_cluster(cluster: Cluster) -> None:
    """A cluster came back or fell silent: its releases have something to say."""
    rows = Release.objects.filter(cluster=cluster)
    if rows.exists():
        _wake(rows, alarmed=True)


def _living(row: Application) -> QuerySet[Release]:
    return row.releases.filter(deletion_requested_at=None).select_related("cluster", "revision")


def living_release(row: Application, cluster: str) -> Release:
    release = _living(row).filter(cluster__name=cluster).first()
    if release is None:
        raise ApplicationInvalidError(
            "release_not_found",
            f"“{row.name}” is not on the cluster “{cluster[:60]}”.",
            field="cluster",
        )
    return release


def _ask_deletion(release: Release, *, keep_resources: bool) -> None:
    release.deletion_requested_at = release.deletion_requested_at or timezone.now()
    release.keep_resources = keep_resources
    release.suspended = False  # a deletion is asked for by name; it is not what a pause holds back
    release.generation += 1
    release.updated_at = timezone.now()


def _write(fresh: list[Release], changed: list[Release]) -> None:
    if not fresh and not changed:
        return
    with audit.unaudited("derived from the application"):
        Release.objects.bulk_create(fresh)
        Release.objects.bulk_update(changed, _SPEC_COLUMNS, batch_size=200)
    _wake(Release.objects.filter(pk__in=[r.pk for r in changed]))


def _wake(rows: GuardedQuerySet[Release], *, alarmed: bool = False) -> None:
    if alarmed:
        rows.status_update(alarm=F("alarm") + 1, next_reconcile_at=Now())
    else:
        lease.wake(rows)
    wake_on_commit(RECONCILE_TASK, queue=Queue.HELM)
