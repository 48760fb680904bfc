"""Kubeconfigs of people over REST: listed and revoked as documents, made under their cluster."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from fleet.api import kinds
from fleet.api.serializers.kubeconfig import NewKubeconfigSerializer
from fleet.api.views.resource import DRY
from fleet.grants.holders import PERMISSION, clusters_of
from fleet.models import Cluster
from fleet.permissions import visible_clusters
from fleet.services.kubeconfigs import kubeconfig_check, kubeconfig_issue
from kubecarrier.api import documents
from kubecarrier.api.parsers import StrictJSONParser
from kubecarrier.api.renderers import JSONRenderer, YamlRenderer
from kubecarrier.api.views import DocumentViewSet, maybe_dry, refuse_unknown_parameters, validated
from kubecarrier.lib import audit
from kubecarrier.lib.errors import NotFoundError


class KubeconfigViewSet(DocumentViewSet):
    """Kubeconfigs that people downloaded; deleting one revokes it."""

    kind = kinds.KUBECONFIG
    http_method_names = ["get", "delete", "head", "options"]


class ClusterKubeconfigViewSet(viewsets.ViewSet):
    """The download, as JSON or (`Accept: application/yaml`) YAML."""

    needs_scope = PERMISSION
    parser_classes: ClassVar[list[type[BaseParser]]] = [StrictJSONParser]  # type: ignore[misc]
    renderer_classes: ClassVar[list[type[BaseRenderer]]] = [JSONRenderer, YamlRenderer]  # type: ignore[misc]

    @extend_schema(
        request=NewKubeconfigSerializer,
        parameters=[DRY],
        responses={200: OpenApiTypes.OBJECT, 201: OpenApiTypes.OBJECT},
        operation_id="clusters_kubeconfig",
    )
    def create(self, request: Request, cluster: str) -> Response:
        """A kubeconfig of one's own, answered this once; a dry run only says whether one may."""
        refuse_unknown_parameters(request, frozenset({"dryRun"}))
        row = _cluster(request.user, cluster)
        seconds = validated(NewKubeconfigSerializer, request)["expirationSeconds"]
        with maybe_dry(request) as dry:
            if dry:
                wish = kubeconfig_check(actor=request.user, cluster=row, seconds=seconds)
                return Response({"cluster": row.name, "expirationSeconds": wish.seconds})
        made, document = kubeconfig_issue(actor=request.user, cluster=row, seconds=seconds)
        return Response(
            document,
            status=status.HTTP_201_CREATED,
            headers={
                "Cache-Control": "no-store",
                "Location": f"/api/v1/kubeconfigs/{made.pk}",
                "ETag": documents.etag(made),
            },
        )


def _cluster(user: Any, name: str) -> Cluster:
    """A cluster that one sees, or holds something in; out of scope and absent look the same."""
    if "\0" not in name:
        for rows in (visible_clusters(user), clusters_of(user)):
            if row := rows.filter(name=name).first():
                return row
        audit.hidden("clusters.view", Cluster.objects.filter(name=name).first)
    raise NotFoundError("not_found", f"There is no cluster “{name[:100]}”.")
