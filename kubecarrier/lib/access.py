"""Whether a person may do something: the one question that every edge and service asks.

A permission is `<plural>.<verb>`: `clusters.view`, `applications.rollback`,
`configitems.reveal`. Rows are fetched through `visible_<kind>(user)` first, so
that what is out of scope answers as if it did not exist; this decides what may
be done with what is visible.
"""

from __future__ import annotations

from typing import Any

from kubecarrier.lib import audit
from kubecarrier.lib.audit import may_operate
from kubecarrier.lib.errors import DeniedError


def may(user: Any, permission: str, row: Any = None) -> bool:
    """Whether `user` holds `permission` on `row` (None: on the platform)."""
    return may_operate(user)


def require(user: Any, permission: str, row: Any = None) -> None:
    """Raises DeniedError unless `user` may."""
    if not may(user, permission, row):
        audit.denied(permission, row)
        raise DeniedError(
            "permission_denied", f"You may not do this: it needs {permission}.", needs=permission
        )
