"""The browser's way to the provider and back, the provider's way to us, and out again."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import structlog
from django.contrib import admin, auth
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from mozilla_django_oidc.views import (
    OIDCAuthenticationCallbackView,
    OIDCAuthenticationRequestView,
)

from accounts.models import LoginMethod
from accounts.oidc import id_token, provider
from accounts.oidc.config import config, enabled
from accounts.oidc.errors import OidcError, ProviderError
from accounts.services.logins import login_refused
from accounts.services.oidc_logouts import provider_logout
from accounts.services.sessions import session_begin
from kubecarrier.lib.errors import KubeCarrierError

log = structlog.get_logger(__name__)
_BACKEND = "accounts.oidc.backend.OidcBackend"
_ID_TOKEN = "kubecarrier_id_token"  # noqa: S105 - a key in the session


class _Coded:
    """What goes wrong is a page with a code and a way back, never a 500."""

    @method_decorator(never_cache)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not enabled():
            raise Http404
        try:
            response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        except SuspiciousOperation:
            error = OidcError("oidc_state", "This login was not begun in this browser, or is over.")
            return refused(request, error)
        except KubeCarrierError as error:
            return refused(request, error)
        return response


class StartView(_Coded, OIDCAuthenticationRequestView):  # type: ignore[misc]
    """To the provider, with state, nonce and PKCE's challenge."""

    @staticmethod
    def get_settings(attr: str, *args: Any) -> Any:
        from django.conf import settings

        ours = {
            "OIDC_OP_AUTHORIZATION_ENDPOINT": "",
            "OIDC_RP_CLIENT_ID": settings.KUBECARRIER_OIDC_CLIENT_ID,
            "OIDC_RP_SCOPES": " ".join(settings.KUBECARRIER_OIDC_SCOPES),
            "OIDC_AUTH_REQUEST_EXTRA_PARAMS": settings.KUBECARRIER_OIDC_EXTRA,
        }
        return (
            ours[attr] if attr in ours else OIDCAuthenticationRequestView.get_settings(attr, *args)
        )

    def get(self, request: HttpRequest) -> HttpResponse:
        self.OIDC_OP_AUTH_ENDPOINT = provider.discovery(config()).authorization_endpoint
        response: HttpResponse = super().get(request)
        return response

    def get_extra_params(self, request: HttpRequest) -> dict[str, str]:
        extra = dict(super().get_extra_params(request))
        if "offline_access" in config().scopes:
            extra.setdefault("prompt", "consent")  # OpenID Connect Core, 11
        # Set to nothing: not to be sent.
        return {name: value for name, value in extra.items() if value}


class CallbackView(_Coded, OIDCAuthenticationCallbackView):  # type: ignore[misc]
    """Back from the provider."""

    user: Any

    def login_success(self) -> HttpResponse:
        identity, sid, token = self.user.oidc_login
        following = self.request.session.get("oidc_login_next")
        session_begin(
            request=self.request, user=self.user, method=LoginMethod.OIDC,
            identity=identity, sid=sid, backend=_BACKEND,
        )  # fmt: skip
        self.request.session[_ID_TOKEN] = token
        self.request.session.pop("oidc_login_next", None)
        safe = following and url_has_allowed_host_and_scheme(
            following, {self.request.get_host()}, require_https=self.request.is_secure()
        )
        return HttpResponseRedirect(following if safe else reverse("admin:index"))

    def login_failure(self) -> HttpResponse:
        if self.request.GET.get("error"):
            raise OidcError("oidc_denied", "The provider did not log you in.")
        raise OidcError("oidc_failed", "The login did not come to an end. Begin again.")


@csrf_exempt
@require_POST
@never_cache
def backchannel_logout(request: HttpRequest) -> HttpResponse:
    """The provider says that somebody's session there is over (Back-Channel Logout 1.0)."""
    if not enabled():
        raise Http404
    setup = config()
    try:
        token = request.POST.get("logout_token")
        claims = id_token.verified_logout(token, setup, lambda kid: provider.keys(setup, kid))
    except ProviderError as error:
        return JsonResponse({"error": error.code}, status=503)
    except OidcError as error:
        log.warning("logout token refused", code=error.code)
        return JsonResponse(
            {"error": "invalid_request", "error_description": error.code}, status=400
        )
    provider_logout(issuer=setup.issuer, subject=claims.get("sub"), sid=claims.get("sid"))
    return HttpResponse(status=200)


def leave(request: HttpRequest) -> str:
    """Where to log out at the provider too; "" when there is nothing to do. Before our own logout."""
    token = request.session.get(_ID_TOKEN)
    if not token or not enabled():
        return ""
    try:
        end = provider.discovery(config()).end_session_endpoint
    except KubeCarrierError:
        return ""  # the provider is away: here we log out all the same
    if not end:
        return ""
    back = request.build_absolute_uri(reverse("admin:login"))
    query = {
        "id_token_hint": token,
        "post_logout_redirect_uri": back,
        "client_id": config().client_id,
    }
    return f"{end}{'&' if '?' in end else '?'}{urlencode(query)}"


def refused(request: HttpRequest, error: KubeCarrierError) -> HttpResponse:
    """The page that says why, on record."""
    login_refused(code=error.code)
    if request.user.is_authenticated and not isinstance(error, ProviderError):
        auth.logout(request)
    context = {
        **admin.site.each_context(request),
        "error": error,
        "title": "",
        "site_title": "KubeCarrier",
        "back": reverse("admin:login"),
    }
    response = TemplateResponse(
        request, "console/login_refused.html", context, status=error.http_status
    )
    if error.http_status == 503:
        response["Retry-After"] = "5"
    return response
