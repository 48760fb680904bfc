"""The inventory over REST: found and read, never written."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import Q, QuerySet
from rest_framework.request import Request

from fleet.api import kinds
from fleet.queries import attach_freshness, kinds_named
from kubecarrier.api.views import DocumentViewSet
from kubecarrier.lib.errors import InvalidError

_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class InventoryViewSet(DocumentViewSet):
    """Objects of every cluster; one is named by its uid, or by its name and filters."""

    kind = kinds.INVENTORY
    http_method_names = ["get", "head", "options"]

    def narrowed(self, rows: QuerySet[Any], parameter: str, value: str) -> QuerySet[Any]:
        if parameter == "kind":
            return rows.filter(_of_kind(value))
        if parameter == "owner" and not _UID.fullmatch(value):
            return rows.filter(_of_owner(value))
        return super().narrowed(rows, parameter, value)

    def named(self, rows: QuerySet[Any], name: str) -> QuerySet[Any]:
        return rows.filter(uid=name) if _UID.fullmatch(name) else rows.filter(name=name)

    def fetch(self, request: Request, name: str) -> Any:
        row = super().fetch(request, name)
        attach_freshness([row])
        return row


def _of_kind(text: str) -> Q:
    """As kubectl names kinds: `deploy`, `deployments.apps`, `Deployment`; raises InvalidError."""
    found = kinds_named(text)
    if not found:
        raise InvalidError(
            "kind_unknown",
            f"No cluster serves a kind “{text[:80]}”.",
            field="kind",
            hint="resourcetypes lists what is served.",
        )
    if len(found) == 1:
        return Q(kind=found[0][1]) & Q(group=found[0][0])
    return Q(kind__in={kind for _, kind in found}) & Q(group__in={group for group, _ in found})


def _of_owner(text: str) -> Q:
    """`Kind/name` or a name."""
    kind, slash, name = text.partition("/")
    return Q(owner_kind__iexact=kind, owner_name=name) if slash else Q(owner_name=text)
