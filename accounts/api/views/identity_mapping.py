"""Identity mappings over REST."""

from __future__ import annotations

from accounts.api import kinds
from kubecarrier.api.views import DocumentViewSet


class IdentityMappingViewSet(DocumentViewSet):
    """Which groups there are which groups here."""

    kind = kinds.IDENTITY_MAPPING
