"""The console's pages of people and groups."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.admin.access_lines import line_rows
from accounts.models import User
from accounts.review import listing
from accounts.services import people
from accounts.services.memberships import user_groups_set
from kubecarrier.console import history
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.templatetags.console import since

_LINES = 200


class AccountAdmin(ModelAdmin):  # type: ignore[misc]
    """Accounts are written by superusers only: who edits people could otherwise promote himself."""

    show_full_result_count = False
    actions = ()
    compressed_fields = True

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Django's bulk delete leaves."""
        return {}

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and getattr(request.user, "is_superuser", False))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    has_add_permission = has_module_permission
    has_change_permission = has_view_permission
    has_delete_permission = has_view_permission

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Django's, with what the account can do; what a service refuses is said, and nothing stays."""
        row = self.get_object(request, object_id) if object_id else None
        context = dict(extra_context or {})
        if row is not None and self.has_view_permission(request, row):
            context |= self.access_context(row, request.user)
        try:
            return super().changeform_view(request, object_id, form_url, context)  # type: ignore[no-any-return]
        except KubeCarrierError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(request.get_full_path())

    def access_context(self, row: Any, user: Any) -> dict[str, Any]:
        """What stands below the form: what the account can do, by which binding."""
        raise NotImplementedError

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The audit entry is the record."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The audit entry is the record."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        """The audit entry is the record."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """The audit entries of the account."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "original": row, "title": str(row),
            "entries": history.entries_of(row),
        }  # fmt: skip
        return TemplateResponse(request, "console/account_history.html", context)


@admin.register(User)
class UserAdmin(AccountAdmin, DjangoUserAdmin):  # type: ignore[misc, type-arg]
    """People and service accounts."""

    form = UserChangeForm
    add_form = UserCreationForm
    add_fieldsets = DjangoUserAdmin.add_fieldsets  # the theme's own are empty
    change_password_form = AdminPasswordChangeForm
    list_display = (
        "username",
        "email",
        "first_name",
        "last_name",
        "is_active",
        "is_staff",
        "is_superuser",
        "login",
    )
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    ordering = ("username",)
    # Django's own permissions of a user mean nothing here: rights come from bindings.
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (gettext_lazy("About"), {"fields": ("first_name", "last_name", "email")}),
        (
            gettext_lazy("Access"),
            {
                "fields": ("is_active", "is_staff", "is_superuser", "groups"),
                "description": gettext_lazy(
                    "What a person may do comes from bindings, to the person or to a group: what there is stands below."
                ),
            },
        ),
        (gettext_lazy("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    filter_horizontal = ("groups",)
    change_form_outer_after_template = "console/account_access.html"

    def access_context(self, row: Any, user: Any) -> dict[str, Any]:
        """What the person can do, by which binding and group."""
        found = listing.lines(listing.Wanted(user=row.username), limit=_LINES)
        return {"person": row, "lines": line_rows(found, user)}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        people.user_save(user=obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Groups through their service: a membership gives all that the group holds."""
        groups = form.cleaned_data.pop("groups", None)
        super().save_related(request, form, formsets, change)
        if groups is not None:
            user_groups_set(user=form.instance, groups=groups)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        people.user_delete(user=obj)

    @admin.display(description=gettext_lazy("last login"), ordering="last_login")
    def login(self, row: User) -> str:
        return since(row.last_login)


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(AccountAdmin, DjangoGroupAdmin):  # type: ignore[misc]
    """Groups of people. What they may do comes from bindings, and from nothing that Django keeps."""

    fields = ("name",)
    filter_horizontal = ()
    change_form_outer_after_template = "console/group_access.html"

    def access_context(self, row: Any, user: Any) -> dict[str, Any]:
        """What its members can do by it."""
        found = listing.lines(listing.Wanted(group=row.name), limit=_LINES)
        return {"group": row, "lines": line_rows(found, user)}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        people.group_save(group=obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        people.group_delete(group=obj)
