"""What is asked of clusters while a person waits: previews and Helm's own history.

Nothing here changes a cluster; each call has a time budget, and one cluster
that does not answer is an error in its own group, never a missing one.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from apps import release_objects, rights
from apps.acting import accounts_of, claims_on
from apps.desired import DIGEST_LABEL, Desired
from apps.doors import Doors, doors_to
from apps.errors import ApplicationStateError
from apps.helm import ReleaseSpec
from apps.helm_records import latest
from apps.models import Application, Release
from apps.projects import look_at_chart
from apps.queries import archive_file, desired_release, helm_door
from fleet import addresses
from fleet.connection import Connection
from fleet.grants import standing
from fleet.grants.project_account import ProjectAccount
from fleet.kube import Budget, Kube, ObjectRef
from fleet.queries import connection_of
from kubecarrier.lib import strict_yaml
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.lib.netguard import Policy
from kubecarrier.lib.redaction import mask_secret_objects, redact

Json = dict[str, Any]
Objects = dict[ObjectRef, Json]

_BUDGET = Budget(connect=3, read=8, total=15)
_RENDER_SECONDS = 30.0
_WORKERS = 4
_CONTEXT_LINES = 3


@dataclass(frozen=True, slots=True)
class Target:
    """One cluster of a preview; `desired` None: the release goes away there."""

    cluster: str
    connection: Connection
    release_name: str
    namespace: str
    desired: Desired | None
    chart_path: Path | None
    account: ProjectAccount | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What would change on one cluster: a unified diff and how many objects."""

    cluster: str
    diff: str
    summary: tuple[int, int, int]
    error: KubeCarrierError | None = None


def application_preview(*, name: str, save: Callable[[], object] | None) -> list[Json]:
    """What `save` (None: deploying what is saved) would change, grouped by equal result.

    The save is really made, in a transaction that is rolled back, so that the
    preview and the save cannot differ. Raises what the save raises.
    """
    with transaction.atomic():
        if save is not None:
            save()
        application = Application.objects.get(name=name)
        releases = list(_releases(application))
        accounts = accounts_of(releases, claims_on(releases))
        targets = [_target(application, one, accounts.get(one.pk)) for one in releases]
        transaction.set_rollback(True)
    rules = addresses.policy()
    with ThreadPoolExecutor(_WORKERS) as pool:
        changes = list(pool.map(lambda target: _change(target, rules), targets))
    return _grouped(changes)


def release_history(release: Release) -> list[Json]:
    """Helm's revisions of a release, newest first; raises HelmError, AddressError."""
    connection = addresses.guarded(connection_of(release.cluster), addresses.policy())
    entries = helm_door().history(
        connection, name=release.release_name, namespace=release.namespace
    )
    return [asdict(entry) for entry in reversed(entries)]


def workload_scale(*, application: Application, replicas: int, cluster: str = "") -> list[str]:
    """Scale the one workload of each release whose chart has no replica value; says which.

    Raises ApplicationStateError when a release has none or several.
    """
    releases = [r for r in _releases(application) if cluster in {"", r.cluster.name}]
    for release in releases:
        rights.demand({"scale"}, release)
    chosen = [(release, _workload(release)) for release in releases]
    accounts = accounts_of(releases, claims_on(releases))
    said = []
    for release, ref in chosen:
        connection = addresses.guarded(connection_of(release.cluster), addresses.policy())
        kube = Kube(connection, budget=_BUDGET)
        if account := accounts.get(release.pk):
            standing.ensure(kube, account, release.namespace)
            kube = kube.acting_as(account.identity)
        kube.scale(ref, replicas)
        said.append(f"{ref.kind}/{ref.name} on {release.cluster.name}")
    return said


def _workload(release: Release) -> ObjectRef:
    refs = [release_objects.ref_of(entry) for entry in release.objects_seen]
    workloads = [ref for ref in refs if ref.kind in {"Deployment", "StatefulSet"}]
    if len(workloads) != 1:
        raise ApplicationStateError(
            "replicas_unknown",
            f"The chart has no replica value, and {release.name} has {len(workloads)} workloads.",
            hint="Set the number in the values.",
        )
    return workloads[0]


def _releases(application: Application) -> Iterable[Release]:
    return application.releases.select_related("cluster", "revision").order_by("cluster__name")


def _target(application: Application, release: Release, account: ProjectAccount | None) -> Target:
    goes = release.deletion_requested_at is not None
    desired = None
    if not goes:
        desired = desired_release(
            application=application,
            revision=release.revision,
            cluster_name=release.cluster.name,
            redeploy=release.redeploy,
        )
    return Target(
        cluster=release.cluster.name,
        connection=connection_of(release.cluster),
        release_name=release.release_name,
        namespace=release.namespace,
        desired=desired,
        chart_path=archive_file(desired.chart.digest) if desired else None,
        account=account,
    )


def _change(target: Target, rules: Policy) -> Change:
    """In a thread: present against wanted on one cluster."""
    try:
        doors = doors_to(target.connection, rules, budget=_BUDGET)
        before = _present(doors.kube, target)
        after = _wanted(doors, target)
        return _compare(target.cluster, before, after)
    except KubeCarrierError as error:
        return Change(target.cluster, "", (0, 0, 0), error)


def _present(kube: Kube, target: Target) -> Objects:
    """What the newest record deployed, with the config maps and secrets beside it."""
    records = release_objects.records_of(kube, namespace=target.namespace, name=target.release_name)
    newest = latest(records).get((target.namespace, target.release_name))
    return release_objects.manifest_objects(kube, newest) if newest else {}


def _wanted(doors: Doors, target: Target) -> Objects:
    if target.desired is None or target.chart_path is None:
        return {}
    secrets = tuple(
        text for obj in target.desired.objects for text in obj.get("stringData", {}).values()
    )
    spec = ReleaseSpec(
        name=target.release_name,
        namespace=target.namespace,
        chart_path=target.chart_path,
        values=target.desired.values,
        labels={DIGEST_LABEL: target.desired.digest},
        timeout_seconds=_RENDER_SECONDS,
        secrets=secrets,
        disable_openapi_validation=False,
        create_namespace=True,
    )
    if target.account is None:
        manifest = doors.helm.dry_run(doors.connection, spec).manifest
    else:
        stands = standing.stands(doors.kube, target.account, target.namespace)
        manifest = look_at_chart(target.account, doors, spec, stands=stands)
    return release_objects.objects_of(doors.kube, manifest, target.namespace)


def _compare(cluster: str, before: Objects, after: Objects) -> Change:
    added = [ref for ref in after if ref not in before]
    removed = [ref for ref in before if ref not in after]
    changed = [ref for ref in after if ref in before and before[ref] != after[ref]]
    hunks = [
        _hunk(ref, before.get(ref), after.get(ref)) for ref in sorted([*added, *changed, *removed])
    ]
    return Change(cluster, "\n".join(hunks), (len(added), len(changed), len(removed)))


def _hunk(ref: ObjectRef, before: Json | None, after: Json | None) -> str:
    key = settings.SECRET_KEY.encode()
    live, wanted = (
        strict_yaml.dump(mask_secret_objects(obj, key=key)).splitlines() if obj else []
        for obj in (before, after)
    )
    label = f"{ref.kind} {ref.namespace}/{ref.name}".replace(" /", " ")
    lines = difflib.unified_diff(
        live, wanted, f"live {label}", f"wanted {label}", n=_CONTEXT_LINES, lineterm=""
    )
    return "\n".join(lines)


def _grouped(changes: list[Change]) -> list[Json]:
    """Clusters with the same diff stand together; errors stand alone."""
    groups: dict[tuple[str, str], Json] = {}
    for change in changes:
        key = (change.diff, change.error.code + change.cluster if change.error else "")
        added, changed, removed = change.summary
        group = groups.setdefault(
            key,
            {
                "clusters": [],
                "diff": change.diff,
                "summary": {"added": added, "changed": changed, "removed": removed},
                "error": _said(change.error),
            },
        )
        group["clusters"].append(change.cluster)
    return list(groups.values())


def _said(error: KubeCarrierError | None) -> Json | None:
    if error is None:
        return None
    return {"code": error.code, "message": redact(error.message, ())}
