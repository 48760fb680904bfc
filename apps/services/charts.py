"""Charts: opened once, by our own hardened reader, and kept by digest."""

from __future__ import annotations

from dataclasses import asdict

from django.db import transaction

from apps import archive as archives
from apps.chart_rows import describe_chart
from apps.choices import RepositoryType
from apps.errors import ChartNotFoundError, RepositoryStateError
from apps.models import Chart, ChartArchive, ChartRepository, ChartVersion
from apps.queries import http_repository, oci_repository
from kubecarrier.lib import access, audit


def opened(version: ChartVersion) -> ChartVersion:
    """The version with its archive fetched and read; the second time costs nothing.

    Raises RepositoryError, ArchiveError.
    """
    if version.archive_id:
        return version
    content = _fetched(version)
    found = archives.read(content)
    if (found.name, found.version) != (version.chart.chart, version.version):
        raise RepositoryStateError(
            "archive_mismatch",
            f"The archive holds {found.name} {found.version}, not what the index says.",
        )
    with transaction.atomic(), audit.unaudited("content addressed by its digest"):
        _store(version, found, content)
    return version


def _fetched(version: ChartVersion) -> bytes:
    """The archive from where the repository keeps it."""
    repository = version.chart.repository
    match repository.type:
        case RepositoryType.OCI:
            return (
                oci_repository(repository, version.chart.chart).fetch_chart(version.version).archive
            )
        case RepositoryType.HTTP if version.urls:
            door = http_repository(repository)
            return door.fetch_archive(version.urls[0], version.digest or None)
    raise ChartNotFoundError("archive_not_found", "The chart's archive is not stored.")


def chart_upload(*, repository: ChartRepository, content: bytes) -> ChartVersion:
    """Take a chart archive into a local repository; raises ArchiveError, RepositoryStateError."""
    access.demand("charts.upload", repository)
    if repository.type != RepositoryType.LOCAL:
        raise RepositoryStateError(
            "repository_not_local",
            f"Charts cannot be uploaded to “{repository.name}”.",
            hint="Upload to a repository of type local.",
        )
    found = archives.read(content)
    with transaction.atomic(), audit.unaudited("observed; the upload is an event of its own"):
        chart, _ = Chart.objects.get_or_create(
            repository=repository,
            chart=found.name,
            defaults={"name": f"{repository.name}.{found.name}"},
        )
        version = ChartVersion.objects.filter(chart=chart, version=found.version).first()
        if version and version.archive_id != found.digest:
            raise RepositoryStateError(
                "chart_exists",
                f"{found.name} {found.version} is there already with another content.",
                hint="A version never changes: raise the chart's version.",
            )
        if version is None:
            version = ChartVersion(chart=chart, version=found.version, digest=found.digest)
            version.save()
        _store(version, found, content)
        describe_chart(chart)
        repository.save()
        ChartRepository.objects.filter(pk=repository.pk).status_update(
            chart_count=repository.charts.count()
        )
        audit.event("chart-uploaded", repository, said=f"{found.name} {found.version}")
    return version


def archive_content(digest: str) -> bytes:
    """The archive's bytes; raises ChartNotFoundError."""
    row = ChartArchive.objects.filter(digest=digest).first()
    if row is None:
        raise ChartNotFoundError("archive_not_found", "The chart's archive is not stored.")
    return bytes(row.content)


def chart_download(*, repository: ChartRepository, digest: str) -> bytes:
    """An archive of a local repository for whoever fetches it, on record first.

    Reading the index is not: machines do so each minute, and it holds no chart.
    Raises ChartNotFoundError.
    """
    versions = ChartVersion.objects.filter(chart__repository=repository, archive_id=digest)
    version = versions.select_related("chart").defer("readme", "values_text", "schema").first()
    if version is None:
        raise ChartNotFoundError("chart_not_found", "No such chart.")
    audit.event("chart-downloaded", repository, said=f"{version.chart.chart} {version.version}")
    return archive_content(digest)


def _store(version: ChartVersion, found: archives.ChartArchive, content: bytes) -> None:
    ChartArchive.objects.get_or_create(
        digest=found.digest, defaults={"content": content, "size": len(content)}
    )
    version.archive_id = found.digest
    version.app_version = found.app_version[:100]
    version.description = found.description
    version.deprecated = found.deprecated
    version.readme = found.readme
    version.values_text = found.values_text
    version.schema = found.schema
    version.details = {
        **version.details,
        "type": str(found.type),
        "kubeVersion": found.kube_version,
        "icon": found.icon,
        "home": found.home,
        "sources": list(found.sources),
        "keywords": list(found.keywords),
        "maintainers": [asdict(m) for m in found.maintainers],
        "dependencies": [asdict(d) for d in found.dependencies],
        "annotations": dict(found.annotations),
        "crds": list(found.crds),
    }
    version.save()
