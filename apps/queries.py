"""Facts about repositories, charts, applications and releases, read only."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count, Q

from apps.chart_http import HttpRepository
from apps.chart_oci import OciRepository
from apps.desired import (
    LAYER_APPLICATION,
    LAYER_CHART,
    ChartFacts,
    Context,
    Desired,
    desire,
    effective_values,
    registry_values,
)
from apps.errors import ChartNotFoundError
from apps.helm import Helm
from apps.models import (
    Application,
    ApplicationRevision,
    Chart,
    ChartArchive,
    ChartRepository,
    ChartVersion,
    Release,
)
from apps.values import Layer, merge, parse_values
from apps.versions import best, parse_constraint
from fleet import addresses
from kubecarrier.lib import crypto, strict_yaml
from kubecarrier.lib.errors import at_field


def chart_by_reference(reference: str) -> Chart:
    """The chart of `repository/chart`; raises ChartNotFoundError."""
    repository, _, name = reference.partition("/")
    chart = Chart.objects.filter(repository__name=repository, chart=name).first()
    if chart is None:
        raise ChartNotFoundError(
            "chart_not_found",
            f"There is no chart “{reference[:200]}”.",
            field="spec.chart",
            hint="Write repository/chart; refresh the repository if the chart is new.",
        )
    return chart


def resolve_version(chart: Chart, wanted: str) -> ChartVersion:
    """The version that `wanted` (a version, a constraint, or empty for the newest) chooses."""
    known = list(chart.versions.values_list("version", flat=True))
    exact = wanted if wanted in known else None
    with at_field("spec.version"):
        found = exact or best(known, parse_constraint(wanted or "*"))
    if found is None:
        raise ChartNotFoundError(
            "version_not_found",
            f"No version of {chart.name} fits “{wanted[:100]}”.",
            field="spec.version",
            versions=known[:20],
        )
    return chart.versions.get(version=found)


def http_repository(row: ChartRepository) -> HttpRepository:
    """The door to an HTTP repository, with its credential opened."""
    return HttpRepository(
        url=row.url,
        username=row.username,
        password=crypto.reveal(row, "credential"),
        ca_pem=row.ca_pem or None,
        policy=addresses.policy(),
    )


def oci_repository(row: ChartRepository, chart: str) -> OciRepository:
    """The door to one chart of an OCI registry."""
    return OciRepository(
        reference=f"{row.url.rstrip('/')}/{chart}",
        username=row.username,
        password=crypto.reveal(row, "credential"),
        ca_pem=row.ca_pem or None,
        policy=addresses.policy(),
        plain_http=row.plain_http,
    )


@lru_cache(maxsize=1)
def helm_door() -> Helm:
    """The door to the helm program, with a work folder of its own."""
    work_dir: Path = settings.KUBECARRIER_HOME / "work" / "helm"
    work_dir.mkdir(parents=True, exist_ok=True)
    # Found here, because the program itself runs without a PATH.
    program = shutil.which(settings.KUBECARRIER_HELM) or settings.KUBECARRIER_HELM
    return Helm(Path(program), work_dir)


def charts_directory() -> Path:
    """Where archives lie as files for Helm; everything in it can be written anew."""
    directory: Path = settings.KUBECARRIER_HOME / "work" / "charts"
    return directory


def chart_defaults(digest: str) -> dict[str, Any]:
    """The default values in the archive of that digest, read as Helm reads a chart's own file."""
    return _defaults(digest)


@lru_cache(maxsize=256)
def _defaults(digest: str) -> dict[str, Any]:
    """Content addressed, so never stale."""
    version = ChartVersion.objects.filter(archive_id=digest).first()
    found = strict_yaml.load(version.values_text, dialect=strict_yaml.HELM) if version else {}
    return found if isinstance(found, dict) else {}


def chart_facts(reference: str, version: str, digest: str) -> ChartFacts:
    """What of a chart decides about values."""
    return ChartFacts(reference.partition("/")[2], version, digest, _defaults(digest))


def archive_file(digest: str) -> Path:
    """The archive as a file for Helm, written once per machine; raises ChartNotFoundError."""
    directory = charts_directory()
    path = directory / f"{digest}.tgz"
    if path.exists():
        return path
    row = ChartArchive.objects.filter(digest=digest).first()
    if row is None:
        raise ChartNotFoundError("archive_not_found", "The chart's archive is not stored.")
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=directory, delete=False) as file:
        file.write(row.content)
    Path(file.name).replace(path)
    return path


def secret_data(row: Application | ApplicationRevision) -> dict[str, dict[str, str]]:
    """The opened data of an application's secrets: name → key → text."""
    opened = crypto.reveal(row, "secret_data")
    return json.loads(opened) if opened else {}


def context_of(spec: dict[str, Any], secrets: dict[str, dict[str, str]]) -> Context:
    """The context part of a revision's spec, with the secrets' data put in."""
    return Context(
        config_maps=tuple(spec.get("config_maps", [])),
        secrets=tuple(
            {**item, "data": secrets.get(item["name"], {})} for item in spec.get("secrets", [])
        ),
        image_registry=spec.get("image_registry", ""),
        env=spec.get("env", {}),
        env_key=spec.get("env_key") or "env",
    )


def override_for(spec: dict[str, Any], cluster_name: str) -> dict[str, Any]:
    """The values that a cluster's override lays over the application's."""
    overrides = spec.get("placement", {}).get("overrides", {})
    found = overrides.get(cluster_name, {}).get("values", {})
    return dict(found)


def owner_of(application: Application) -> str:
    """The owner mark of everything an application makes in a cluster."""
    return f"application/{application.pk}"


def desired_release(
    *,
    application: Application,
    revision: ApplicationRevision,
    cluster_name: str,
    redeploy: int,
    spec: dict[str, Any] | None = None,
    secrets: dict[str, dict[str, str]] | None = None,
) -> Desired:
    """What `revision` (or `spec`, for a preview) wants on that cluster."""
    wanted = spec if spec is not None else revision.spec
    opened = secrets if secrets is not None else secret_data(revision)
    return desire(
        release_name=application.name,
        namespace=wanted["namespace"],
        owner=owner_of(application),
        chart=chart_facts(wanted["chart"], wanted["resolved_version"], wanted["digest"]),
        values_text=wanted["values"],
        context=context_of(wanted, opened),
        override=override_for(wanted, cluster_name),
        redeploy=redeploy,
    )


def effective_values_of(application: Application, cluster_name: str) -> dict[str, Any]:
    """The merged values on a cluster ("" without override), and which layer set each key."""
    revision = application.revisions.order_by("-number").first()
    spec = revision.spec if revision else {}
    chart = chart_facts(application.chart, application.resolved_version, application.digest)
    context = context_of(spec, {})
    override = override_for(spec, cluster_name)
    merged = effective_values(chart, application.values, context, override)
    known = merge(
        [
            Layer(LAYER_CHART, chart.defaults),
            Layer(LAYER_APPLICATION, parse_values(application.values)),
        ]
    )
    _, keys = registry_values(known.values, context.image_registry)
    return {"values": merged.values, "origins": dict(merged.origins), "registryKeys": list(keys)}


def attach_counts(rows: Sequence[Application]) -> None:
    """Give each row its `counts`, with one query for all."""
    counts = release_counts([row.pk for row in rows])
    for row in rows:
        row.counts = counts.get(row.pk, {})


def release_counts(application_ids: list[Any]) -> dict[Any, dict[str, int]]:
    """Per application: how many releases, and how many are ready, failed, drifted."""
    rows: Any = (
        Release.objects.filter(application_id__in=application_ids)
        .values("application_id")
        .annotate(
            total_count=Count("pk"),
            ready_count=Count("pk", filter=Q(ready="True")),
            failed_count=Count("pk", filter=Q(ready="False")),
            stalled_count=Count("pk", filter=Q(conditions__Stalled__status="True")),
            drifted_count=Count("pk", filter=Q(conditions__Drifted__status="True")),
        )
    )
    return {row["application_id"]: row for row in rows}
