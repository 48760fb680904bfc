"""Config conflicts: the four decisions on a change that was made in a cluster."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from fleet.choices import CONFIG_TASK, ConflictCause, ConflictChoice
from fleet.configs import placing
from fleet.configs.changes import decide
from fleet.configs.content import Content, refuse_masks
from fleet.configs.queries import content_of, found_of
from fleet.configs.revising import locked, save
from fleet.errors import ConfigItemStateError
from fleet.models import ConfigConflict, ConfigItem
from kubecarrier.lib import audit
from kubecarrier.lib.access import require
from kubecarrier.lib.tasks import wake_on_commit


def configconflict_resolve(
    *, actor: Any, conflict: ConfigConflict, choice: ConflictChoice
) -> ConfigConflict:
    """Decide; raises ConfigItemStateError `conflict_resolved`, and what a save raises."""
    require(actor, "configitems.edit", conflict.item)
    with transaction.atomic():
        row = ConfigConflict.objects.select_for_update().get(pk=conflict.pk)
        if not row.open:
            raise ConfigItemStateError(
                "conflict_resolved", "This has been decided already.", choice=row.choice
            )
        item = locked(row.item)
        _act(row, item, choice)
        row.open, row.choice, row.resolved_at = False, choice.value, timezone.now()
        row.resolved_by = actor if getattr(actor, "pk", None) else None
        row.save()
        placing.wake_item([item.pk])
    return row


def _act(row: ConfigConflict, item: ConfigItem, choice: ConflictChoice) -> None:
    copy, found = row.copy, found_of(row)
    refuse_masks({k: v for k, v in found.items() if v is not None}, field="choice")
    content, cluster = content_of(item), copy.cluster.name
    said = f"{choice.label} ({', '.join(row.keys[:5])}; {row.author_name})"
    with audit.worded(said):
        match choice:
            case ConflictChoice.ADOPT:
                save(item, _everywhere(content, cluster, found), verb="adopt change")
            case ConflictChoice.PIN:
                save(item, content.pinned(cluster, found), verb="pin change")
            case ConflictChoice.IGNORE:
                item.ignored_keys = sorted({*item.ignored_keys, *row.keys})
                save(item, content, verb="ignore keys")
            case ConflictChoice.REVERT:
                pass
    if row.cause == ConflictCause.WAITING:
        decide(copy, row.resource_version)
        wake_on_commit(CONFIG_TASK)


def _everywhere(content: Content, cluster: str, found: dict[str, bytes | None]) -> Content:
    """The change for all clusters; this one follows them with these keys from now on."""
    override = content.overrides.get(cluster)
    if override is not None:
        kept = {k: v for k, v in override.values.items() if k not in found}
        rest = type(override)(kept, override.remove - set(found))
        content = Content(content.values, {**content.overrides, cluster: rest})
    values = {k: v for k, v in {**content.values, **found}.items() if v is not None}
    return Content(values, content.overrides)
