"""The catalogue over REST: what is served where, and what its fields mean."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fleet.api import kinds
from fleet.api.serializers.resource_type import ExplainedSerializer
from fleet.explaining import explain
from fleet.permissions import visible_resource_types
from fleet.queries import attach_served, type_named
from kubecarrier.api.views import DocumentViewSet
from kubecarrier.lib.errors import InvalidError

_PARAMETERS = frozenset({"of", "version", "cluster", "depth"})
_DEPTH = re.compile(r"[0-9]{1,2}")
_DEEPEST = 12


class ResourceTypeViewSet(DocumentViewSet):
    """Kinds of clusters, observed."""

    kind = kinds.RESOURCE_TYPE
    http_method_names = ["get", "head", "options"]
    action_parameters = {"explain": _PARAMETERS}

    def fetch(self, request: Request, name: str) -> Any:
        row = super().fetch(request, name)
        attach_served([row])
        return row

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "of", OpenApiTypes.STR, required=True, description="resource.group[.field.path]"
            ),
            OpenApiParameter("version", OpenApiTypes.STR, description="Else the preferred one."),
            OpenApiParameter("cluster", OpenApiTypes.STR, description="As this cluster has it."),
            OpenApiParameter(
                "depth", OpenApiTypes.INT, description=f"Levels below it, 1 to {_DEEPEST}."
            ),
        ],
        responses={200: ExplainedSerializer},
    )
    @action(detail=False, methods=["get"])
    def explain(self, request: Request) -> Response:
        query = request.query_params
        if not query.get("of", "").strip("."):
            raise InvalidError("parameter_missing", "of=RESOURCE[.FIELD...] is needed.", field="of")
        row, path = type_named(visible_resource_types(request.user), query["of"])
        found = explain(
            row,
            path,
            version=query.get("version", ""),
            cluster=query.get("cluster", ""),
            depth=_depth(query.get("depth", "")),
        )
        group = f"{row.group}/" if row.group else ""
        return Response(
            {
                "resource": row.name,
                "kind": row.kind,
                "apiVersion": f"{group}{found.version}",
                "path": list(found.path),
                "clusters": list(found.clusters),
                "field": asdict(found.field),
            }
        )


def _depth(text: str) -> int:
    if not text:
        return 1
    if not _DEPTH.fullmatch(text) or not 1 <= int(text) <= _DEEPEST:
        raise InvalidError(
            "depth_invalid", f"depth is a number from 1 to {_DEEPEST}.", field="depth"
        )
    return int(text)
