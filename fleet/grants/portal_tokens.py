"""The tokens of the portal's own account: one Secret each, so that one ends without the others. Pure."""

from __future__ import annotations

import secrets
from typing import Any

from fleet.connection import secret_of
from fleet.grants import portal_account
from fleet.grants.objects import MANAGED_BY, OWNER
from fleet.resource import ObjectRef

Json = dict[str, Any]

__all__ = ["fresh_name", "ref", "secret", "secret_of"]


def fresh_name() -> str:
    """Of a Secret that is not there yet."""
    return f"{portal_account.SECRET}-{secrets.token_hex(4)}"


def ref(name: str) -> ObjectRef:
    """A Secret that a token of the account is in."""
    return ObjectRef("v1", "Secret", portal_account.NAMESPACE, name)


def secret(name: str) -> Json:
    """The Secret that asks the cluster for one more token; deleting it ends that token."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/service-account-token",
        "metadata": {
            "name": name,
            "namespace": portal_account.NAMESPACE,
            "labels": {MANAGED_BY: "kubecarrier"},
            "annotations": {
                OWNER: portal_account.OWNER_MARK,
                "kubernetes.io/service-account.name": portal_account.ACCOUNT,
            },
        },
    }
