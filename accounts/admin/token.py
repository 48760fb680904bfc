"""The console's pages of API tokens."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_protect

from accounts.forms import TokenForm
from accounts.models import ApiToken
from accounts.permissions import visible_tokens
from accounts.services.tokens import token_create, token_delete
from kubecarrier.console.actions import BulkAction, Done, ObjectAction
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.lib.audit import may_operate
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.templatetags.console import since


def _revoke(row: ApiToken, given: dict[str, Any], user: Any) -> Done:
    token_delete(actor=user, row=row)
    return Done(_("The token does not work any more."), leave=True)


@admin.register(ApiToken)
class ApiTokenAdmin(PortalAdmin):
    """Tokens: made, listed by title, revoked. The token itself is stored hashed."""

    rows = visible_tokens
    add_word = gettext_lazy("New token")
    empty_text = gettext_lazy(
        "A token lets the command line or a pipeline act for you, within scopes that you name."
    )
    status_template = "console/token_status.html"
    live = False
    list_display = ("title", "ends", "used", "narrowed", "user", "key", "made")
    search_fields = ("title", "user__username")
    list_filter = ("user",)
    list_select_related = ("user",)
    ordering = ("-created", "-pk")
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

    @admin.display(description=gettext_lazy("scopes"))
    def narrowed(self, row: ApiToken) -> str:
        if not row.scopes:
            return _("all of its owner's rights")
        more = len(row.scopes) - 2
        return ", ".join(row.scopes[:2]) + (f" +{more}" if more > 0 else "")

    @admin.display(description=gettext_lazy("made"), ordering="created")
    def made(self, row: ApiToken) -> str:
        return since(row.created)

    @admin.display(description=gettext_lazy("ends"), ordering="expiry")
    def ends(self, row: ApiToken) -> str:
        return since(row.expiry) if row.expiry else _("never")

    @admin.display(description=gettext_lazy("last used"), ordering="last_used_at")
    def used(self, row: ApiToken) -> str:
        return since(row.last_used_at) if row.last_used_at else _("never")

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
            try:
                token, secret = token_create(user=request.user, **form.wish())
            except KubeCarrierError as error:
                form.refuse(error)
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": _("New API token"),
            "form": form, "secret": secret, "token": token,
        }  # fmt: skip
        response = TemplateResponse(request, "console/token_add.html", context)
        response["Cache-Control"] = "no-store"
        return response
