"""The audit over REST: read, and exported."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request

from accounts.api import kinds
from accounts.api.serializers import AuditExportSerializer
from accounts.models import AuditEntry
from accounts.review.questions import named_object
from accounts.services.exports import audit_export
from accounts.trail.export import Form, zipped
from accounts.trail.history import history_of
from kubecarrier.api.streams import download
from kubecarrier.api.views import DocumentViewSet, validated
from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.manifests import find_kind


class AuditEntryViewSet(DocumentViewSet):
    """Audit entries, a record."""

    kind = kinds.AUDIT_ENTRY
    http_method_names = ["get", "post", "head", "options"]

    def listed(self, request: Request) -> QuerySet[AuditEntry]:
        """The stream; with `?of=KIND/NAME` the history of an object that one sees."""
        text = request.query_params.get("of", "")
        if not text:
            return super().listed(request)
        rows = history_of(request.user, self._object(request, text))
        # Whoever may not read request ids cannot ask for one either.
        return rows.filter(whole=True) if request.query_params.get("requestId") else rows

    def narrowed(
        self, rows: QuerySet[AuditEntry], parameter: str, value: str
    ) -> QuerySet[AuditEntry]:
        return rows if parameter == "of" else super().narrowed(rows, parameter, value)

    def _object(self, request: Request, text: str) -> Any:
        word, _, name = text.partition("/")
        if not (word and name):
            raise InvalidError("filter_invalid", "Name an object: applications/web.", field="of")
        kind = find_kind(word)
        return named_object(request.user, kind, kind.rows(request.user), name, field="of")

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
            if name not in self.kind.parameters or name == "of":
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
