"""Acts on one object or on several: a page that asks and shows what would happen, a POST that does."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.admin.resources.looking import TITLES
from fleet.admin.resources.page import Page, page_view, url
from fleet.kube import Propagation
from fleet.live.actions import MAX_REPLICAS, offered
from fleet.live.belonging import warnings_of
from fleet.live.bulk import Act, Item, Outcome, resource_bulk
from fleet.live.objects import resource_object, resource_reveal
from kubecarrier.console.forms import PortalForm, select, text_input
from kubecarrier.lib import audit
from kubecarrier.lib.errors import KubeCarrierError

Json = dict[str, Any]

_TEXTS = {
    "scale": gettext_lazy("The number of pods is set through the scale subresource."),
    "restart": gettext_lazy("The same pods are made anew, one after the other."),
    "suspend": gettext_lazy("A CronJob makes no more jobs, a Job loses its pods, until resumed."),
    "resume": gettext_lazy("The end of a suspension."),
    "reveal": gettext_lazy("The values are shown once. That you looked is on record."),
    "delete": gettext_lazy("It is deleted in the cluster, at once."),
}
_DONE = {
    "scale": gettext_lazy("Scaled."),
    "restart": gettext_lazy("Restarting."),
    "suspend": gettext_lazy("Suspended."),
    "resume": gettext_lazy("Resumed."),
    "delete": gettext_lazy("Deleted."),
}


class ScaleForm(PortalForm):
    """How many."""

    replicas = forms.IntegerField(
        label=gettext_lazy("Replicas"), min_value=0, max_value=MAX_REPLICAS,
        widget=text_input(type="number", min=0),
    )  # fmt: skip


class DeleteForm(PortalForm):
    """What becomes of the dependents."""

    propagation = forms.ChoiceField(
        label=gettext_lazy("Dependents"),
        choices=[
            (Propagation.BACKGROUND.value, gettext_lazy("are deleted after it")),
            (Propagation.FOREGROUND.value, gettext_lazy("are deleted before it")),
            (Propagation.ORPHAN.value, gettext_lazy("stay (orphan)")),
        ],
        widget=select(),
        help_text=gettext_lazy("A Deployment's pods are its dependents, for example."),
    )


_FORMS: dict[str, type[PortalForm]] = {"scale": ScaleForm, "delete": DeleteForm}


@page_view
def act_view(page: Page, action: str) -> HttpResponse:
    """One act on one object."""
    session, kind, ref = page.chosen()
    if action not in {*offered(kind), "delete"}:
        raise Http404
    obj = resource_object(session, kind, ref)
    posted = page.request.POST if page.request.method == "POST" else None
    initial = {"replicas": (obj.get("spec") or {}).get("replicas")}
    form = _FORMS.get(action, PortalForm)(posted, user=page.request.user, initial=initial)
    revealed = None
    if posted is not None and form.is_valid():
        try:
            with audit.because(form.cleaned_data.get("reason", "")):
                if action == "reveal":
                    revealed = resource_reveal(session, kind, ref)
                else:
                    return _acted(page, action, form.cleaned_data, str(obj["metadata"]["uid"]))
        except KubeCarrierError as error:
            form.refuse(error)
    title, icon = TITLES[action]
    return page.render(
        "console/resource_act.html",
        status=422 if posted is not None and revealed is None else 200,
        title=title,
        icon_name=icon,
        text=_TEXTS[action],
        form=form,
        danger=action == "delete",
        warnings=warnings_of(obj) if action != "reveal" else [],
        revealed=revealed,
    )


@page_view
def bulk_view(page: Page) -> HttpResponse:
    """One act on several objects: first what would happen to each, then the doing."""
    kind = page.kind
    if page.request.method != "POST" or kind is None:
        raise Http404
    posted = page.request.POST
    action = posted.get("action", "")
    if action not in {*offered(kind), "delete"} - {"reveal"}:
        messages.error(page.request, _("Select an action first."))
        return HttpResponseRedirect(url("list", page.cluster, kind))
    items = [_item(page, text) for text in posted.getlist("chosen")]
    confirmed = "confirmed" in posted
    form = _FORMS.get(action, PortalForm)(posted if confirmed else None, user=page.request.user)
    outcomes: list[Outcome] = []
    done = False
    if confirmed and form.is_valid():
        with audit.because(form.cleaned_data.get("reason", "")):
            outcomes = resource_bulk(page.session, items, _act(action, form.cleaned_data))
        done = True
    else:
        first = {"replicas": 1, "propagation": Propagation.BACKGROUND.value}
        outcomes = resource_bulk(page.session, items, _act(action, first, dry_run=True))
    title, icon = TITLES[action]
    return page.render(
        "console/resource_bulk.html",
        title=title,
        icon_name=icon,
        action=action,
        text=_TEXTS[action],
        form=form,
        danger=action == "delete",
        outcomes=outcomes,
        failed=[one for one in outcomes if one.error],
        done=done,
    )


def _acted(page: Page, action: str, given: Json, uid: str) -> HttpResponse:
    _session, kind, ref = page.chosen()
    item = Item(kind.api_version, kind.kind, ref.namespace, ref.name, uid)
    (outcome,) = resource_bulk(page.session, [item], _act(action, given))
    if outcome.error is not None:
        raise outcome.error
    messages.success(page.request, _DONE[action])
    gone = action == "delete" and outcome.data.get("gone")
    return HttpResponseRedirect(url("list", page.cluster, kind) if gone else page.url("object"))


def _act(action: str, given: Json, *, dry_run: bool = False) -> Act:
    return Act(
        action,
        replicas=given.get("replicas"),
        propagation=Propagation(given.get("propagation") or Propagation.BACKGROUND),
        dry_run=dry_run,
    )


def _item(page: Page, text: str) -> Item:
    if page.kind is None or text.count("|") != 2:
        raise Http404
    namespace, name, uid = text.split("|")
    return Item(page.kind.api_version, page.kind.kind, namespace, name, uid)
