"""Whether the session of a request still stands: not ended elsewhere, and confirmed by the provider."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import auth
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils import timezone

from accounts.models import Identity, IdentitySource, LoginSession
from accounts.services.second_factors import factor_missing
from accounts.services.sessions import SESSION_KEY
from kubecarrier.api import errors

#: Where somebody without the second factor that is asked for may still go.
_OPEN = frozenset({"/account", "/admin/logout/", "/admin/jsi18n/"})
_NOTED_EVERY = timedelta(minutes=1)


def _recheck(identity: Identity) -> None:
    from accounts.services.ldap_rechecks import ldap_recheck
    from accounts.services.rechecks import recheck

    if identity.source == IdentitySource.LDAP:
        ldap_recheck([identity])
    else:
        recheck(identity)


class LoginSessionMiddleware:
    """One look per request of somebody who logged in through the console."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        pk = request.session.get(SESSION_KEY)
        if pk is not None and not self._stands(pk):
            auth.logout(request)
        elif pk is not None and request.path not in _OPEN and factor_missing(request.user):
            return self._to_set_it_up(request)
        return self.get_response(request)

    @staticmethod
    def _to_set_it_up(request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/api/"):
            text = "This account needs a second factor. Set it up in the console."
            return JsonResponse(errors.body("second_factor_missing", text), status=403)
        return HttpResponseRedirect(reverse("account"))

    @staticmethod
    def _stands(pk: Any) -> bool:
        row = LoginSession.objects.select_related("identity").filter(pk=pk).first()
        if row is None:
            return False
        now = timezone.now()
        identity = row.identity
        if identity is not None and identity.check_due_at and identity.check_due_at <= now:
            # No worker came first. An error of the provider ends nothing; its refusal does.
            _recheck(identity)
            if not LoginSession.objects.filter(pk=pk).exists():
                return False
        if row.last_seen_at < now - _NOTED_EVERY:
            LoginSession.objects.filter(pk=pk, last_seen_at__lt=now - _NOTED_EVERY).update(
                last_seen_at=now
            )
        return True
