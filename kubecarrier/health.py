"""Whether the portal lives and works, and its figures for Prometheus.

`/livez` answers while the process does and looks at nothing else: a database
that is away must not have the web restarted. `/readyz` names every check;
ages and errors are for staff only. `/metrics` is for staff (session or API
token) and for callers on this machine that no proxy stands in front of.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import cache
from typing import Any

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from kubecarrier import heartbeats, metric_families
from kubecarrier.lib import access
from kubecarrier.lib.tasks import Queue

_FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP")


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when everything works, else 503; the names of the checks and whether each is fine."""
    failures = {name: failure for name, check in CHECKS.items() if (failure := _tried(check))}
    checks = {name: name not in failures for name in CHECKS}
    body: dict[str, Any] = {"ready": not failures, "checks": checks}
    if (
        failures
        and "database" not in failures
        and access.may(getattr(request, "user", None), "metrics.view")
    ):
        body["detail"] = failures
    return JsonResponse(body, status=503 if failures else 200)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text form; 404 for those who may not see it."""
    if not (is_local(request) or access.may(caller(request), "metrics.view")):
        return HttpResponse(status=404)
    return HttpResponse(metric_families.text(), content_type=metric_families.CONTENT_TYPE)


def is_local(request: HttpRequest) -> bool:
    """Whether the caller sits on this machine and no proxy speaks for somebody else."""
    if any(header in request.META for header in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR") or "").is_loopback
    except ValueError:
        return False


def caller(request: HttpRequest) -> Any:
    """The user of the session, or of the API token; None: neither."""
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return user
    from accounts.api.authentication import user_of_token

    return user_of_token(request)


# --- checks: each returns "" or what is wrong ------------------------------------------------


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


@cache
def _migrations_seen() -> list[str]:
    """Filled once they are applied: looking costs tens of milliseconds and cannot go back."""
    return []


def _migrations() -> str:
    if _migrations_seen():
        return ""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return f"{len(missing)} migrations are not applied"
    _migrations_seen().append("applied")
    return ""


def _beats(prefix: str) -> Callable[[], str]:
    def check() -> str:
        if heartbeats.is_fresh(prefix):
            return ""
        return f"no heartbeat within {heartbeats.STALE_SECONDS:g} s"

    return check


CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "migrations": _migrations,
    "controller": _beats(heartbeats.CONTROLLER),
    "worker default": _beats(f"worker:{Queue.DEFAULT}@"),
    "worker helm": _beats(f"worker:{Queue.HELM}@"),
}


def _tried(check: Callable[[], str]) -> str:
    try:
        return check()
    except DatabaseError as error:
        return f"the database does not answer ({type(error).__name__})"
