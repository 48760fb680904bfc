"""The console's pages of people, their tokens, and the record of what they did."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_protect
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.paginator import InfinitePaginator

from accounts.forms import TokenForm
from accounts.models import ApiToken, AuditEntry, User
from accounts.services import token_create, token_revoke
from kubecarrier.console import history
from kubecarrier.console.actions import BulkAction, Done, ObjectAction
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.lib.audit import may_operate
from kubecarrier.templatetags.console import entry_url, since


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

    @admin.display(description=gettext_lazy("last login"), ordering="last_login")
    def login(self, row: User) -> str:
        return since(row.last_login)


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(AccountAdmin, DjangoGroupAdmin):  # type: ignore[misc]
    """Groups of people."""


def _revoke(row: ApiToken, given: dict[str, Any], user: Any) -> Done:
    token_revoke(token=row)
    return Done(_("The token does not work any more."), leave=True)


def visible_tokens(user: Any) -> QuerySet[ApiToken]:
    """One's own tokens; a superuser's eye sees all."""
    rows: QuerySet[ApiToken] = ApiToken.objects.select_related("user")
    if not may_operate(user):
        return rows.none()
    return rows if user.is_superuser else rows.filter(user=user)


def visible_entries(user: Any) -> QuerySet[AuditEntry]:
    """The audit, for staff until bindings arrive."""
    rows: QuerySet[AuditEntry] = AuditEntry.objects.select_related("actor", "content_type")
    return rows if may_operate(user) else rows.none()


@admin.register(ApiToken)
class ApiTokenAdmin(PortalAdmin):
    """Tokens: made, listed by name, revoked. The token itself is stored hashed."""

    rows = visible_tokens
    status_template = "console/token_status.html"
    live = False
    list_display = ("name", "user", "key", "made", "ends")
    search_fields = ("name", "user__username")
    list_filter = ("user",)
    list_select_related = ("user",)
    ordering = ("-created",)
    delete_action = ObjectAction(
        "revoke", gettext_lazy("Revoke"), "block", _revoke, danger=True,
        text=gettext_lazy("Whatever uses it is refused from now on."),
    )  # fmt: skip
    bulk_actions = (
        BulkAction("revoke", gettext_lazy("Revoke"), _revoke, danger=True, text=delete_action.text),
    )

    @admin.display(description=gettext_lazy("begins with"))
    def key(self, row: ApiToken) -> str:
        return f"{row.token_key[:8]}…"

    @admin.display(description=gettext_lazy("made"), ordering="created")
    def made(self, row: ApiToken) -> str:
        return since(row.created)

    @admin.display(description=gettext_lazy("ends"), ordering="expiry")
    def ends(self, row: ApiToken) -> str:
        return since(row.expiry) if row.expiry else _("never")

    def _tabs(self) -> list[tuple[str, Any, str]]:
        return []

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_operate(request.user)

    @method_decorator(csrf_protect)
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Make a token of one's own and show it this once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = TokenForm(request.POST if request.method == "POST" else None)
        secret, token = "", None
        if request.method == "POST" and form.is_valid():
            token, secret = token_create(user=request.user, name=form.cleaned_data["name"])
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": _("New API token"),
            "form": form, "secret": secret, "token": token,
        }  # fmt: skip
        response = TemplateResponse(request, "console/token_add.html", context)
        response["Cache-Control"] = "no-store"
        return response


@admin.register(AuditEntry)
class AuditEntryAdmin(PortalAdmin):
    """Who changed what, through which channel, when, and why."""

    rows = visible_entries
    status_template = "console/entry_status.html"
    live = False
    paginator = InfinitePaginator
    list_display = ("when", "who", "did", "what", "kind", "channel", "reason")
    list_filter = ("channel", "action", "content_type")
    search_fields = ("object_repr", "actor_email", "actor__username", "request_id", "reason")
    list_select_related = ("actor", "content_type")
    ordering = ("-timestamp", "-pk")
    list_display_links = ("when", "what")

    @admin.display(description=gettext_lazy("when"), ordering="timestamp")
    def when(self, row: AuditEntry) -> str:
        return since(row.timestamp)

    @admin.display(description=gettext_lazy("who"), ordering="actor")
    def who(self, row: AuditEntry) -> str:
        return str(row.actor or row.actor_email or _("the system"))

    @admin.display(description=gettext_lazy("did"), ordering="action")
    def did(self, row: AuditEntry) -> str:
        return str(row.event or row.get_action_display())

    @admin.display(description=gettext_lazy("what"))
    def what(self, row: AuditEntry) -> str:
        return str(row.object_repr)

    @admin.display(description=gettext_lazy("kind"), ordering="content_type")
    def kind(self, row: AuditEntry) -> str:
        return str(row.content_type.name if row.content_type else "")

    def _tabs(self) -> list[tuple[str, Any, str]]:
        return []

    def header_context(self, row: Any) -> dict[str, Any]:
        facts = [
            (_("Who"), self.who(row)), (_("When"), since(row.timestamp)), (_("Through"), row.channel),
            (_("Address"), row.remote_addr), (_("Request"), row.request_id), (_("Reason"), row.reason),
        ]  # fmt: skip
        return {
            "facts": facts,
            "title": f"{self.did(row).capitalize()} {self.kind(row)} {row.object_repr}",
        }

    def status_context(self, row: Any) -> dict[str, Any]:
        return {"changes": history.changes(row), "about": entry_url(row)}
