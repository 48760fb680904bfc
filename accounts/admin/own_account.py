"""One's own account in the console: second factor, sessions, log out everywhere."""

from __future__ import annotations

from typing import Any

import segno
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from accounts.forms import CodeForm
from accounts.models import Identity, LoginSession
from accounts.services import second_factors as factors
from accounts.services.sessions import SESSION_KEY, session_end, sessions_end
from kubecarrier.lib.errors import KubeCarrierError


@require_http_methods(["GET", "POST"])
def account_page(request: HttpRequest) -> HttpResponse:
    """For whoever is logged in to the console."""
    response: HttpResponse = admin.site.admin_view(_page)(request)
    return response


@csrf_protect
def _page(request: HttpRequest) -> HttpResponse:
    form = CodeForm(request.POST if "code" in request.POST else None)
    codes: list[str] = []
    if request.method == "POST":
        try:
            codes = _do(request, form)
        except KubeCarrierError as error:
            form.refuse(error) if form.is_bound else messages.error(request, error.message)
        else:
            if not codes and (not form.is_bound or form.is_valid()):
                return HttpResponseRedirect(reverse("account"))
    response = TemplateResponse(request, "console/own_account.html", _context(request, form, codes))
    response["Cache-Control"] = "no-store"
    return response


def _do(request: HttpRequest, form: CodeForm) -> list[str]:
    """One button; the recovery codes where a second factor begins to work."""
    user: Any = request.user
    here = request.session.get(SESSION_KEY)
    match request.POST.get("do"):
        case "begin":
            factors.factor_begin(user=user)
        case "confirm" if form.is_valid():
            return factors.factor_confirm(user=user, code=form.cleaned_data["code"])
        case "remove" if form.is_valid():
            factors.factor_remove(user=user, code=form.cleaned_data["code"])
        case "end":
            wanted = request.POST.get("session", "")
            own = LoginSession.objects.filter(user=user)
            row = next((one for one in own if str(one.pk) == wanted), None)
            if row is None:
                raise Http404
            session_end(row=row, said="ended by hand")
            messages.success(request, _("The session is ended."))
        case "end-others":
            ended = sessions_end(user=user, but=here)
            messages.success(request, _("%(count)d other sessions are ended.") % {"count": ended})
    return []


def _context(request: HttpRequest, form: CodeForm, codes: list[str]) -> dict[str, Any]:
    user: Any = request.user
    pending = factors.factor_pending(user)
    picture = segno.make(factors.factor_address(user, pending), micro=False) if pending else None
    return {
        **admin.site.each_context(request),
        "title": _("Your account"),
        "form": form,
        "codes": codes,
        "factor": factors.factor_of(user),
        "missing": factors.factor_missing(user),
        "elsewhere": Identity.objects.filter(user=user).exists(),
        "pending": pending,
        # Drawn here: nobody else learns the secret. Its content is ours alone.
        "picture": mark_safe(picture.svg_inline(scale=5, border=2)) if picture else "",  # noqa: S308  # nosec
        "sessions": LoginSession.objects.filter(user=user),
        "here": request.session.get(SESSION_KEY),
    }
