"""Applications over REST."""

from __future__ import annotations

from functools import partial
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps import live
from apps.api import kinds
from apps.api.documents import operation_document, revision_document
from apps.api.serializers import (
    EffectiveValuesSerializer,
    PreviewSerializer,
    RedeploySerializer,
    RevisionListSerializer,
    RollbackSerializer,
    ScaleSerializer,
    UpgradeSerializer,
)
from apps.models import Application
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
from fleet.api.serializers import ActionResultSerializer
from kubecarrier.api import documents
from kubecarrier.api.views import DocumentViewSet, maybe_dry, validated

_CLUSTER = OpenApiParameter("cluster", OpenApiTypes.STR, OpenApiParameter.QUERY)
_DRY = OpenApiParameter("dryRun", OpenApiTypes.STR, OpenApiParameter.QUERY)


class ApplicationViewSet(DocumentViewSet):
    """Applications."""

    kind = kinds.APPLICATION
    action_verbs = {"preview": "view", "suspend": "pause", "resume": "pause"}
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
        if wish:
            self.require_write(request, name, application)
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
