"""The page on which a person lets a command line in."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from accounts.forms import DeviceForm
from accounts.services.devices import device_answer, device_find
from kubecarrier.lib.errors import KubeCarrierError


@require_http_methods(["GET", "POST"])
def device_page(request: HttpRequest) -> HttpResponse:
    """For whoever is logged in to the console; others log in first and come back."""
    response: HttpResponse = admin.site.admin_view(_page)(request)
    return response


@csrf_protect
def _page(request: HttpRequest) -> HttpResponse:
    """GET shows what waits behind the code, POST answers it."""
    given = request.POST if request.method == "POST" else request.GET
    form = DeviceForm(given if given.get("code") else None)
    waiting = None
    if form.is_valid():
        try:
            waiting = device_find(user=request.user, code=form.cleaned_data["code"])
            if request.method == "POST" and "answer" in request.POST:
                return _answered(request, waiting)
        except KubeCarrierError as error:
            form.refuse(error)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": _("Let a command line in"),
        "form": form,
        "waiting": waiting,
    }
    response = TemplateResponse(request, "console/device.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _answered(request: HttpRequest, waiting: Any) -> HttpResponse:
    approve = request.POST["answer"] == "approve"
    device_answer(user=request.user, row=waiting, approve=approve)
    if approve:
        messages.success(
            request, _("“%s” is let in. You can go back to the terminal.") % waiting.client
        )
    else:
        messages.warning(request, _("“%s” was refused.") % waiting.client)
    return HttpResponseRedirect(request.path)
