"""The provider ends a session."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from accounts.models import Identity, LoginSession
from accounts.services.sessions import session_end


def provider_logout(*, issuer: str, subject: Any, sid: Any) -> int:
    """End the session that the provider names, or all of a person's; how many ended."""
    identities = Identity.objects.filter(issuer=issuer)
    wanted = Q(identity__in=identities)
    if isinstance(subject, str):
        wanted &= Q(identity__subject=subject)
    if isinstance(sid, str):
        wanted &= Q(sid=sid)
    found = list(LoginSession.objects.filter(wanted).select_related("user"))
    for row in found:
        session_end(row=row, said="ended by the provider")
    return len(found)
