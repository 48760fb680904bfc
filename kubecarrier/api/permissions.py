"""Who may use the API at all; what each may see is decided where rows are fetched."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from kubecarrier.lib.audit import may_operate


class MayOperate(BasePermission):
    """Active staff, until bindings arrive with the accounts issue."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return may_operate(request.user)
