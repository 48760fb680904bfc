"""Refreshes chart repositories; the last good index stays on any failure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps import index
from apps.chart_http import HttpRepository, IndexStatus
from apps.chart_oci import OciRepository
from apps.chart_rows import describe_chart
from apps.choices import RepositoryType
from apps.conditions import REFRESHED, Reason
from apps.index import IndexEntry
from apps.models import Chart, ChartRepository, ChartVersion
from apps.queries import http_repository, oci_repository
from kubecarrier.lib import audit
from kubecarrier.lib.backoff import delay_seconds
from kubecarrier.lib.conditions import Condition, Status, summarize
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.reconcile import Pass, record_pass

# What the thread hands to the record: chart name → its versions as unsaved rows.
Found = dict[str, list[ChartVersion]]


@dataclass(frozen=True, slots=True)
class RefreshJob:
    """One repository to refresh, with the doors to it."""

    claim: Claim
    group: UUID
    row: ChartRepository
    etag: str
    index_digest: str
    refresh_seconds: int
    http: HttpRepository | None
    oci: dict[str, OciRepository]


class RepositoryReconciler:
    """Fetch, parse, and bring the chart rows to what the index says."""

    model = ChartRepository
    group_column = None
    lease_seconds = 60.0
    slots = 4
    slots_per_group = 1

    def load(self, claims: Sequence[Claim]) -> list[RefreshJob]:
        """Opens the credentials of the claimed repositories."""
        rows = ChartRepository.objects.in_bulk([claim.pk for claim in claims])
        return [_job(claim, rows[claim.pk]) for claim in claims if claim.pk in rows]

    def run(self, job: RefreshJob) -> Pass:
        """In a thread: fetch what is new."""
        if job.row.suspended:
            return Pass([], again_seconds=float(job.refresh_seconds))
        try:
            if job.http:
                return _from_http(job, job.http)
            return _from_oci(job) if job.oci else _nothing_to_do()
        except KubeCarrierError as error:
            failed = Condition(REFRESHED, Status.FALSE, Reason.REFRESH_FAILED, error.message)
            again = delay_seconds(job.claim.failures)
            ready = summarize([failed], needed=(REFRESHED,))
            return Pass([failed, ready], again_seconds=again, failed=True)

    def record(self, job: RefreshJob, result: Pass) -> None:
        """Write the charts and the status in one transaction."""
        found: Found | None = result.columns.pop("found", None)
        with transaction.atomic(), audit.unaudited("observed in the repository"):
            if found is not None:
                _bring_to(job.row, found)
                result.columns["chart_count"] = job.row.charts.count()
            record_pass(job.row, job.claim, result)


def _job(claim: Claim, row: ChartRepository) -> RefreshJob:
    return RefreshJob(
        claim=claim,
        group=claim.pk,
        row=row,
        etag=row.etag,
        index_digest=row.index_digest,
        refresh_seconds=row.refresh_seconds,
        http=http_repository(row) if row.type == RepositoryType.HTTP else None,
        oci={name: oci_repository(row, name) for name in row.references}
        if row.type == RepositoryType.OCI
        else {},
    )


def _from_http(job: RefreshJob, door: HttpRepository) -> Pass:
    answer = door.fetch_index(job.etag)
    if answer.status is IndexStatus.UNCHANGED:
        return _refreshed(job, "The index did not change.", {})
    digest = hashlib.sha256(answer.raw).hexdigest()
    if digest == job.index_digest:
        return _refreshed(job, "The index did not change.", {"etag": answer.etag[:500]})
    parsed = index.parse(answer.raw, door.url)
    found: Found = {}
    for entry in parsed.entries:
        found.setdefault(entry.name, []).append(_version_row(entry))
    text = f"{len(found)} charts, {len(parsed.entries)} versions"
    text += f", {parsed.skipped_count} unusable entries skipped." if parsed.skipped_count else "."
    columns = {"etag": answer.etag[:500], "index_digest": digest, "found": found}
    return _refreshed(job, text, columns)


def _from_oci(job: RefreshJob) -> Pass:
    found: Found = {}
    for name, door in job.oci.items():
        # A tag tells the version only: everything else is read when the chart is opened.
        found[name] = [ChartVersion(version=version[:100]) for version in door.list_versions()]
    return _refreshed(job, f"{len(found)} charts.", {"found": found})


def _refreshed(job: RefreshJob, text: str, columns: dict[str, Any]) -> Pass:
    good = Condition(REFRESHED, Status.TRUE, Reason.REFRESHED, text)
    columns["refreshed_at"] = timezone.now()
    ready = summarize([good], needed=(REFRESHED,))
    return Pass([good, ready], columns, again_seconds=float(job.refresh_seconds))


def _nothing_to_do() -> Pass:
    good = Condition(REFRESHED, Status.TRUE, Reason.NO_REFRESH_NEEDED, "Charts are uploaded here.")
    return Pass([good, summarize([good], needed=(REFRESHED,))])


def _bring_to(row: ChartRepository, found: Found) -> None:
    """Charts and versions as the index has them; those that applications pinned stay stored."""
    charts = {chart.chart: chart for chart in row.charts.all()}
    for name, versions in found.items():
        chart = charts.pop(name, None)
        if chart is None:
            chart = Chart.objects.create(repository=row, chart=name, name=f"{row.name}.{name}")
        if _bring_versions(chart, versions):
            describe_chart(chart)
    for chart in charts.values():
        chart.versions.filter(archive=None).delete()
        if not chart.versions.exists():
            chart.delete()


def _bring_versions(chart: Chart, wanted: list[ChartVersion]) -> bool:
    present = {v.version: v for v in chart.versions.only("version", "digest", "archive_id", "urls")}
    fresh, moved = [], []
    for version in wanted:
        known = present.pop(version.version, None)
        if known is None:
            version.chart = chart
            fresh.append(version)
        elif (version.digest and known.digest != version.digest) or known.urls != version.urls:
            known.digest, known.urls = version.digest, version.urls
            moved.append(known)
    ChartVersion.objects.bulk_create(fresh, batch_size=500)
    ChartVersion.objects.bulk_update(moved, ["digest", "urls"], batch_size=500)
    gone = [v.pk for v in present.values() if v.archive_id is None]
    ChartVersion.objects.filter(pk__in=gone).delete()
    return bool(fresh or moved or gone)


def _version_row(entry: IndexEntry) -> ChartVersion:
    return ChartVersion(
        version=entry.version[:100],
        app_version=entry.app_version[:100],
        description=entry.description,
        digest=entry.digest[:64],
        urls=list(entry.urls),
        released_at=entry.created,
        deprecated=entry.deprecated,
        details={
            "type": str(entry.type),
            "kubeVersion": entry.kube_version,
            "icon": entry.icon,
            "home": entry.home,
            "keywords": list(entry.keywords),
            "maintainers": [asdict(m) for m in entry.maintainers],
            "dependencies": [asdict(d) for d in entry.dependencies],
            "annotations": dict(entry.annotations),
        },
    )
