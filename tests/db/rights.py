"""People with rights, given as the portal itself would: the grant rule has tests of its own."""

from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient

from accounts.models import Binding, Role, User
from accounts.services.bindings import binding_apply
from accounts.services.roles import role_apply
from kubecarrier.lib.manifests import Wish

Json = dict[str, Any]
PLATFORM: Json = {"platform": True}


def role(name: str, *permissions: str, rules: list[Json] | None = None) -> Role:
    """A role with these permissions."""
    spec = {"permissions": list(permissions), "rules": rules or []}
    found: Role = role_apply(actor=None, wish=Wish(name, {}, spec)).row
    return found


def bind(user: User, role_name: str, *, name: str = "", **scope: Any) -> Binding:
    """`user` holds the role there; on the platform unless told."""
    spec = {
        "role": role_name,
        "users": [user.username],
        "groups": [],
        "scope": scope or PLATFORM,
    }
    wish = Wish(name or f"{user.username}-{role_name}", {}, spec)
    found: Binding = binding_apply(actor=None, wish=wish).row
    return found


def person(name: str, *permissions: str, **scope: Any) -> APIClient:
    """A client of somebody who holds exactly these permissions there."""
    user = User.objects.create_user(name, f"{name}@example.org", "a-long-password")
    if permissions:
        role(f"role-of-{name}", *permissions)
        bind(user, f"role-of-{name}", **scope)
    return client_of(user)


def client_of(user: User) -> APIClient:
    """A client that is logged in as `user`."""
    client = APIClient()
    client.force_authenticate(user)
    return client
