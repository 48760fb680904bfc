"""The second step of a console login: the code."""

from __future__ import annotations

import time
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from accounts.forms import CodeForm
from accounts.models import User
from accounts.services.logins import login_failed
from accounts.services.second_factors import factor_check
from accounts.services.sessions import method_of, session_begin
from kubecarrier.lib.errors import KubeCarrierError

_PENDING = "kubecarrier_half"
_SECONDS = 300


def ask_for_code(request: HttpRequest, user: Any, following: str) -> HttpResponse:
    """The password was right: remember that for five minutes, and ask for the code."""
    request.session.cycle_key()
    request.session[_PENDING] = {
        "user": str(user.pk), "backend": user.backend, "at": time.time(), "next": following,
    }  # fmt: skip
    return HttpResponseRedirect(reverse("login-code"))


@never_cache
@csrf_protect
@require_http_methods(["GET", "POST"])
def code_page(request: HttpRequest) -> HttpResponse:
    """Asks for the code; without a right password shortly before, back to the beginning."""
    half = request.session.get(_PENDING) or {}
    fresh = time.time() - half.get("at", 0) < _SECONDS
    user = User.objects.filter(pk=half["user"], is_active=True).first() if fresh else None
    if user is None:
        request.session.pop(_PENDING, None)
        return HttpResponseRedirect(reverse("admin:login"))
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            if factor_check(user=user, code=form.cleaned_data["code"]):
                return _in(request, user, half)
            login_failed(username=user.username)
            form.add_error("code", _("This code is not right, or was used already."))
        except KubeCarrierError as error:
            form.refuse(error)
    context = {
        **admin.site.each_context(request),
        "form": form,
        "title": "",
        "site_title": "KubeCarrier",
        "back": reverse("admin:login"),
    }
    return TemplateResponse(request, "console/login_code.html", context)


def _in(request: HttpRequest, user: Any, half: dict[str, Any]) -> HttpResponse:
    request.session.pop(_PENDING, None)
    method = method_of(half["backend"])
    session_begin(request=request, user=user, method=method, backend=half["backend"])
    safe = url_has_allowed_host_and_scheme(
        half["next"], {request.get_host()}, require_https=request.is_secure()
    )
    return HttpResponseRedirect(half["next"] if safe else reverse("admin:index"))
