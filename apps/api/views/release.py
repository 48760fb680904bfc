"""Releases over REST."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps import live
from apps.api import kinds
from apps.api.documents import operation_document
from apps.api.serializers import (
    HelmHistorySerializer,
)
from apps.services.applications import (
    application_redeploy,
)
from fleet.api.serializers import ActionResultSerializer
from kubecarrier.api.views import DocumentViewSet, maybe_dry
from kubecarrier.lib.errors import InvalidError


class ReleaseViewSet(DocumentViewSet):
    """Releases, one per application and cluster."""

    kind = kinds.RELEASE
    action_verbs = {"redeploy": "applications.redeploy"}
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
