"""The audit over REST: read, and exported."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request

from accounts.api import kinds
from accounts.api.serializers import AuditExportSerializer
from accounts.services.exports import audit_export
from accounts.trail.export import Form, zipped
from kubecarrier.api.streams import download
from kubecarrier.api.views import DocumentViewSet, validated
from kubecarrier.lib.errors import InvalidError


class AuditEntryViewSet(DocumentViewSet):
    """Audit entries, a record."""

    kind = kinds.AUDIT_ENTRY
    http_method_names = ["get", "post", "head", "options"]

    @extend_schema(
        request=AuditExportSerializer,
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
        operation_id="auditentries_export",
    )
    @action(detail=False, methods=["post"])
    def export(self, request: Request) -> StreamingHttpResponse:
        """A zip of the entries, the seals over them and a signature; itself on record."""
        given = validated(AuditExportSerializer, request)
        rows = self.kind.rows(request.user)
        for name, value in given["filters"].items():
            if name not in self.kind.parameters:
                raise InvalidError(
                    "filter_unknown", "Unknown filter.", field=f"filters.{name[:80]}"
                )
            rows = self.narrowed(rows, name, value)
        parts = audit_export(
            actor=request.user, entries=rows, form=Form(given["form"]), filters=given["filters"]
        )
        stamp = timezone.now().strftime("%Y%m%dT%H%M%SZ")
        return download(
            request._request,
            zipped(parts),
            name=f"audit-{stamp}.zip",
            content_type="application/zip",
        )
