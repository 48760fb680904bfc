"""Config items: save, set single keys, roll back, reveal, pause, adopt, delete.

Every change of the spec is one immutable revision, one audit entry and one
placing of its copies, in one transaction. The reconcilers are only woken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from fleet.choices import PrunePolicy
from fleet.configs import placing
from fleet.configs.content import Content, Override, Values, as_document, of_document
from fleet.configs.queries import content_of, revision_content
from fleet.configs.revising import locked, refuse_deleted, save
from fleet.configs.secret_types import OPAQUE
from fleet.configs.storing import REVISION_COLUMNS
from fleet.errors import ConfigItemInvalidError, ConfigItemStateError
from fleet.models import ConfigItem, Operation, Project
from fleet.projects.bounds import project_for
from kubecarrier.lib import access, audit, whereabouts
from kubecarrier.lib.access import require
from kubecarrier.lib.manifests import Applied, Result, Wish

Json = dict[str, Any]
_IDENTITY = ("object_kind", "secret_type", "object_name")


def configitem_apply(*, actor: Any, wish: Wish) -> Applied:
    """Create or update a config item from a document.

    Raises ConfigItemInvalidError, ConfigItemStateError and InvalidError of its values.
    """
    spec = _normal(wish.name, wish.spec)
    with transaction.atomic():
        row = ConfigItem.objects.select_for_update().filter(name=wish.name).first()
        fresh = row is None
        row = row or ConfigItem(name=wish.name, generation=0)
        verb = "configitems.create" if fresh else "configitems.edit"
        if fresh:
            access.require_somewhere(actor, verb)
        else:
            require(actor, verb, row)
            wish.check(row)
            refuse_deleted(row)
            _refuse_moved(row, spec)
        before = content_of(row) if not fresh else Content()
        content = _content(spec, before, secret=spec["object_kind"] == "Secret")
        if not fresh:
            _refuse_immutable(row, spec, before, content)
        project = project_for(actor=actor, wish=wish, row=row, plural="configitems")
        changed = _assign(row, project, wish.labels, spec) or before != content
        if not fresh and not changed:
            return Applied(row, Result.UNCHANGED)
        save(row, content, verb="apply")
        access.require_reach(actor, verb, row)
    return Applied(row, Result.CREATED if fresh else Result.CONFIGURED)


def configitem_set(
    *,
    actor: Any,
    item: ConfigItem,
    data: Mapping[str, str],
    binary: Mapping[str, str],
    unset: list[str],
    cluster: str = "",
) -> tuple[ConfigItem, Operation]:
    """Change single keys, everywhere or on one cluster, and leave the others alone."""
    require(actor, "configitems.edit", item)
    changes: dict[str, bytes | None] = dict(of_document(data, binary, field="data"))
    changes |= dict.fromkeys(unset)
    with transaction.atomic():
        row = locked(item)
        before = content_of(row)
        if missing := [key for key in unset if key not in before.on(cluster)]:
            raise ConfigItemInvalidError(
                "key_not_found", f"“{row.name}” has no key “{missing[0][:80]}”.", field="unset"
            )
        if cluster:
            _living(row, cluster)
            content = before.pinned(cluster, changes)
        else:
            values = {k: v for k, v in {**before.values, **changes}.items() if v is not None}
            content = Content(values, before.overrides)
        _refuse_immutable(row, {"immutable": row.immutable}, before, content)
        return row, save(row, content, verb="set")


def configitem_rollback(
    *, actor: Any, item: ConfigItem, number: int
) -> tuple[ConfigItem, Operation]:
    """Become revision `number` again, as a new revision."""
    require(actor, "configitems.rollback", item)
    revision = item.revisions.filter(number=number).first()
    if revision is None:
        raise ConfigItemInvalidError(
            "revision_not_found", f"There is no revision {number}.", field="revision"
        )
    with transaction.atomic():
        row = locked(item)
        before, content = content_of(row), revision_content(revision)
        _refuse_immutable(row, {"immutable": revision.spec["immutable"]}, before, content)
        for column in REVISION_COLUMNS:
            setattr(row, column, revision.spec[column])
        with audit.worded(f"Rolled back to revision {number}."):
            return row, save(row, content, verb="rollback")


def configitem_reveal(
    *, actor: Any, item: ConfigItem, keys: list[str], cluster: str = "", number: int = 0
) -> dict[str, dict[str, str]]:
    """The values in clear, on record; `number` is a revision's, 0 the present one."""
    require(actor, "configitems.reveal", item)
    content = content_of(item)
    if number:
        revision = item.revisions.filter(number=number).first()
        if revision is None:
            raise ConfigItemInvalidError(
                "revision_not_found", f"There is no revision {number}.", field="revision"
            )
        content = revision_content(revision)
    values: Values = content.on(cluster) if cluster else content.values
    if missing := sorted(set(keys) - set(values)):
        raise ConfigItemInvalidError(
            "key_not_found", f"“{item.name}” has no key “{missing[0][:80]}”.", field="keys"
        )
    chosen = {key: values[key] for key in keys or values}
    said, place = f"Keys: {', '.join(sorted(chosen))}", whereabouts.place_of(item)
    audit.event("secret-revealed", item, said=said, place=place)
    data, binary = as_document(chosen)
    return {"data": data, "binaryData": binary}


def configitem_suspend(*, actor: Any, item: ConfigItem, suspended: bool) -> ConfigItem:
    """Pause or resume: nothing is written, corrected or deleted while paused."""
    require(actor, "configitems.suspend", item)
    with transaction.atomic():
        row = locked(item)
        if row.suspended != suspended:
            row.suspended = suspended
            row.generation += 1
            row.save()
            placing.suspend(row)
            placing.wake_item([row.pk])
    return row


def configitem_adopt(
    *, actor: Any, item: ConfigItem, cluster: str = "", namespace: str = ""
) -> tuple[ConfigItem, Operation]:
    """Take over objects of the same name that are in the clusters already."""
    require(actor, "configitems.adopt", item)
    with transaction.atomic():
        row = locked(item)
        return row, placing.adopt(row, cluster=cluster, namespace=namespace)


def configitem_delete(*, actor: Any, row: ConfigItem, keep_objects: bool | None = None) -> None:
    """Delete from every cluster; `keep_objects` leaves each object in place, without our marks."""
    require(actor, "configitems.delete", row)
    with transaction.atomic():
        item = ConfigItem.objects.select_for_update().get(pk=row.pk)
        keep = item.prune == PrunePolicy.KEEP if keep_objects is None else keep_objects
        item.deletion_requested_at = item.deletion_requested_at or timezone.now()
        item.suspended = False
        item.generation += 1
        item.save()
        placing.delete(item, keep=keep)
        row.deletion_requested_at = item.deletion_requested_at


# --- inside ------------------------------------------------------------------------------------


def _normal(name: str, given: Json) -> Json:
    """The spec with its defaults: the object is called like the item."""
    spec = dict(given)
    spec["object_name"] = spec.get("object_name") or name
    if spec["object_kind"] == "Secret":
        spec["secret_type"] = spec.get("secret_type") or OPAQUE
    spec.pop("keys", None)
    return spec


def _content(spec: Json, before: Content, *, secret: bool) -> Content:
    """Take the values out of the spec; a secret's that are not given stay as they are."""
    data, binary = spec.pop("data", None), spec.pop("binary_data", None)
    kept = secret and data is None and binary is None
    values = before.values if kept else of_document(data or {}, binary or {}, field="spec.data")
    placement = dict(spec["placement"])
    overrides = {
        cluster: _override(cluster, override, before, secret=secret)
        for cluster, override in placement.pop("overrides", {}).items()
    }
    spec["placement"] = placement
    used = {name: o for name, o in overrides.items() if o.values or o.remove}
    return Content(values, used)


def _override(cluster: str, given: Json, before: Content, *, secret: bool) -> Override:
    where = f"spec.placement.overrides.{cluster}"
    data, binary = given.get("data"), given.get("binaryData")
    if secret and data is None and binary is None:
        values = before.overrides.get(cluster, Override()).values
    else:
        values = of_document(data or {}, binary or {}, field=where)
    return Override(values, frozenset(given.get("remove") or ()))


def _assign(row: ConfigItem, project: Project | None, labels: dict[str, str], spec: Json) -> bool:
    """Put the spec on the row; whether anything really changed. Overrides come with the values."""
    changed = row._state.adding or row.labels != labels or row.project != project
    row.labels, row.project = labels, project
    placement = spec["placement"]
    changed |= any(row.placement.get(key) != value for key, value in placement.items())
    row.placement = {**row.placement, **placement}
    for column, value in spec.items():
        if column != "placement":
            changed |= getattr(row, column) != value
            setattr(row, column, value)
    return changed


def _refuse_moved(row: ConfigItem, spec: Json) -> None:
    for column in _IDENTITY:
        if spec.get(column, "") != getattr(row, column):
            raise ConfigItemInvalidError(
                "identity_immutable",
                "Type and name of the object cannot be changed.",
                field=f"spec.{_FIELDS[column]}",
                hint="Create another config item and delete this one.",
            )


_FIELDS = {"object_kind": "type", "secret_type": "secretType", "object_name": "objectName"}


def _refuse_immutable(row: ConfigItem, spec: Json, before: Content, content: Content) -> None:
    """As in Kubernetes; an explicit `immutable: false` has the objects replaced."""
    if row.immutable and spec["immutable"] and before != content:
        raise ConfigItemStateError(
            "item_immutable",
            f"“{row.name}” is immutable: its values cannot be changed.",
            field="spec.data",
            hint="Set immutable to false: the objects are then deleted and made anew.",
        )


def _living(row: ConfigItem, cluster: str) -> None:
    if not row.copies.filter(cluster__name=cluster, deletion_requested_at=None).exists():
        raise ConfigItemInvalidError(
            "copy_not_found",
            f"“{row.name}” is not on the cluster “{cluster[:60]}”.",
            field="cluster",
        )
