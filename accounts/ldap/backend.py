"""What Django asks: is this name and password a person of the directory."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

from accounts.ldap.config import config, enabled
from accounts.services.ldap_logins import ldap_login, plausible


class LdapBackend(ModelBackend):
    """After the local accounts, so that those work while the directory is away."""

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **_: Any
    ) -> Any:
        """The user, or None; raises DirectoryError, DeniedError, ThrottledError."""
        if not enabled() or not plausible(username, password):
            return None
        address = str(request.META.get("REMOTE_ADDR") or "") if request is not None else ""
        identity = ldap_login(
            config=config(), username=username or "", password=password or "", address=address
        )
        return identity.user if identity else None
