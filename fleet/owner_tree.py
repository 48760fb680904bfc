"""What an object belongs to and what belongs to it, from the inventory's rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from fleet.models import InventoryObject

_UP = 6
_DOWN = 4
_CHILDREN = 200


@dataclass(slots=True)
class Branch:
    """An object with what it owns; `more` says that not all are shown."""

    row: InventoryObject
    here: bool = False
    branches: list[Branch] = field(default_factory=list)
    more: bool = False


def tree_of(row: InventoryObject) -> Branch | None:
    """From the topmost known owner down: one query per level; None where there is nothing to show."""
    top = _topmost(row)
    root = Branch(top, here=top.pk == row.pk)
    grow([root], row.cluster_id, here=row.pk)
    return root if root.branches or not root.here else None


def grow(roots: list[Branch], cluster: Any, *, here: Any = None) -> None:
    """Everything below the roots, up to a limit over all of them."""
    level = {root.row.uid: root for root in roots}
    left = _CHILDREN
    for _depth in range(_DOWN):
        if not level or left <= 0:
            break
        found = list(_owned_by_any(cluster, list(level))[: left + 1])
        if len(found) > left:
            found = found[:left]
            for root in roots:
                root.more = True
        left -= len(found)
        below: dict[str, Branch] = {}
        for child in found:
            branch = Branch(child, here=child.pk == here)
            level[child.owner_uid].branches.append(branch)
            below[child.uid] = branch
        level = below


def _topmost(row: InventoryObject) -> InventoryObject:
    top = row
    for _step in range(_UP):
        if not top.owner_uid:
            break
        owners = InventoryObject.objects.filter(cluster_id=row.cluster_id, uid=top.owner_uid)
        owner = owners.defer("text").first()
        if owner is None or owner.pk == row.pk:
            break
        top = owner
    return top


def _owned_by_any(cluster: Any, uids: list[str]) -> QuerySet[InventoryObject]:
    owned = InventoryObject.objects.filter(cluster_id=cluster, owner_uid__in=uids)
    return owned.defer("text").order_by("kind", "name")
