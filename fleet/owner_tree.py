"""What an object belongs to and what belongs to it, from the inventory's rows."""

from __future__ import annotations

from dataclasses import dataclass, field

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
    level = {top.uid: root}
    left = _CHILDREN
    for _depth in range(_DOWN):
        if not level or left <= 0:
            break
        found = list(_owned_by_any(row, list(level))[: left + 1])
        if len(found) > left:
            root.more, found = True, found[:left]
        left -= len(found)
        below: dict[str, Branch] = {}
        for child in found:
            branch = Branch(child, here=child.pk == row.pk)
            level[child.owner_uid].branches.append(branch)
            below[child.uid] = branch
        level = below
    return root if root.branches or not root.here else None


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


def _owned_by_any(row: InventoryObject, uids: list[str]) -> QuerySet[InventoryObject]:
    owned = InventoryObject.objects.filter(cluster_id=row.cluster_id, owner_uid__in=uids)
    return owned.defer("text").order_by("kind", "name")
