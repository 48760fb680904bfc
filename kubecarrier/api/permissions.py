"""Who may use the API at all; what each may see is decided where rows are fetched."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.scopes import allows, require_scope
from kubecarrier.lib.audit import may_operate


class MayOperate(BasePermission):
    """Anybody known and active: without a right there is nothing to see."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return may_operate(request.user)


class WithinScopes(BasePermission):
    """A token with scopes reaches what they name, and nothing that has no name.

    A view of a kind needs `<plural>.<verb>`; any other view says `needs_scope`:
    a permission, or "" for what every token may. A view that says nothing is
    closed to tokens with scopes.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if getattr(request.user, "token_scopes", None) is None:
            return True
        needed = _needed(view, request)
        # PUT by name makes or changes: `DocumentViewSet` asks again once it knows which.
        if not any(one == "" or allows(request.user, one) for one in needed):
            require_scope(request.user, needed[0])
        return True


_VERBS = {
    "list": ("view",),
    "retrieve": ("view",),
    "metadata": ("view",),
    "create": ("create",),
    "update": ("edit", "create"),
    "partial_update": ("edit",),
    "destroy": ("delete",),
}
# Actions that only read, and still show what a look does not.
_MORE_THAN_VIEW = frozenset({"reveal", "logs", "exec", "export"})


def _needed(view: Any, request: Request) -> list[str]:
    fixed = getattr(view, "needs_scope", None)
    if fixed is not None:
        return [fixed]
    kind = getattr(view, "kind", None)
    if kind is None:
        return ["this.*"]  # no scope is called so
    action = str(view.action or "metadata")
    if action in _VERBS:
        verbs: tuple[str, ...] = _VERBS[action]
    elif request.method in SAFE_METHODS and action not in _MORE_THAN_VIEW:
        verbs = ("view",)
    else:
        verbs = (view.action_verbs.get(action, action),)
    return [verb if "." in verb else f"{kind.plural}.{verb}" for verb in verbs]
