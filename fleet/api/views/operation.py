"""Operations over REST: read only."""

from __future__ import annotations

from fleet.api import kinds
from kubecarrier.api.views import DocumentViewSet


class OperationViewSet(DocumentViewSet):
    """Operations, a record."""

    kind = kinds.OPERATION
    http_method_names = ["get", "head", "options"]
