"""Projects over REST."""

from __future__ import annotations

from fleet.api import kinds
from kubecarrier.api.views import DocumentViewSet


class ProjectViewSet(DocumentViewSet):
    """Projects."""

    kind = kinds.PROJECT
