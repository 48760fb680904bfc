"""The admin that every kind's admin derives from.

Objects come through a `visible_*` queryset only, so that another's object is
404. A save calls a service; the error it raises returns to the form. Three
tabs: Status (lives by itself), Spec (the form), History.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, ClassVar

from django.contrib.admin import helpers
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from unfold.forms import AdminForm, Fieldline

from kubecarrier.console import history
from kubecarrier.console.acting import ActingAdmin
from kubecarrier.console.columns import ColumnsAdmin
from kubecarrier.console.paging import BoundedPaginator
from kubecarrier.console.refresh import unless_seen
from kubecarrier.console.state import condition_rows, state_of
from kubecarrier.lib import audit
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.lib.spec import ReconciledModel

TABS = ("status", "spec", "history")
_ALWAYS = frozenset({"read_generation", "reason"})


class PortalAdmin(ColumnsAdmin, ActingAdmin):
    """The pages of one kind; read-only until a subclass `writes` (see `RightsAdmin`)."""

    status_template: ClassVar[str] = ""
    spec_template: ClassVar[str] = ""
    history_template: ClassVar[str] = "console/history.html"
    live: ClassVar[bool] = True

    change_form_template = "console/object.html"
    change_list_template = "console/list.html"
    list_before_template: str | None = None
    show_full_result_count = False
    paginator = BoundedPaginator
    list_per_page = 50
    list_filter_submit = False
    warn_unsaved_form = True
    compressed_fields = True

    # --- pages -----------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        own = [
            path("<path:object_id>/do/<slug:slug>/", wrap(self.action_view), name=f"{name}_do"),
            path("<path:object_id>/live/", wrap(self.live_view), name=f"{name}_live"),
        ]
        return [*own, *super().get_urls()]

    def fetch(self, request: HttpRequest, object_id: str) -> Any:
        """The object, or 404 when it is absent or out of scope."""
        row = self.get_object(request, unquote(object_id))
        if row is None or not self.has_view_permission(request, row):
            audit.hidden(f"{self.opts.model_name}.view", partial(self._anybodys, object_id))
            raise Http404
        return row

    def _anybodys(self, object_id: str) -> Any | None:
        """The object whoever may see it: for the record of a refusal only."""
        try:
            return self.model._default_manager.filter(pk=unquote(object_id)).first()
        except (ValidationError, ValueError):
            return None

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> Any:
        raise Http404

    def page_of(self, row: Any) -> str:
        """The address of an object's page."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])

    @method_decorator(csrf_protect)
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Django's, without its outer transaction: services open their own.

        A save may ask a cluster or a repository first, and SQLite's one write
        lock must not be held meanwhile.
        """
        helpers.AdminForm, helpers.Fieldline = AdminForm, Fieldline  # type: ignore[misc]
        context = {"show_save_and_add_another": False, **(extra_context or {})}
        if object_id is not None:
            context |= self._object_context(request, self.fetch(request, object_id))
        try:
            with _because(request):
                return self._changeform_view(request, object_id, form_url, context)  # type: ignore[no-any-return]
        except (KubeCarrierError, ValidationError) as error:
            request.refused = error  # type: ignore[attr-defined]
            return self._changeform_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """The form, which shows what the service refused in the first try."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if hasattr(form, "user"):
            form.user = request.user  # the class was made for this request
        if obj is not None and self.writes:
            form = _locked(form, self.writable(request, obj))
        refused = getattr(request, "refused", None)
        if refused is None:
            return form

        class Refused(form):  # type: ignore[misc, valid-type]
            def _post_clean(self) -> None:
                super()._post_clean()
                if hasattr(self, "refuse"):
                    self.refuse(refused)
                else:
                    self.add_error(None, str(refused))

        return Refused

    def _object_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        tab = request.GET.get("tab", "")
        if request.method == "POST" or not self.status_template:
            tab = "spec" if tab != "history" or request.method == "POST" else tab
        tab = tab if tab in TABS else TABS[0]
        context = {
            "row": row,
            "show_delete": False,
            "show_save_and_add_another": False,
            "tab": tab,
            "tabs": self._tabs(),
            "state": state_of(row) if isinstance(row, ReconciledModel) else None,
            "doable": self._doable(request, row),
            "status_template": self.status_template,
            "spec_template": self.spec_template,
            "history_template": self.history_template,
            "live_url": self._url("live", row) if self.live else "",
            "subtitle": None,
            "title": str(row),
            **self.header_context(row),
        }
        if self.writes and self.writable(request, row) == frozenset():
            context |= {"show_save": False, "show_save_and_continue": False}
        if tab == "status":
            context |= self._status(row)
        elif tab == "history":
            context |= self.history_context(row)
        elif self.spec_template:
            context |= self.spec_context(row)
        return context

    def _tabs(self) -> list[tuple[str, Any, str]]:
        listed = [("status", _("Status"), "monitor_heart"), ("spec", _("Spec"), "tune")]
        return [
            *(listed if self.status_template else listed[1:]),
            ("history", _("History"), "history"),
        ]

    def _doable(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        if not self.may_act(request, row):
            return []
        listed = [
            {"action": action, "url": self._url("do", row, action.slug)}
            for action in self.object_actions
            if action.offered(row) and self.may_do(request, action, row)
        ]
        if self.delete_action is not None and self.has_delete_permission(request, row):
            listed.append({"action": self.delete_action, "url": self._url("delete", row)})
        return listed

    def _url(self, what: str, row: Any, *more: str) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{what}"
        return reverse(name, args=[row.pk, *more])

    def header_context(self, row: Any) -> dict[str, Any]:
        """Facts under the title: `facts` is a list of (label, value)."""
        return {}

    def status_context(self, row: Any) -> dict[str, Any]:
        """What the status block shows."""
        return {}

    def spec_context(self, row: Any) -> dict[str, Any]:
        """What a spec block without a form shows."""
        return {}

    def history_context(self, row: Any) -> dict[str, Any]:
        """Audit entries and operations."""
        operations = history.operations_of(row) if isinstance(row, ReconciledModel) else []
        return {"entries": history.entries_of(row), "operations": operations}

    def _status(self, row: Any) -> dict[str, Any]:
        conditions = condition_rows(row) if isinstance(row, ReconciledModel) else []
        return {"conditions": conditions, **self.status_context(row)}

    def live_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The status block alone; 286 tells htmx to stop asking once the object is gone."""
        try:
            row = self.fetch(request, object_id)
        except Http404:
            return HttpResponse(self.gone_html(), status=286)
        context = {
            **self._object_context(request, row),
            **self._status(row),
            "opts": self.opts,
        }
        return TemplateResponse(request, "console/live.html", context)

    def gone_html(self) -> str:
        """What the status block says when its object went away."""
        return str(_("This object is gone."))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list; asked by itself again, its rows alone, or 304 while they are the same."""
        context = {"live_list": True, **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, context)
        asked_again = "HX-Request" in request.headers and request.method == "GET"
        if not asked_again or not isinstance(response, TemplateResponse):
            return response
        response.template_name = "console/list_live.html"
        return unless_seen(request, response.render())

    # --- saving ------------------------------------------------------------------

    def save_applied(self, obj: Any, applied: Any) -> None:
        """The row that the service made or changed becomes the admin's object."""
        obj.__dict__.update(applied.__dict__)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Services write relations themselves."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The audit entry is the record."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The audit entry is the record."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """The history tab."""
        return HttpResponseRedirect(f"{self.page_of(self.fetch(request, object_id))}?tab=history")


def _because(request: HttpRequest) -> AbstractContextManager[None]:
    """What was given as the reason of a save."""
    reason = request.POST.get("reason", "").strip()[:500]
    return audit.because(reason) if reason else nullcontext()


def _locked(form: Any, writable: frozenset[str] | None) -> Any:
    """The form with everything locked that the person may not change; None locks nothing."""
    if writable is None:
        return form

    class Locked(form):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            for name in self.fields.keys() - writable - _ALWAYS:
                self.fields[name].disabled = True

    return Locked
