"""How something ended that an entry says began: with the same object, at the same place."""

from __future__ import annotations

from django.contrib.contenttypes.models import ContentType
from django.db import models

from accounts.models import AuditEntry
from kubecarrier.lib.audit import Outcome
from kubecarrier.lib.whereabouts import Place


def began(event: str, model: type[models.Model], pk: object, request_id: str) -> AuditEntry | None:
    """The newest entry of that event on a row, of that request; the row may be gone."""
    rows: models.QuerySet[AuditEntry] = AuditEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(model),
        object_pk=str(pk),
        event=event,
        request_id=request_id,
    )
    return rows.order_by("-timestamp", "-pk").first()


def ended(beginning: AuditEntry, event: str, *, said: str, result: Outcome) -> None:
    """Record the end, by whoever acts now."""
    entry = AuditEntry(
        content_type_id=beginning.content_type_id,
        object_pk=beginning.object_pk,
        object_repr=beginning.object_repr,
        action=AuditEntry.Action.ACCESS,
        event=event,
        changes_text=said[:500],
        result=result.value,
    )
    entry.place = Place(
        cluster=beginning.cluster,
        cluster_id=beginning.cluster_uid,
        project=beginning.project,
        project_id=beginning.project_uid,
        namespace=beginning.namespace,
    )
    entry.save()
