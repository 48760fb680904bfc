"""Chart repositories over REST."""

from __future__ import annotations

from typing import IO, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api import kinds
from apps.api.documents import version_document
from apps.api.serializers import (
    ChartVersionSerializer,
)
from apps.services.charts import chart_upload
from apps.services.repositories import repository_refresh
from fleet.api.serializers import ActionResultSerializer
from kubecarrier.api.views import DocumentViewSet, maybe_dry
from kubecarrier.lib.errors import InvalidError

_MAX_UPLOAD = 20 * 1024 * 1024


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
    action_verbs = {"charts": "charts.upload"}

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
