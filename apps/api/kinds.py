"""This app's kinds as the API knows them."""

from __future__ import annotations

from typing import Any

from apps.api.serializers import ApplicationSpecSerializer, RepositorySpecSerializer
from apps.models import Application, Chart, ChartRepository, Release
from apps.permissions import (
    visible_applications,
    visible_charts,
    visible_releases,
    visible_repositories,
)
from apps.queries import attach_counts
from apps.services.applications import application_apply, application_delete
from apps.services.repositories import repository_apply, repository_delete
from kubecarrier.lib.conditions import READY
from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def keep_resources(text: str) -> bool:
    """Only the two words: a misspelt one must not delete what was to be kept."""
    if text not in {"true", "false"}:
        raise InvalidError(
            "keep_resources_invalid", "keepResources is true or false.", field="keepResources"
        )
    return text == "true"


def repository_status(row: ChartRepository) -> dict[str, Any]:
    """What the last refresh found."""
    return {
        "charts": row.chart_count,
        "refreshedAt": row.refreshed_at,
        "reason": row.condition(READY).get("reason", ""),
    }


def chart_status(row: Chart) -> dict[str, Any]:
    """What the repository says of the chart's newest version."""
    return {
        "repository": row.repository.name,
        "chart": row.chart,
        "latestVersion": row.latest_version,
        "appVersion": row.app_version,
        "description": row.description,
        "icon": row.icon,
        "home": row.home,
        "keywords": row.keywords,
        "deprecated": row.deprecated,
    }


def application_status(row: Application) -> dict[str, Any]:
    """The summary of its releases and what the save pinned."""
    if row.counts is None:
        attach_counts([row])
    counts = row.counts or {}
    return {
        "resolvedVersion": row.resolved_version,
        "digest": row.digest,
        "suspended": row.suspended,
        "releases": counts.get("total_count", 0),
        "readyReleases": counts.get("ready_count", 0),
        "driftedReleases": counts.get("drifted_count", 0),
        "stalledReleases": counts.get("stalled_count", 0),
        "reason": row.condition(READY).get("reason", ""),
    }


def release_status(row: Release) -> dict[str, Any]:
    """What Helm's record and the live objects said."""
    return {
        "application": row.application.name,
        "cluster": row.cluster.name,
        "namespace": row.namespace,
        "revision": row.revision.number,
        "pinned": row.pinned,
        "suspended": row.suspended,
        "wantedVersion": row.wanted_version,
        "actualVersion": row.actual_version,
        "helmRevision": row.helm_revision,
        "helmStatus": row.helm_status,
        "objects": row.objects_seen,
        "drift": row.drift,
        "lastOperation": row.last_operation,
        "seenAt": row.seen_at,
        "reason": row.condition(READY).get("reason", ""),
        "health": row.condition("Healthy").get("status", "Unknown"),
        "drifted": row.condition("Drifted").get("status", "Unknown"),
    }


REPOSITORY = register(
    Kind(
        kind="ChartRepository",
        plural="repositories",
        short_names=("repo", "repository"),
        model=ChartRepository,
        description="Where charts come from.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("TYPE", "spec.type"),
            Column("READY", "status.ready", ColumnType.READY),
            Column("CHARTS", "status.charts"),
            Column("REFRESHED", "status.refreshedAt", ColumnType.DATE),
            Column("URL", "spec.url"),
        ),
        spec_serializer=RepositorySpecSerializer,
        status=repository_status,
        rows=visible_repositories,
        apply=repository_apply,
        delete=repository_delete,
        filters={"ready": "ready", "type": "type"},
        search=("name", "url", "description"),
        actions=("refresh", "charts"),
    )
)
CHART = register(
    Kind(
        kind="Chart",
        plural="charts",
        short_names=("ch",),
        model=Chart,
        description="A chart of a repository.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("VERSION", "status.latestVersion"),
            Column("APP VERSION", "status.appVersion"),
            Column("DESCRIPTION", "status.description"),
        ),
        spec_serializer=None,
        status=chart_status,
        rows=visible_charts,
        filters={"repository": "repository__name", "deprecated": "deprecated"},
        search=("name", "description", "keyword_text"),
        actions=("versions",),
    )
)
APPLICATION = register(
    Kind(
        kind="Application",
        plural="applications",
        short_names=("app",),
        model=Application,
        description="A chart at a version with values and context, placed on clusters.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("READY", "status.ready", ColumnType.READY),
            Column("RELEASES", "status.releases"),
            Column("CHART", "spec.chart"),
            Column("VERSION", "status.resolvedVersion"),
            Column("NAMESPACE", "spec.namespace"),
            Column("AGE", "metadata.createdAt", ColumnType.DATE),
            Column("REASON", "status.reason", priority=1),
            Column("DRIFTED", "status.driftedReleases", priority=1),
        ),
        spec_serializer=ApplicationSpecSerializer,
        status=application_status,
        rows=visible_applications,
        apply=application_apply,
        attach=attach_counts,
        delete=application_delete,
        delete_options={"keepResources": keep_resources},
        filters={
            "ready": "ready",
            "namespace": "namespace",
            "chart": "chart",
            "cluster": "releases__cluster__name",
        },
        search=("name", "description", "chart"),
        actions=(
            "preview",
            "scale",
            "upgrade",
            "rollback",
            "redeploy",
            "suspend",
            "resume",
            "revisions",
            "values",
        ),
    )
)
RELEASE = register(
    Kind(
        kind="Release",
        plural="releases",
        short_names=("rel",),
        model=Release,
        description="An application on one cluster: a Helm release.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("READY", "status.ready", ColumnType.READY),
            Column("REASON", "status.reason"),
            Column("VERSION", "status.actualVersion"),
            Column("WANTED", "status.wantedVersion"),
            Column("HELM", "status.helmRevision"),
            Column("DRIFTED", "status.drifted"),
            Column("AGE", "metadata.createdAt", ColumnType.DATE),
            Column("NAMESPACE", "status.namespace", priority=1),
            Column("SEEN", "status.seenAt", ColumnType.DATE, priority=1),
        ),
        spec_serializer=None,
        status=release_status,
        rows=visible_releases,
        filters={
            "application": "application__name",
            "cluster": "cluster__name",
            "namespace": "namespace",
            "ready": "ready",
            "drifted": "conditions__Drifted__status",
        },
        search=("name", "namespace", "actual_version"),
        actions=("redeploy", "history"),
    )
)
