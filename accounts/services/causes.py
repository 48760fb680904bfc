"""Who last asked for something on a row: the cause of what a reconciler does with it."""

from __future__ import annotations

from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import models

from accounts.models import AuditEntry
from kubecarrier.lib.causes import Cause


def last_person(model: type[models.Model], pk: Any) -> Cause | None:
    """The actor of the row's latest entry that has one."""
    found = (
        AuditEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(model),
            object_pk=str(pk),
            actor__isnull=False,
        )
        .exclude(result="denied")
        .select_related("actor")
        .order_by("-timestamp", "-pk")
        .first()
    )
    return Cause(found.actor, found.request_id, found.reason) if found and found.actor else None
