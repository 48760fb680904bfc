"""The console's pages of roles."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.builtin import permissions_of, rules_of
from accounts.forms import RoleForm
from accounts.models import Role
from accounts.permissions import visible_bindings, visible_roles
from accounts.policy_rules import dangers
from accounts.scopes_text import scope_text
from accounts.services.roles import role_apply, role_delete
from kubecarrier.console.actions import Done, ObjectAction
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.lib import audit


def _delete(row: Role, given: dict[str, Any], user: Any) -> Done:
    role_delete(actor=user, row=row)
    return Done(_("The role is gone."), leave=True)


@admin.register(Role)
class RoleAdmin(PortalAdmin):
    """Roles: what somebody may do, here and in the clusters."""

    rows = visible_roles
    find_icon = "badge"
    add_word = gettext_lazy("New role")
    form = RoleForm
    writes = True
    live = False
    status_template = "console/role_status.html"
    list_display = ("name", "built_in", "holds", "in_clusters", "danger", "description")
    list_filter = ("builtin",)
    search_fields = ("name", "description")
    ordering = ("-builtin", "name")
    fields = (
        "name", "description", "labels", "requires_second_factor", "permissions", "rules",
    )  # fmt: skip
    delete_action = ObjectAction(
        "delete", gettext_lazy("Delete"), "delete", _delete, verb="delete", danger=True,
        offered=lambda row: not row.builtin,
        text=gettext_lazy("Refused while a binding gives it."),
    )  # fmt: skip

    @admin.display(description=gettext_lazy("built in"), boolean=True, ordering="builtin")
    def built_in(self, row: Role) -> bool:
        return row.builtin

    @admin.display(description=gettext_lazy("permissions"))
    def holds(self, row: Role) -> int:
        return len(permissions_of(row))

    @admin.display(description=gettext_lazy("rules in clusters"))
    def in_clusters(self, row: Role) -> int:
        return len(rules_of(row))

    @admin.display(description=gettext_lazy("dangerous"))
    def danger(self, row: Role) -> str:
        found = dangers(rules_of(row), permissions_of(row))
        return _("yes: %(n)s reasons") % {"n": len(found)} if found else ""

    def writable(self, request: HttpRequest, obj: Any) -> frozenset[str] | None:
        """A built-in role is never edited."""
        return frozenset() if obj.builtin else super().writable(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.save_applied(obj, role_apply(actor=request.user, wish=form.wish).row)

    def status_context(self, row: Any) -> dict[str, Any]:
        used = visible_bindings(audit.current().actor()).filter(role=row).order_by("name")[:100]
        return {
            "dangers": dangers(rules_of(row), permissions_of(row)),
            "permissions": sorted(permissions_of(row)),
            "rules": rules_of(row),
            "used": [(one, scope_text(one.scope)) for one in used],
        }
