"""The console's pages of service accounts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms import ServiceAccountForm
from accounts.models import ServiceAccount
from accounts.permissions import visible_service_accounts
from accounts.services.service_accounts import service_account_apply, service_account_delete
from kubecarrier.console.actions import Done, ObjectAction
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.lib import access
from kubecarrier.templatetags.console import since


def _delete(row: ServiceAccount, given: dict[str, Any], user: Any) -> Done:
    service_account_delete(actor=user, row=row)
    return Done(_("The service account and its tokens are gone."), leave=True)


@admin.register(ServiceAccount)
class ServiceAccountAdmin(PortalAdmin):
    """Whom machines log in as."""

    rows = visible_service_accounts
    add_word = gettext_lazy("New service account")
    empty_text = gettext_lazy(
        "A service account is what a pipeline logs in as; its tokens and bindings are its own."
    )
    form = ServiceAccountForm
    live = False
    list_display = ("name", "project", "active", "description", "made")
    search_fields = ("name", "project", "description")
    list_select_related = ("user",)
    ordering = ("name",)
    fields = ("name", "project", "description", "active", "labels", "read_generation")
    delete_action = ObjectAction(
        "delete", gettext_lazy("Delete"), "delete", _delete, verb="delete", danger=True,
        text=gettext_lazy("Its tokens stop working at once."),
    )  # fmt: skip

    @admin.display(description=gettext_lazy("made"), ordering="created_at")
    def made(self, row: ServiceAccount) -> str:
        return since(row.created_at)

    @admin.display(description=gettext_lazy("active"), boolean=True, ordering="user__is_active")
    def active(self, row: ServiceAccount) -> bool:
        return row.user.is_active

    def has_add_permission(self, request: HttpRequest) -> bool:
        return access.may_somewhere(request.user, "serviceaccounts.create")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.may(request.user, "serviceaccounts.edit", obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.save_applied(obj, service_account_apply(actor=request.user, wish=form.wish).row)
