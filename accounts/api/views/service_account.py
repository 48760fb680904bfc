"""Service accounts over REST."""

from __future__ import annotations

from accounts.api import kinds
from kubecarrier.api.views import DocumentViewSet


class ServiceAccountViewSet(DocumentViewSet):
    """Whom machines log in as."""

    kind = kinds.SERVICE_ACCOUNT
