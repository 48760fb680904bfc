"""Projects over REST, and what they are on single clusters."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fleet.api import kinds
from fleet.api.serializers import (
    ActionResultSerializer,
    DeletionSerializer,
    ProjectNamespaceListSerializer,
)
from fleet.projects.queries import deletion, namespaces_of
from fleet.services.projects import project_suspend
from kubecarrier.api.views import DocumentViewSet, maybe_dry

_CLUSTER = OpenApiParameter("cluster", OpenApiTypes.STR, OpenApiParameter.QUERY)


class ProjectViewSet(DocumentViewSet):
    """Projects."""

    kind = kinds.PROJECT
    action_parameters = {"namespaces": frozenset({"cluster"})}

    @extend_schema(request=None, responses={202: ActionResultSerializer})
    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, name: str) -> Response:
        return self._suspend(request, name, suspended=True)

    @extend_schema(request=None, responses={202: ActionResultSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, name: str) -> Response:
        return self._suspend(request, name, suspended=False)

    def _suspend(self, request: Request, name: str, *, suspended: bool) -> Response:
        project = self.fetch(request, name)
        with maybe_dry(request):
            row = project_suspend(actor=request.user, project=project, suspended=suspended)
            return self.acted(row)

    @extend_schema(responses={200: ProjectNamespaceListSerializer}, parameters=[_CLUSTER])
    @action(detail=True, methods=["get"])
    def namespaces(self, request: Request, name: str) -> Response:
        """Its namespaces on its clusters, with their quotas and what is used of them."""
        project = self.fetch(request, name)
        cluster = request.query_params.get("cluster", "")
        items = [
            {
                "cluster": claim.cluster.name,
                "name": claim.name,
                "state": claim.state,
                "message": claim.message,
                "made": claim.made,
                "quota": claim.quota,
                "limits": claim.limits,
                "seenAt": claim.seen_at,
            }
            for claim in namespaces_of(project, cluster)
        ]
        return Response({"items": items, "totals": project.totals})

    @extend_schema(responses={200: DeletionSerializer})
    @action(detail=True, methods=["get"])
    def deletion(self, request: Request, name: str) -> Response:
        """What deleting it would take and leave; nothing is changed by asking."""
        found = deletion(self.fetch(request, name))
        return Response(
            {
                "members": found.members,
                "clusters": found.clusters,
                "namespaces": [
                    {"cluster": one.cluster, "name": one.name, "made": one.made, "pods": one.pods}
                    for one in found.namespaces
                ],
            }
        )


class ProjectCopyViewSet(DocumentViewSet):
    """Projects on single clusters, observed."""

    kind = kinds.PROJECT_COPY
    http_method_names = ["get", "head", "options"]
