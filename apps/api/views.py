"""Repositories, charts, applications and releases over REST."""

from __future__ import annotations

from functools import partial
from typing import IO, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps import live
from apps.api import kinds
from apps.api.serializers import (
    ChartVersionListSerializer,
    ChartVersionSerializer,
    EffectiveValuesSerializer,
    HelmHistorySerializer,
    PreviewSerializer,
    RedeploySerializer,
    RevisionListSerializer,
    RollbackSerializer,
    ScaleSerializer,
    UpgradeSerializer,
)
from apps.errors import ChartNotFoundError
from apps.models import Application, ChartVersion
from apps.queries import effective_values_of
from apps.services.applications import (
    application_apply,
    application_redeploy,
    application_rollback,
    application_scale,
    application_suspend,
    application_upgrade,
    replica_key,
)
from apps.services.charts import chart_upload, opened
from apps.services.repositories import repository_refresh
from apps.versions import sort_key
from fleet.api.kinds import OPERATION
from fleet.api.serializers import ActionResultSerializer
from fleet.models import Operation
from kubecarrier.api import documents
from kubecarrier.api.views import DocumentViewSet, maybe_dry, validated
from kubecarrier.lib.errors import InvalidError

_MAX_UPLOAD = 20 * 1024 * 1024
_CLUSTER = OpenApiParameter("cluster", OpenApiTypes.STR, OpenApiParameter.QUERY)
_DRY = OpenApiParameter("dryRun", OpenApiTypes.STR, OpenApiParameter.QUERY)


class ArchiveParser(BaseParser):
    """The bytes of a chart archive, bounded while they are read."""

    media_type = "application/gzip"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> Any:
        content: bytes = stream.read(_MAX_UPLOAD + 1)
        if len(content) > _MAX_UPLOAD:
            raise InvalidError("archive_too_large", "A chart archive is at most 20 MiB.")
        return content


class RepositoryViewSet(DocumentViewSet):
    """Chart repositories."""

    kind = kinds.REPOSITORY

    @extend_schema(request=None, responses={202: ActionResultSerializer})
    @action(detail=True, methods=["post"])
    def refresh(self, request: Request, name: str) -> Response:
        repository = self.fetch(request, name)
        with maybe_dry(request):
            repository_refresh(repository=repository)
        return self.acted(repository)

    @extend_schema(
        request={"application/gzip": OpenApiTypes.BINARY}, responses={201: ChartVersionSerializer}
    )
    @action(detail=True, methods=["post"], parser_classes=[ArchiveParser])
    def charts(self, request: Request, name: str) -> Response:
        """Upload a chart archive into a local repository."""
        with maybe_dry(request):
            content: Any = request.data
            if not isinstance(content, bytes):  # DRF calls no parser for an empty body
                raise InvalidError("archive_missing", "The body is the chart's archive.")
            version = chart_upload(repository=self.fetch(request, name), content=content)
        return Response(version_document(version), status=status.HTTP_201_CREATED)


class ChartViewSet(DocumentViewSet):
    """Charts, observed."""

    kind = kinds.CHART
    http_method_names = ["get", "head", "options"]

    @extend_schema(responses={200: ChartVersionListSerializer}, operation_id="charts_versions_list")
    @action(detail=True, methods=["get"])
    def versions(self, request: Request, name: str) -> Response:
        rows = (
            self.fetch(request, name)
            .versions.select_related("chart")
            .defer("readme", "values_text", "schema")
        )
        listed = sorted(rows, key=lambda row: sort_key(row.version), reverse=True)
        return Response({"items": [version_summary(row) for row in listed]})

    @extend_schema(responses={200: ChartVersionSerializer})
    @action(
        detail=True, methods=["get"], url_path=r"versions/(?P<version>[^/]+)", url_name="version"
    )
    def version(self, request: Request, name: str, version: str) -> Response:
        chart = self.fetch(request, name)
        row = chart.versions.filter(version=version).select_related("chart__repository").first()
        if row is None:
            raise ChartNotFoundError(
                "version_not_found", f"{name} has no version “{version[:100]}”."
            )
        return Response(version_document(opened(row)))


class ApplicationViewSet(DocumentViewSet):
    """Applications."""

    kind = kinds.APPLICATION
    action_parameters = {"values": frozenset({"cluster"})}

    @extend_schema(request=OpenApiTypes.OBJECT, responses={200: PreviewSerializer})
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, name: str) -> Response:
        """What saving the document in the body (or a redeploy, without one) would change."""
        application = self.find(request, name)
        document = request.data if isinstance(request.data, dict) else {}
        wish = documents.read(self.kind, document, name=name) if document else None
        if application is None and wish is None:
            application = self.fetch(request, name)
        save = partial(application_apply, actor=request.user, wish=wish) if wish else None
        groups = live.application_preview(name=name, save=save)
        return Response({"groups": groups})

    @extend_schema(
        request=ScaleSerializer, responses={202: ActionResultSerializer}, parameters=[_DRY]
    )
    @action(detail=True, methods=["post"])
    def scale(self, request: Request, name: str) -> Response:
        """Sets the chart's replica value or, without one, the workload; `scaled` says which."""
        given = validated(ScaleSerializer, request)
        row: Application = self.fetch(request, name)
        key = replica_key(row)
        if key is None:
            with maybe_dry(request) as dry:
                scaled = [] if dry else live.workload_scale(application=row, **given)
            response = self.acted(row)
        else:
            scaled = [f"values: {key}"]
            response = self._operate(request, name, application_scale, key=key, **given)
        response.data["scaled"] = scaled
        return response

    @extend_schema(
        request=UpgradeSerializer, responses={202: ActionResultSerializer}, parameters=[_DRY]
    )
    @action(detail=True, methods=["post"])
    def upgrade(self, request: Request, name: str) -> Response:
        given = validated(UpgradeSerializer, request)
        return self._operate(request, name, application_upgrade, **given)

    @extend_schema(
        request=RollbackSerializer, responses={202: ActionResultSerializer}, parameters=[_DRY]
    )
    @action(detail=True, methods=["post"])
    def rollback(self, request: Request, name: str) -> Response:
        given = validated(RollbackSerializer, request)
        cluster, number = given["cluster"], given["revision"]
        return self._operate(request, name, application_rollback, number=number, cluster=cluster)

    @extend_schema(
        request=RedeploySerializer, responses={202: ActionResultSerializer}, parameters=[_DRY]
    )
    @action(detail=True, methods=["post"])
    def redeploy(self, request: Request, name: str) -> Response:
        given = validated(RedeploySerializer, request)
        return self._operate(request, name, application_redeploy, **given)

    @extend_schema(request=None, responses={202: ActionResultSerializer})
    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, name: str) -> Response:
        with maybe_dry(request):
            row = application_suspend(application=self.fetch(request, name), suspended=True)
            return self.acted(row)

    @extend_schema(request=None, responses={202: ActionResultSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, name: str) -> Response:
        with maybe_dry(request):
            row = application_suspend(application=self.fetch(request, name), suspended=False)
            return self.acted(row)

    @extend_schema(responses={200: RevisionListSerializer})
    @action(detail=True, methods=["get"])
    def revisions(self, request: Request, name: str) -> Response:
        rows = self.fetch(request, name).revisions.select_related("author")[:100]
        return Response({"items": [revision_document(row) for row in rows]})

    @extend_schema(responses={200: EffectiveValuesSerializer}, parameters=[_CLUSTER])
    @action(detail=True, methods=["get"])
    def values(self, request: Request, name: str) -> Response:
        row: Application = self.fetch(request, name)
        cluster = request.query_params.get("cluster", "")
        return Response(effective_values_of(row, cluster))

    def _operate(self, request: Request, name: str, service: Any, **given: Any) -> Response:
        with maybe_dry(request):
            row, operation = service(application=self.fetch(request, name), **given)
            return self.acted(row, operation_document(operation))


class ReleaseViewSet(DocumentViewSet):
    """Releases, one per application and cluster."""

    kind = kinds.RELEASE
    http_method_names = ["get", "head", "options", "post"]

    @extend_schema(exclude=True)
    def create(self, request: Request) -> Response:
        raise InvalidError("read_only", "Releases come from applications.")

    @extend_schema(request=None, responses={202: ActionResultSerializer})
    @action(detail=True, methods=["post"])
    def redeploy(self, request: Request, name: str) -> Response:
        release = self.fetch(request, name)
        with maybe_dry(request):
            _, operation = application_redeploy(
                application=release.application, cluster=release.cluster.name
            )
            return self.acted(self.fetch(request, name), operation_document(operation))

    @extend_schema(responses={200: HelmHistorySerializer})
    @action(detail=True, methods=["get"])
    def history(self, request: Request, name: str) -> Response:
        """Helm's own revisions, asked of the cluster now."""
        return Response({"items": live.release_history(self.fetch(request, name))})


def operation_document(operation: Operation) -> dict[str, Any]:
    """An operation that was just begun, as a document."""
    return documents.export(OPERATION, operation)


def version_summary(row: ChartVersion) -> dict[str, Any]:
    """What the index says of a version."""
    return {
        "version": row.version,
        "appVersion": row.app_version,
        "description": row.description,
        "digest": row.archive_id or row.digest,
        "releasedAt": row.released_at,
        "deprecated": row.deprecated,
        "details": row.details,
    }


def version_document(row: ChartVersion) -> dict[str, Any]:
    """A version with what its archive holds."""
    return {
        **version_summary(row),
        "readme": row.readme,
        "values": row.values_text,
        "schema": row.schema,
        "dependencies": row.details.get("dependencies", []),
    }


def revision_document(row: Any) -> dict[str, Any]:
    """One saved spec."""
    return {
        "number": row.number,
        "author": row.author.get_username() if row.author else None,
        "channel": row.channel,
        "reason": row.reason,
        "createdAt": row.created_at,
        "diff": row.diff,
        "spec": row.spec,
    }
