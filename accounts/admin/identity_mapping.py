"""The console's pages of identity mappings."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.directory import directory_context, directory_view
from accounts.forms import IdentityMappingForm
from accounts.models import IdentityMapping
from accounts.permissions import visible_identity_mappings
from accounts.services.identity_mappings import identity_mapping_apply, identity_mapping_delete
from kubecarrier.console.actions import Done, ObjectAction
from kubecarrier.console.admin import PortalAdmin


def _delete(row: IdentityMapping, given: dict[str, Any], user: Any) -> Done:
    identity_mapping_delete(actor=user, row=row)
    return Done(_("Memberships that came by it go at the next check of each person."), leave=True)


@admin.register(IdentityMapping)
class IdentityMappingAdmin(PortalAdmin):
    """Which groups there are which groups here."""

    rows = visible_identity_mappings
    add_word = gettext_lazy("New mapping")
    empty_text = gettext_lazy(
        "A mapping says which group of the provider or directory is which group here."
    )
    list_before_template = "console/directory.html"
    form = IdentityMappingForm
    writes = True
    live = False
    list_display = ("name", "source", "value", "group")
    list_filter = ("source",)
    list_select_related = ("group",)
    search_fields = ("name", "value", "group__name")
    ordering = ("name",)
    fields = ("name", "source", "value", "local", "labels", "read_generation")
    delete_action = ObjectAction(
        "delete", gettext_lazy("Delete"), "delete", _delete, verb="delete", danger=True,
        text=gettext_lazy("Memberships that came by it go at the next check of each person."),
    )  # fmt: skip

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(directory_view)
        return [
            path("directory/", view, name="accounts_identitymapping_directory"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(
            request, {**directory_context(request), **(extra_context or {})}
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.save_applied(obj, identity_mapping_apply(actor=request.user, wish=form.wish).row)
