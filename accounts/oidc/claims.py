"""What claims say of a person. Pure, and tolerant of every shape."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from accounts.oidc.errors import OidcError

MAX_GROUPS = 2000
_BAD_IN_NAMES = re.compile(r"[^\w.@+-]", re.UNICODE)


def groups(claims: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """The groups under every name that is there; raises OidcError when the provider left them out."""
    found: set[str] = set()
    elsewhere = claims.get("_claim_names")
    for name in names:
        found |= set(_texts(_at(claims, name)))
        if isinstance(elsewhere, Mapping) and name in elsewhere:
            raise OidcError(
                "oidc_groups_overage",
                "The provider did not send the groups: they are too many.",
                hint="Let it send only those assigned to the application.",
            )
    return sorted(found)[:MAX_GROUPS]


def has_groups(claims: Mapping[str, Any], names: Iterable[str]) -> bool:
    """Whether any of the names is there, be it empty."""
    return any(_at(claims, name) is not None for name in names)


def username(claims: Mapping[str, Any], name: str) -> str:
    """A name that Django accepts; raises OidcError."""
    for key in (name, "email", "sub"):
        value = _at(claims, key)
        if isinstance(value, str) and (text := _BAD_IN_NAMES.sub("-", value.strip())[:150]):
            return text
    raise OidcError("oidc_no_name", "The provider sent no name.")


def text(claims: Mapping[str, Any], name: str, length: int) -> str:
    """A claim as a line of text, "" when it is anything else."""
    value = claims.get(name)
    return " ".join(value.replace("\0", "").split())[:length] if isinstance(value, str) else ""


def _at(claims: Mapping[str, Any], name: str) -> Any:
    """By the whole name first: it may hold dots itself (`https://example.org/groups`)."""
    if name in claims:
        return claims[name]
    place: Any = claims
    for step in name.split("."):
        if not isinstance(place, Mapping) or step not in place:
            return None
        place = place[step]
    return place


def _texts(value: Any) -> list[str]:
    """A text, a list of texts, or Keycloak's list of objects with a name."""
    if isinstance(value, str):
        return [value] if value and "\0" not in value else []
    if isinstance(value, Mapping):
        return _texts(value.get("name"))
    if isinstance(value, list):
        return [one for item in value for one in _texts(item) if not isinstance(item, list)]
    return []
