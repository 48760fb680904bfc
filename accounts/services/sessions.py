"""Sessions of the console: begun at a login, listed, ended."""

from __future__ import annotations

from typing import Any

from django.contrib import auth
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Identity, IdentitySource, LoginMethod, LoginSession
from kubecarrier.lib import audit
from kubecarrier.lib.errors import DeniedError

#: In Django's session: the id of our row.
SESSION_KEY = "kubecarrier_session"


def session_begin(
    *,
    request: HttpRequest,
    user: Any,
    method: str,
    identity: Identity | None = None,
    sid: str = "",
    backend: str | None = None,
) -> LoginSession:
    """Log `user` in to this browser; raises DeniedError for a service account."""
    if audit.is_machine(user):
        raise DeniedError("machine_session", "A service account does not log in; it has tokens.")
    if identity is None and method == LoginMethod.LDAP:
        known = Identity.objects.filter(user=user, source=IdentitySource.LDAP)
        identity = known.order_by("-confirmed_at").first()
    auth.login(request, user, backend=backend)
    if not request.session.session_key:
        request.session.save()
    with transaction.atomic(), audit.as_actor(user):
        row = LoginSession.objects.create(
            user=user,
            identity=identity,
            session_key=request.session.session_key or "",
            method=method,
            sid=sid[:255],
            address=audit.current().address,
            agent=request.headers.get("User-Agent", "")[:200],
            last_seen_at=timezone.now(),
        )
        audit.event("login", user, said=f"console, {row.get_method_display()}")
    request.session[SESSION_KEY] = str(row.pk)
    return row


def method_of(backend: Any) -> str:
    """By which backend a password was accepted."""
    return LoginMethod.LDAP if "ldap" in str(backend or "").lower() else LoginMethod.PASSWORD


def session_end(*, row: LoginSession, said: str = "logged out") -> None:
    """This browser is logged out, wherever it is."""
    with transaction.atomic():
        audit.event("logout", row.user, said=said)
        _drop(row)


@transaction.atomic
def sessions_end(*, user: Any, but: Any = None) -> int:
    """Every browser of `user` (but the one with the id `but`) is logged out; how many."""
    found = list(LoginSession.objects.filter(user=user).exclude(pk=but))
    for row in found:
        _drop(row)
    if found:
        audit.event("sessions-ended", user, said=f"{len(found)} sessions")
    return len(found)


def _drop(row: LoginSession) -> None:
    _store()(row.session_key).delete()
    row.delete()


def _store() -> type[SessionBase]:
    from importlib import import_module

    from django.conf import settings

    store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
    return store
