"""What the API says of itself: its kinds, their columns and schemas."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kubecarrier.api.explain import spec_schema
from kubecarrier.lib.errors import NotFoundError
from kubecarrier.lib.manifests import API_VERSION, Kind, kinds


class KindSerializer(serializers.Serializer[Any]):
    """A kind, its table and the schema of its spec."""

    kind = serializers.CharField()
    apiVersion = serializers.CharField()
    plural = serializers.CharField()
    singular = serializers.CharField()
    shortNames = serializers.ListField(child=serializers.CharField())
    description = serializers.CharField()
    verbs = serializers.ListField(child=serializers.CharField())
    actions = serializers.ListField(child=serializers.CharField())
    filters = serializers.ListField(child=serializers.CharField())
    inProject = serializers.BooleanField()
    columns = serializers.ListField(child=serializers.DictField())
    schema = serializers.DictField()


class KindListSerializer(serializers.Serializer[Any]):
    """Every kind."""

    items = KindSerializer(many=True)


class UnknownView(APIView):
    """Every URL of the API that is none; known to be none only after logging in."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFoundError("not_found", "There is nothing at this address.")


class KindsView(APIView):
    """Everything this API serves; clients take tables and schemas from here."""

    needs_scope = ""

    @extend_schema(responses={200: KindListSerializer}, operation_id="kinds")
    def get(self, request: Request) -> Response:
        return Response({"items": [describe(kind) for kind in kinds()]})


def describe(kind: Kind) -> dict[str, Any]:
    """One kind as `GET /kinds` shows it."""
    return {
        "kind": kind.kind,
        "apiVersion": API_VERSION,
        "plural": kind.plural,
        "singular": kind.singular,
        "shortNames": list(kind.short_names),
        "description": kind.description,
        "verbs": kind.verbs,
        "actions": list(kind.actions),
        "filters": sorted(kind.parameters),
        "inProject": bool(kind.project),
        "columns": [
            {"name": c.name, "path": c.path, "type": c.type.value, "priority": c.priority}
            for c in kind.columns
        ],
        "schema": spec_schema(kind.spec_serializer),
    }
