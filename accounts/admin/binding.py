"""The console's pages of bindings."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.builtin import permissions_of, rules_of
from accounts.forms import BindingForm
from accounts.models import Binding
from accounts.permissions import visible_bindings
from accounts.policy_rules import dangers
from accounts.scopes_text import scope_text
from accounts.services.bindings import binding_apply, binding_delete
from kubecarrier.console.actions import BulkAction, Done, ObjectAction
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.lib import granted


def _delete(row: Binding, given: dict[str, Any], user: Any) -> Done:
    binding_delete(actor=user, row=row)
    return Done(_("The rights are gone here, and are being taken in the clusters."), leave=True)


@admin.register(Binding)
class BindingAdmin(PortalAdmin):
    """Bindings: who holds which role, and where."""

    rows = visible_bindings
    find_icon = "link"
    add_word = gettext_lazy("New binding")
    empty_text = gettext_lazy(
        "A binding gives a role to people or groups: on the platform, a project, clusters or namespaces."
    )
    form = BindingForm
    writes = True
    status_template = "console/binding_status.html"
    list_display = ("name", "state", "role", "where", "who", "description")
    list_filter = ("ready", "role")
    search_fields = ("name", "description", "role__name", "users__username", "groups__name")
    list_select_related = ("role",)
    ordering = ("name",)
    fieldsets = (
        (gettext_lazy("About"), {"fields": ("name", "description", "labels")}),
        (gettext_lazy("Who holds what"), {"fields": ("role", "users", "groups")}),
        (
            gettext_lazy("Where"),
            {"fields": ("sort", "project", "clusters", "selector", "namespaces")},
        ),
    )
    delete_action = ObjectAction(
        "delete", gettext_lazy("Delete"), "delete", _delete, verb="delete", danger=True,
        offered=lambda row: not row.builtin,
        text=gettext_lazy("What it gives is taken back, here at once and in each cluster as soon as it answers."),
    )  # fmt: skip
    bulk_actions = (
        BulkAction(
            "delete", gettext_lazy("Delete"), _delete, verb="delete", danger=True,
            text=delete_action.text,
        ),
    )  # fmt: skip

    @admin.display(description=gettext_lazy("where"))
    def where(self, row: Binding) -> str:
        return scope_text(row.scope)

    @admin.display(description=gettext_lazy("who"))
    def who(self, row: Binding) -> str:
        names = [*(u.username for u in row.users.all()), *(g.name for g in row.groups.all())]
        return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")

    def writable(self, request: HttpRequest, obj: Any) -> frozenset[str] | None:
        """The superusers' binding is never edited; where one may give it, the service knows."""
        if obj.builtin or obj.deletion_requested_at:
            return frozenset()
        return None if self.may(request, "edit") else frozenset()

    def may_do(self, request: HttpRequest, action: Any, obj: Any = None) -> bool:
        """A binding lies on no object of its own: the service asks for each place of its scope."""
        return super().may_do(request, action)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.save_applied(obj, binding_apply(actor=request.user, wish=form.wish).row)

    def header_context(self, row: Any) -> dict[str, Any]:
        return {"facts": [(_("Role"), row.role.name), (_("Where"), scope_text(row.scope))]}

    def status_context(self, row: Any) -> dict[str, Any]:
        return {
            "users": row.users.order_by("username")[:200],
            "groups": row.groups.order_by("name")[:200],
            "dangers": dangers(rules_of(row.role), permissions_of(row.role)),
            "grants": granted.binding_states(row)[:200],
        }
