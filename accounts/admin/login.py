"""The console's way in and out, and what a lock-out answers."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib import admin, auth
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.admin.code import ask_for_code
from accounts.models import LoginSession
from accounts.oidc import pages
from accounts.oidc.config import enabled
from accounts.services.logins import login_failed, login_locked
from accounts.services.second_factors import factor_of
from accounts.services.sessions import SESSION_KEY, method_of, session_begin, session_end
from kubecarrier.api import errors
from kubecarrier.lib.errors import KubeCarrierError

_LOCKED = "Too many failed logins. Wait a quarter of an hour, or ask an administrator."


class ConsoleLogin(LoginView):
    """Django's, with a session that can be listed and ended, and everything on record."""

    template_name = "console/login.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """What the directory's side says is a page with a code, not a 500."""
        try:
            return super().post(request, *args, **kwargs)
        except KubeCarrierError as error:
            return pages.refused(request, error)

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        if factor_of(user) is not None:
            return ask_for_code(self.request, user, self.get_success_url())
        try:
            session_begin(request=self.request, user=user, method=method_of(user.backend))
        except KubeCarrierError as error:
            form.add_error(None, error.message)
            return self.form_invalid(form)
        return HttpResponseRedirect(self.get_success_url())

    def form_invalid(self, form: Any) -> HttpResponse:
        login_failed(username=str(form.data.get("username", ""))[:150])
        return super().form_invalid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = super().get_context_data(**kwargs)
        if enabled():
            following = self.get_redirect_url()
            query = (
                f"?{urlencode({'next': following}, safe='/', quote_via=quote)}" if following else ""
            )
            found["sso"] = {
                "label": settings.KUBECARRIER_OIDC_LABEL,
                "url": reverse("oidc-login") + query,
            }
        return found


def console_logout(request: HttpRequest) -> HttpResponse:
    """Here, and at the provider where one logged in there."""
    elsewhere = pages.leave(request)
    pk = request.session.get(SESSION_KEY)
    row = LoginSession.objects.filter(pk=pk).first() if pk else None
    if row is not None:
        session_end(row=row)
    auth.logout(request)
    if not elsewhere:
        return HttpResponseRedirect(reverse("admin:login"))
    # A page and no redirect: the policy on forms would stop a POST that leads elsewhere.
    context = {
        **admin.site.each_context(request), "url": elsewhere, "title": "", "site_title": "KubeCarrier",
    }  # fmt: skip
    return TemplateResponse(request, "console/leaving.html", context)


def locked_out(request: HttpRequest, response: Any = None, credentials: Any = None) -> HttpResponse:
    """axes' answer, in the form of whoever asked: 429, on record."""
    login_locked(username=str((credentials or {}).get("username") or ""))
    if request.path.startswith("/api/"):
        return JsonResponse(errors.body("login_locked", _LOCKED), status=429)
    error = KubeCarrierError("login_locked", _(_LOCKED))
    context = {
        **admin.site.each_context(request),
        "error": error,
        "title": "",
        "site_title": "KubeCarrier",
        "back": reverse("admin:login"),
    }
    return TemplateResponse(request, "console/login_refused.html", context, status=429).render()
