"""What a token narrows its owner's rights to.

A scope is a permission (`clusters.view`, `applications.rollback`) or
`read-only` (every `view`). No scope at all means: whatever the owner may. The
token stays on the user object that authentication made (`user.token_scopes`),
so that the evaluator of permissions asks `allows` wherever the question comes
from, at each use: a scope never gives what its owner has lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from kubecarrier.lib.errors import DeniedError, InvalidError
from kubecarrier.lib.manifests import kinds

READ_ONLY = "read-only"
MAX_SCOPES = 100
#: What is no kind and has permissions all the same.
_BESIDE_KINDS = frozenset({"accessreviews", "metrics", "resources", "sessions"})
_FORM = re.compile(r"([a-z]{2,40})\.([a-z]{2,40}|\*)")


def allows(user: Any, permission: str) -> bool:
    """Whether the token that `user` came with, if any, lets this permission through."""
    return within(getattr(user, "token_scopes", None), permission)


def within(scopes: Iterable[str] | None, permission: str) -> bool:
    """Whether `scopes` (None: not narrowed) hold the permission."""
    if scopes is None:
        return True
    held = set(scopes)
    plural, _, verb = permission.partition(".")
    if permission in held or f"{plural}.*" in held:
        return True
    return verb == "view" and READ_ONLY in held


def require_scope(user: Any, permission: str) -> None:
    """Raises DeniedError `scope_missing`."""
    if not allows(user, permission):
        raise DeniedError(
            "scope_missing",
            f"This token is not meant for that: it lacks {permission}.",
            needs=permission,
        )


def checked(scopes: Iterable[str]) -> list[str]:
    """The scopes sorted and without repetition; raises InvalidError."""
    found = sorted(set(scopes))
    if len(found) > MAX_SCOPES:
        raise InvalidError("scopes_too_many", f"At most {MAX_SCOPES} scopes.", field="scopes")
    known = {kind.plural for kind in kinds()} | _BESIDE_KINDS
    for scope in found:
        form = _FORM.fullmatch(scope)
        if scope != READ_ONLY and (form is None or form[1] not in known):
            raise InvalidError(
                "scope_unknown",
                f"“{scope[:80]}” is no scope.",
                field="scopes",
                hint=f"Write {READ_ONLY}, or kind and verb such as clusters.view or releases.*.",
            )
    return found


def require_narrower(user: Any, wanted: list[str]) -> None:
    """A token cannot make a token that may more than itself; raises DeniedError."""
    held = getattr(user, "token_scopes", None)
    if held is None:
        return
    if not wanted:
        raise DeniedError(
            "scope_exceeded", "A token with scopes makes tokens with scopes.", field="scopes"
        )
    for scope in wanted:
        if not _covered(set(held), scope):
            raise DeniedError(
                "scope_exceeded", f"This token does not hold {scope} itself.", field="scopes"
            )


def _covered(held: set[str], scope: str) -> bool:
    if scope in held:
        return True
    return not scope.endswith(".*") and scope != READ_ONLY and within(held, scope)
