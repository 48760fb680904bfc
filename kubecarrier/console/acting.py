"""The pages of what can be done with one object or with several, and of the deletion."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin import helpers
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect

from kubecarrier.console.actions import (
    MAX_BULK,
    BulkAction,
    ObjectAction,
    attempt,
    attempt_all,
)
from kubecarrier.console.rights import RightsAdmin
from kubecarrier.console.state import state_of
from kubecarrier.lib.spec import ReconciledModel


class ActingAdmin(RightsAdmin):
    """Each action asks for its own right; GET asks, POST does."""

    @method_decorator(csrf_protect)
    def action_view(self, request: HttpRequest, object_id: str, slug: str) -> HttpResponse:
        """The page of one action: GET asks, POST does."""
        action = next((one for one in self.object_actions if one.slug == slug), None)
        if action is None:
            raise Http404
        return self._act(request, self.fetch(request, object_id), action)

    @method_decorator(csrf_protect)
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Deletion asks like every other action, and goes through the service."""
        row = self.fetch(request, object_id)
        if self.delete_action is None or not self.has_delete_permission(request, row):
            raise PermissionDenied
        return self._act(request, row, self.delete_action)

    def _act(self, request: HttpRequest, row: Any, action: ObjectAction) -> HttpResponse:
        if not self.may_act(request, row) or not self.may_do(request, action, row):
            raise PermissionDenied
        posted = request.method == "POST"
        form = action.form(
            request.POST if posted else None, request.FILES if posted else None,
            row=row, user=request.user, initial=request.GET.dict(),
        )  # fmt: skip
        done = attempt(action, row, form, request) if posted and form.is_valid() else None
        if done is not None and done.shown is None:
            if done.response is not None:
                return done.response
            messages.success(request, done.message)
            return HttpResponseRedirect(self._after(row, leave=done.leave))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "row": row,
            "title": action.title,
            "action": action,
            "form": form,
            "back": self.page_of(row),
            "state": state_of(row) if isinstance(row, ReconciledModel) else None,
            "media": self.media + form.media,
            **action.shown(row, request.user),
            **(done.shown or {} if done else {}),
        }
        status = 422 if posted and done is None else 200
        return TemplateResponse(request, action.template, context, status=status)

    def _after(self, row: Any, *, leave: bool) -> str:
        there = not leave or type(row)._default_manager.filter(pk=row.pk).exists()
        return (
            self.page_of(row)
            if there
            else reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        )

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Our own bulk actions; Django's bulk delete would go past the services."""
        if not self.may_act(request):
            return {}
        return {
            one.slug: (partial(_bulk, action=one), one.slug, one.title)
            for one in self.bulk_actions
            if self.may_do(request, one)
        }

    def get_action_choices(self, request: HttpRequest, default_choices: Any = None) -> Any:
        return [
            ("", _("Select action")),
            *((slug, found[2]) for slug, found in self.get_actions(request).items()),
        ]


def _bulk(
    admin: ActingAdmin, request: HttpRequest, chosen: QuerySet[Any], *, action: BulkAction
) -> HttpResponse:
    """The confirm page of a bulk action, and what became of each object."""
    rows = list(chosen[: MAX_BULK + 1])
    confirmed = "_confirmed" in request.POST
    form = action.form(request.POST if confirmed else None, user=request.user)
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": action.title,
        "action": action,
        "form": form,
        "too_many": len(rows) > MAX_BULK,
        "limit": MAX_BULK,
        "back": request.get_full_path(),
        "checkbox": helpers.ACTION_CHECKBOX_NAME,
    }
    if confirmed and form.is_valid() and not context["too_many"]:
        outcomes = attempt_all(action, rows, form.cleaned_data, request.user)
        failed = [one for one in outcomes if one.error]
        context |= {
            "outcomes": outcomes,
            "failed": failed,
            "succeeded": len(outcomes) - len(failed),
        }
        return TemplateResponse(request, "console/bulk_result.html", context)
    context["rows"] = [
        (row, state_of(row) if isinstance(row, ReconciledModel) else None) for row in rows
    ]
    return TemplateResponse(request, "console/bulk.html", context)
