"""Roles and bindings over REST."""

from __future__ import annotations

from accounts.api import kinds
from kubecarrier.api.views import DocumentViewSet


class RoleViewSet(DocumentViewSet):
    """Roles."""

    kind = kinds.ROLE


class BindingViewSet(DocumentViewSet):
    """Bindings."""

    kind = kinds.BINDING
