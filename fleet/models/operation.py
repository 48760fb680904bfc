"""Operations: what people asked for, and how far it is."""

from __future__ import annotations

import uuid
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.choices import TargetState
from kubecarrier.lib.audit import GuardedManager
from kubecarrier.lib.spec import NAME_MAX_LENGTH

# `item.cluster.namespace`, the longest name of a target.
_TARGET_NAME_LENGTH = 2 * NAME_MAX_LENGTH + 63 + 2


class Operation(models.Model):
    """Something a person asked for that takes time: a record and a progress bar, never the truth."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    verb = models.CharField(_("operation"), max_length=40)
    kind = models.CharField(_("kind"), max_length=40)
    object_id = models.UUIDField(db_index=True)
    object_name = models.CharField(_("object"), max_length=2 * NAME_MAX_LENGTH + 1)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    channel = models.CharField(max_length=12)
    request_id = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(_("started"), auto_now_add=True, db_index=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    class Meta:
        verbose_name = _("operation")
        verbose_name_plural = _("operations")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.verb} {self.object_name}"


class OperationTarget(models.Model):
    """One target row of an operation; done when the row observed `generation`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="targets")
    target_id = models.UUIDField(db_index=True)
    name = models.CharField(max_length=_TARGET_NAME_LENGTH)
    generation = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=TargetState.choices, default=TargetState.RUNNING)
    message = models.TextField(blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"
