"""Applications: save, scale, upgrade, roll back, pause, redeploy, delete.

Every change of the spec is one immutable revision, one audit entry and one
placement of its releases, in one transaction. The reconcilers are only woken.
"""

from __future__ import annotations

import difflib
import json
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps import placing, rights
from apps.errors import ApplicationInvalidError, ApplicationStateError
from apps.models import Application, ApplicationRevision, Chart, ChartVersion
from apps.projects import check_project
from apps.queries import chart_by_reference, chart_defaults, resolve_version, secret_data
from apps.services import charts
from apps.values import Layer, merge, parse_values, set_path
from apps.values_schema import validate
from apps.values_text import text_with
from fleet.models import Operation, Project
from fleet.projects.bounds import project_for
from kubecarrier.lib import access, audit, crypto, strict_yaml
from kubecarrier.lib.errors import at_field
from kubecarrier.lib.manifests import Applied, Result, Wish
from kubecarrier.lib.placement import parse_selector

# What a revision holds: the whole spec, by column.
REVISION_COLUMNS = (
    "chart", "version", "resolved_version", "digest", "namespace", "values", "config_maps",
    "secrets", "image_registry", "env", "env_key", "depends_on", "placement", "keep_resources",
    "on_failure", "timeout_seconds", "max_history", "drift_policy", "description",
)  # fmt: skip


def application_apply(*, actor: Any, wish: Wish) -> Applied:
    """Create or update an application from a document.

    Raises ApplicationInvalidError, ChartNotFoundError, VersionError, YamlError
    and what reading the chart's archive raises.
    """
    spec = dict(wish.spec)
    found = Application.objects.filter(name=wish.name).first()
    version, spec = _pin(spec, found)
    _check(wish.name, spec, version)
    data = _secret_data(spec, found)
    with transaction.atomic():
        row = _locked(wish.name)
        if row is None:
            row = Application(name=wish.name, generation=0)
        else:
            wish.check(row)
        _refuse_deleted(row)
        project = project_for(actor=actor, wish=wish, row=row, plural="applications")
        fresh = row._state.adding
        verbs = rights.CREATING if fresh else rights.needed(row, project, wish, spec, data)
        if not fresh:
            rights.demand(verbs, row)
        if not _assign(row, project, wish.labels, spec, data):
            return Applied(row, Result.UNCHANGED)
        result = Result.CREATED if fresh else Result.CONFIGURED
        _save(row, verb="deploy")
        rights.demand_reach(verbs, row)
    return Applied(row, result)


def application_scale(
    *, application: Application, key: str, replicas: int, cluster: str = ""
) -> tuple[Application, Operation]:
    """Set the chart's replica value `key`, for one cluster or everywhere."""
    with transaction.atomic():
        row = _fresh(application)
        rights.demand({"scale"}, placing.living_release(row, cluster) if cluster else row)
        if cluster:
            overrides = dict(row.placement.get("overrides", {}))
            values = dict(overrides.get(cluster, {}).get("values", {}))
            overrides[cluster] = {"values": set_path(values, key, replicas)}
            row.placement = {**row.placement, "overrides": overrides}
        else:
            row.values = text_with(row.values, key, replicas)
        version = ChartVersion.objects.filter(archive_id=row.digest).first()
        spec = {"digest": row.digest, "values": row.values, "placement": row.placement}
        _check_values(spec, version.schema if version else None)
        operation = _save(row, verb="scale")
    return row, operation


def replica_key(application: Application) -> str | None:
    """Which of the usual replica values the chart has; None: only the workload can be scaled."""
    return next((key for key in rights.REPLICA_KEYS if key in _known_values(application)), None)


def replicas_of(application: Application) -> int | None:
    """How many replicas are wanted everywhere, where the chart has a value for it."""
    known = _known_values(application)
    found = next((known[key] for key in rights.REPLICA_KEYS if key in known), None)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _known_values(application: Application) -> dict[str, Any]:
    return {**chart_defaults(application.digest), **parse_values(application.values)}


def application_upgrade(
    *, application: Application, version: str = ""
) -> tuple[Application, Operation]:
    """Go to `version`, or to the newest that the constraint allows."""
    exact = not version and application.version == application.resolved_version
    wish = "" if exact else version or application.version
    spec: dict[str, Any] = {"chart": application.chart, "version": wish}
    wanted, pinned = _pin(spec, None)
    merged = {column: getattr(application, column) for column in REVISION_COLUMNS} | pinned
    _check(application.name, merged, wanted)
    with transaction.atomic():
        row = _fresh(application)
        rights.demand({"upgrade"}, row)
        # An exact version moves on; what was asked for must never name another than what is pinned.
        row.version = pinned["resolved_version"] if exact else wish
        row.resolved_version, row.digest = pinned["resolved_version"], pinned["digest"]
        operation = _save(row, verb="upgrade")
    return row, operation


def application_rollback(
    *, application: Application, number: int, cluster: str = ""
) -> tuple[Application, Operation]:
    """Become revision `number` again: as a new revision everywhere, or pinned on one cluster."""
    revision = ApplicationRevision.objects.filter(application=application, number=number).first()
    if revision is None:
        raise ApplicationInvalidError(
            "revision_not_found", f"There is no revision {number}.", field="revision"
        )
    with transaction.atomic():
        row = _fresh(application)
        rights.demand({"rollback"}, placing.living_release(row, cluster) if cluster else row)
        if cluster:
            return row, placing.pin(row, cluster, revision)
        for column in REVISION_COLUMNS:
            setattr(row, column, revision.spec[column])
        _check_dependencies(row.name, row.depends_on)
        _seal(row, secret_data(revision))
        placing.unpin(row)
        with audit.worded(f"Rolled back to revision {number}."):
            operation = _save(row, verb="rollback")
        rights.demand_reach({"rollback"}, row)
    return row, operation


def application_redeploy(
    *, application: Application, cluster: str = ""
) -> tuple[Application, Operation]:
    """Deploy what is wanted again: on one cluster, or on all."""
    with transaction.atomic():
        row = _fresh(application)
        rights.demand({"redeploy"}, placing.living_release(row, cluster) if cluster else row)
        operation = placing.redeploy(row, cluster)
    return row, operation


def application_suspend(*, application: Application, suspended: bool) -> Application:
    """Pause or resume: nothing is deployed, corrected or deleted while paused."""
    with transaction.atomic():
        row = _fresh(application)
        rights.demand({"pause"}, row)
        if row.suspended != suspended:
            row.suspended = suspended
            row.generation += 1
            row.save()
            placing.suspend(row)
            placing.wake_application(row.pk)
    return row


def application_delete(*, actor: Any, row: Application, keep_resources: bool | None = None) -> None:
    """Delete from every cluster; `keep_resources` leaves each object in place.

    Refuses while another application depends on it.
    """
    with transaction.atomic():
        application = _fresh(row, deleted_too=True)
        access.demand("applications.delete", application)
        dependents = [
            other.name
            for other in Application.objects.exclude(pk=row.pk).only("name", "depends_on")
            if application.name in other.depends_on
        ]
        if dependents:
            raise ApplicationStateError(
                "application_needed",
                f"Other applications depend on it: {', '.join(dependents[:5])}.",
                hint="Delete those first, or remove the dependency.",
                dependents=dependents,
            )
        keep = application.keep_resources if keep_resources is None else keep_resources
        application.keep_resources = keep
        application.deletion_requested_at = application.deletion_requested_at or timezone.now()
        application.suspended = False
        application.generation += 1
        application.save()
        placing.delete(application, keep_resources=keep)
        row.deletion_requested_at = application.deletion_requested_at


def _locked(name: str) -> Application | None:
    return Application.objects.select_for_update().filter(name=name).first()


def _fresh(application: Application, *, deleted_too: bool = False) -> Application:
    row = Application.objects.select_for_update().get(pk=application.pk)
    if not deleted_too:
        _refuse_deleted(row)
    return row


def _refuse_deleted(row: Application) -> None:
    if row.deletion_requested_at:
        raise ApplicationStateError("being_deleted", f"“{row.name}” is being deleted.")


def _pin(spec: dict[str, Any], found: Application | None) -> tuple[ChartVersion, dict[str, Any]]:
    """Resolve the version and the digest; an unchanged request keeps what was pinned before."""
    chart: Chart = chart_by_reference(spec["chart"])
    wanted = spec.get("version", "")
    if found and (found.chart, found.version) == (spec["chart"], wanted) and found.digest:
        kept = chart.versions.filter(
            version=found.resolved_version, archive_id=found.digest
        ).first()
        if kept:
            return kept, {**spec, "resolved_version": kept.version, "digest": found.digest}
    version = charts.opened(resolve_version(chart, wanted))
    return version, {**spec, "resolved_version": version.version, "digest": version.archive_id}


def _check(name: str, spec: dict[str, Any], version: ChartVersion) -> None:
    """What a machine can know to be wrong before anything is stored."""
    if version.details.get("type") == "library":
        raise ApplicationInvalidError(
            "chart_library", "A library chart cannot be deployed.", field="spec.chart"
        )
    _check_values(spec, version.schema)
    if selector := spec.get("placement", {}).get("selector", ""):
        parse_selector("" if selector == "*" else selector, where="spec.placement.selector")
    _check_dependencies(name, spec.get("depends_on", []))


def _check_values(spec: dict[str, Any], schema: Any) -> None:
    """The values everywhere and on each cluster with an override, by the chart's schema."""
    with at_field("spec.values"):
        own = parse_values(spec.get("values", ""))
    layers = [Layer("chart", chart_defaults(spec["digest"])), Layer("application", own)]
    candidates = [("spec.values", layers)] + [
        (
            f"spec.placement.overrides.{cluster}.values",
            [*layers, Layer(cluster, override["values"])],
        )
        for cluster, override in spec.get("placement", {}).get("overrides", {}).items()
    ]
    for field, candidate in candidates if schema else ():
        if issues := validate(merge(candidate).values, schema):
            raise ApplicationInvalidError(
                "values_schema",
                f"{issues[0].path or 'values'}: {issues[0].message}",
                field=field,
                issues=[
                    {"path": i.path, "rule": i.rule, "message": i.message} for i in issues[:20]
                ],
            )


def _check_dependencies(name: str, depends_on: list[str]) -> None:
    """Each must exist, and none may lead back here."""
    graph = dict(Application.objects.values_list("name", "depends_on"))
    if missing := [other for other in depends_on if other not in graph and other != name]:
        raise ApplicationInvalidError(
            "dependency_missing", f"There is no application “{missing[0]}”.", field="spec.dependsOn"
        )
    graph[name] = depends_on
    path, todo = set(), list(depends_on)
    while todo:
        current = todo.pop()
        if current == name:
            raise ApplicationInvalidError(
                "dependency_cycle",
                "The dependencies lead back to this application.",
                field="spec.dependsOn",
            )
        if current not in path:
            path.add(current)
            todo += graph.get(current, [])


def _secret_data(spec: dict[str, Any], found: Application | None) -> dict[str, dict[str, str]]:
    """Take the secrets' data out of the spec; a secret without data keeps what is stored."""
    stored = secret_data(found) if found else {}
    data = {}
    listed = []
    for secret in spec.get("secrets", []):
        item = dict(secret)
        given = item.pop("data", None)
        if not item.get("existing"):
            data[item["name"]] = given if given is not None else stored.get(item["name"], {})
            item["keys"] = sorted(data[item["name"]])
        listed.append(item)
    if "secrets" in spec:
        spec["secrets"] = listed
    return data


def _assign(
    row: Application,
    project: Project | None,
    labels: dict[str, str],
    spec: dict[str, Any],
    data: dict[str, dict[str, str]],
) -> bool:
    """Put the spec on the row; whether anything really changed."""
    changed = row._state.adding or row.labels != labels or row.project != project
    row.labels, row.project = labels, project
    for column, value in spec.items():
        changed |= getattr(row, column) != value
        setattr(row, column, value)
    if row._state.adding or secret_data(row) != data:
        changed = True
        _seal(row, data)
    return changed


def _seal(row: Application | ApplicationRevision, data: dict[str, dict[str, str]]) -> None:
    crypto.seal(row, "secret_data", json.dumps(data, sort_keys=True) if data else "")


def _save(row: Application, *, verb: str) -> Operation:
    """Save the spec as the next revision and place it."""
    check_project(row)
    row.generation += 1
    row.full_clean(exclude=["secret_data"])
    row.save()
    revision = _revise(row, data=secret_data(row))
    placing.wake_application(row.pk)
    return placing.place(row, revision, verb=verb)


def _revise(row: Application, *, data: dict[str, dict[str, str]]) -> ApplicationRevision:
    """The spec as a new revision; the newest one where nothing of it changed (labels, a pause)."""
    context = audit.current()
    actor = context.actor()
    before = ApplicationRevision.objects.filter(application=row).order_by("-number").first()
    spec = {column: getattr(row, column) for column in REVISION_COLUMNS}
    if before is not None and before.spec == spec and secret_data(before) == data:
        return before
    revision = ApplicationRevision(
        application=row,
        number=before.number + 1 if before else 1,
        spec=spec,
        author=actor if getattr(actor, "pk", None) else None,
        channel=context.channel,
        reason=context.reason,
        diff=spec_diff(before.spec if before else {}, spec),
    )
    _seal(revision, data)
    revision.save()
    return revision


def spec_diff(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Two specs as a unified diff of YAML; secrets are not part of a spec."""
    old, new = (strict_yaml.dump(spec).splitlines() if spec else [] for spec in (before, after))
    lines = difflib.unified_diff(old, new, "before", "after", n=2, lineterm="")
    return "\n".join(lines)
