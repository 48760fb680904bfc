"""Charts over REST."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api import kinds
from apps.api.documents import version_document, version_summary
from apps.api.serializers import (
    ChartVersionListSerializer,
    ChartVersionSerializer,
)
from apps.errors import ChartNotFoundError
from apps.services.charts import opened
from apps.versions import sort_key
from kubecarrier.api.views import DocumentViewSet


class ChartViewSet(DocumentViewSet):
    """Charts, observed."""

    kind = kinds.CHART
    # A chart of an OCI registry may be called `team/web`; its versions are below it.
    lookup_value_regex = r"[^/]+(?:/(?!versions(?:/|$))[^/]+)*"
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
