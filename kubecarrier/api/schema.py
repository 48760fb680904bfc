"""OpenAPI for the generic document views."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from kubecarrier.api import documents
from kubecarrier.api.parameters import query_parameter, query_parameters
from kubecarrier.api.permissions import MayOperate
from kubecarrier.api.serializers import ErrorSerializer

_DOCUMENT_ACTIONS = frozenset({"list", "retrieve", "create", "update", "partial_update", "destroy"})
_LIST_TEXT = {
    "labelSelector": "Kubernetes' selector syntax.",
    "search": "Free text.",
    "limit": "Rows a page, 1 to 500; 50 unless told.",
    "continue": "The token of the page before.",
    "fields": "Dotted paths, comma separated: only these parts of each document.",
    "watch": "1 streams changes as server-sent events.",
}


class DocumentSchema(AutoSchema):
    """Request and answer of the generic methods are the kind's document."""

    view: Any  # the generic views have `kind` and `action`

    def _generic(self) -> Any:
        kind = getattr(self.view, "kind", None)
        return kind if kind and getattr(self.view, "action", "") in _DOCUMENT_ACTIONS else None

    def get_tags(self) -> list[str]:
        kind = getattr(self.view, "kind", None)
        return [kind.plural] if kind else super().get_tags()

    def get_request_serializer(self) -> Any:
        kind = self._generic()
        if kind is None:
            return super().get_request_serializer()
        if self.view.action in {"create", "update", "partial_update"}:
            return documents.document_serializer(kind)
        return None

    def get_response_serializers(self) -> Any:
        kind = self._generic()
        if kind is None:
            return super().get_response_serializers()
        document = documents.document_serializer(kind)
        error = ErrorSerializer
        match self.view.action:
            case "list":
                return {200: documents.list_serializer(kind), 400: error}
            case "retrieve":
                return {200: document, 404: error}
            case "create":
                return {201: document, 400: error, 409: error}
            case "update" | "partial_update":
                return {200: document, 201: document, 202: document, 400: error, 412: error}
            case _:
                return {202: document, 404: error}

    def get_override_parameters(self) -> list[Any]:
        kind = self._generic()
        if kind is None:
            return super().get_override_parameters()
        if self.view.action == "list":
            texts = {**_LIST_TEXT, **{name: f"Only with this {name}." for name in kind.parameters}}
            return query_parameters(texts)
        if self.view.action == "retrieve":
            return [query_parameter(name, _LIST_TEXT[name]) for name in ("fields", "watch")]
        options = kind.delete_options if self.view.action == "destroy" else ()
        return [query_parameter("dryRun", "All: answer what would happen, store nothing.")] + [
            query_parameter(name, "") for name in options
        ]


class MayReadDocs(BasePermission):
    """Whoever may use the API, or everybody where a setting says so."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return settings.KUBECARRIER_OPEN_API_DOCS or MayOperate().has_permission(request, view)


class SchemaView(SpectacularAPIView):
    """The OpenAPI document."""

    permission_classes = [MayReadDocs]


class DocsView(SpectacularSwaggerView):
    """Its page."""

    permission_classes = [MayReadDocs]
