"""Every change of a config item is one revision, one audit entry and one placing.

Shared by what people ask for (services) and by changes that were made in a
cluster (the reconciler): both end here, inside a transaction that holds the
item's row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from fleet.configs import placing
from fleet.configs.bounds import check_project
from fleet.configs.content import Content, changed_keys, check_size, refuse_masks
from fleet.configs.queries import content_of, revision_content
from fleet.configs.secret_types import check_type, check_values
from fleet.configs.storing import seal_revision, spec_of, store_content
from fleet.errors import ConfigItemInvalidError, ConfigItemStateError
from fleet.models import ConfigCopy, ConfigItem, ConfigItemRevision, Operation
from kubecarrier.lib import audit
from kubecarrier.lib.placement import parse_selector

# What decides about a change in a cluster: with another one, each object is looked at again.
_JUDGING = ("propagation", "ignored_keys")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a change was made that a cluster shows: by whom, when, in which copy."""

    author_name: str
    changed_at: datetime
    copy: ConfigCopy


def check(row: ConfigItem, content: Content) -> None:
    """What a machine can know to be wrong before anything is stored; raises InvalidError."""
    if row.is_secret:
        check_type(row.secret_type, field="spec.secretType")
    elif row.secret_type:
        raise ConfigItemInvalidError(
            "secret_type_invalid", "Only a secret has a type.", field="spec.secretType"
        )
    refuse_masks(content.values, field="spec.data")
    check_values(row.secret_type, content.values, field="spec.data")
    for cluster, override in content.overrides.items():
        where = f"spec.placement.overrides.{cluster}"
        refuse_masks(override.values, field=where)
        check_size(content.on(cluster), field=where)
        check_values(row.secret_type, content.on(cluster), field=where)
    if selector := row.placement.get("selector", ""):
        parse_selector("" if selector == "*" else selector, where="spec.placement.selector")


def save(
    row: ConfigItem, content: Content, *, verb: str, origin: Origin | None = None
) -> Operation:
    """Save the spec with these values as the next revision, and place it."""
    check_project(row)
    check(row, content)
    store_content(row, content)
    row.generation += 1
    row.full_clean(exclude=["secret_data"])
    row.save()
    before = row.revisions.order_by("-number").first()
    revision = _revise(row, content, before, origin)
    placing.wake_item([row.pk])
    operation = placing.place(row, revision, verb=verb)
    if before and any(before.spec[column] != getattr(row, column) for column in _JUDGING):
        placing.look_again(row)
    return operation


def _revise(
    row: ConfigItem,
    content: Content,
    before: ConfigItemRevision | None,
    origin: Origin | None,
) -> ConfigItemRevision:
    """The spec as a new revision; the newest one where nothing of it changed (labels, a pause)."""
    old = revision_content(before) if before else Content()
    spec = spec_of(row)
    if before is not None and before.spec == spec and old == content:
        return before
    context = audit.current()
    actor = context.actor() if origin is None else None
    known = getattr(actor, "pk", None) is not None
    revision = ConfigItemRevision(
        item=row,
        number=before.number + 1 if before else 1,
        spec=spec,
        changed=changed_keys(old.values, content.values),
        author=actor if known else None,
        author_name=origin.author_name if origin else (str(actor) if known else "")[:200],
        source=origin.copy if origin else None,
        channel=context.channel,
        reason=context.reason,
        changed_at=origin.changed_at if origin else timezone.now(),
    )
    seal_revision(revision, content)
    revision.save()
    return revision


def refuse_deleted(row: ConfigItem) -> None:
    """Raises ConfigItemStateError `being_deleted`."""
    if row.deletion_requested_at:
        raise ConfigItemStateError("being_deleted", f"“{row.name}” is being deleted.")


def locked(item: ConfigItem) -> ConfigItem:
    """The item's row, held until the transaction ends; raises ConfigItemStateError."""
    row = ConfigItem.objects.select_for_update().get(pk=item.pk)
    refuse_deleted(row)
    return row


def present_content(row: ConfigItem) -> Content:
    """The values that stand in the row now."""
    return content_of(row)
