"""Roles and bindings over REST."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from accounts.api import kinds
from kubecarrier.api.views import DocumentViewSet
from kubecarrier.lib import access


class RoleViewSet(DocumentViewSet):
    """Roles."""

    kind = kinds.ROLE


class BindingViewSet(DocumentViewSet):
    """Bindings. One lies on no object of its own: the service asks for each place of its scope."""

    kind = kinds.BINDING

    def require_verb(self, request: Request, verb: str, row: Any) -> None:
        access.require_somewhere(request.user, f"bindings.{verb}")

    def require_write(self, request: Request, name: str, row: Any | None) -> None:
        if row is None:
            super().require_write(request, name, row)
        else:
            self.require_verb(request, "edit", row)
