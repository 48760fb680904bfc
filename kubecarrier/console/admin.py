"""The admin that every kind's admin derives from.

Objects come through a `visible_*` queryset only, so that another's object is
404. A save calls a service; the error it raises returns to the form. Three
tabs: Status (lives by itself), Spec (the form), History.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import RelatedFieldListFilter, helpers
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from unfold.admin import ModelAdmin
from unfold.forms import AdminForm, Fieldline

from kubecarrier.console import history
from kubecarrier.console.actions import (
    MAX_BULK,
    BulkAction,
    ObjectAction,
    attempt,
    attempt_all,
)
from kubecarrier.console.paging import BoundedPaginator
from kubecarrier.console.refresh import unless_seen
from kubecarrier.console.state import condition_rows, state_of
from kubecarrier.lib import access, audit
from kubecarrier.lib.audit import may_operate
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.lib.spec import ReconciledModel

TABS = ("status", "spec", "history")
SAFE = ("GET", "HEAD", "OPTIONS")
_ALWAYS = frozenset({"read_generation", "reason"})


class VisibleFilter(RelatedFieldListFilter):
    """The objects that the person may see; of people, those whose rows are in the list."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        model = field.remote_field.model
        rows = model._default_manager.all()
        if hasattr(rows, "visible_to"):
            rows = rows.visible_to(request.user)
        else:
            listed = model_admin.get_queryset(request).order_by().values(field.attname)
            rows = rows.filter(pk__in=listed)
        return [
            (row.pk, str(row))
            for row in rows.order_by(getattr(model, "USERNAME_FIELD", "name"))[:MAX_BULK]
        ]


class PortalAdmin(ModelAdmin):  # type: ignore[misc]
    """Read-only until a subclass names a `save` service; `rows` is its visible queryset."""

    rows: ClassVar[Callable[[Any], QuerySet[Any]]]
    object_actions: ClassVar[tuple[ObjectAction, ...]] = ()
    bulk_actions: ClassVar[tuple[BulkAction, ...]] = ()
    delete_action: ClassVar[ObjectAction | None] = None
    status_template: ClassVar[str] = ""
    spec_template: ClassVar[str] = ""
    history_template: ClassVar[str] = "console/history.html"
    live: ClassVar[bool] = True
    #: Its form calls a service.
    writes: ClassVar[bool] = False
    #: A verb that is a part of `edit` → the fields of the form that it opens.
    part_fields: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    change_form_template = "console/object.html"
    change_list_template = "console/list.html"
    list_before_template: str | None = None
    show_full_result_count = False
    paginator = BoundedPaginator
    list_per_page = 50
    list_filter_submit = False
    warn_unsaved_form = True
    compressed_fields = True

    # --- who may ---------------------------------------------------------------

    def get_list_filter(self, request: HttpRequest) -> Any:
        """A filter by another object offers only what the person may see of those."""
        return [self._filter(one) for one in super().get_list_filter(request)]

    def _filter(self, one: Any) -> Any:
        fields = {f.name: f for f in self.opts.concrete_fields}
        related = isinstance(one, str) and getattr(fields.get(one), "remote_field", None)
        return (one, VisibleFilter) if related else one

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = type(self).rows(request.user)
        ordering = self.get_ordering(request)
        return rows.order_by(*ordering) if ordering else rows

    def may(self, request: HttpRequest, verb: str, obj: Any = None) -> bool:
        """Whether the person holds a verb of this kind (with a dot: of another) on `obj`, or anywhere."""
        kind = access.reach_of(self.model).plural
        permission = verb if "." in verb else f"{kind}.{verb}"
        asked: dict[Any, bool] = request.__dict__.setdefault("_rights", {})
        key = (permission, getattr(obj, "pk", None))
        if key not in asked:
            asked[key] = (
                access.may_somewhere(request.user, permission)
                if obj is None
                else access.may(request.user, permission, obj)
            )
        return asked[key]

    def writable(self, request: HttpRequest, obj: Any) -> frozenset[str] | None:
        """The fields of the form that the person may change; None: all of them."""
        if self.may(request, "edit", obj):
            return None
        parts = (f for verb, f in self.part_fields.items() if self.may(request, verb, obj))
        return frozenset(name for fields in parts for name in fields)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_operate(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_operate(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.writes and self.may(request, "create")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """To look at the form everybody may who sees the object: what he may not change is locked."""
        if not self.writes or not may_operate(request.user):
            return False
        if obj is None or request.method in SAFE:
            return True
        return self.writable(request, obj) != frozenset()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.delete_action is not None and self.may_do(request, self.delete_action, obj)

    def may_act(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the person may use this kind at all; each action asks for its own right."""
        return may_operate(request.user)

    def may_do(
        self, request: HttpRequest, action: ObjectAction | BulkAction, obj: Any = None
    ) -> bool:
        """Whether the person may run one action."""
        return may_operate(request.user) and (
            not action.verb or self.may(request, action.verb, obj)
        )

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

    # --- actions -----------------------------------------------------------------

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


def _bulk(
    admin: PortalAdmin, request: HttpRequest, chosen: QuerySet[Any], *, action: BulkAction
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
