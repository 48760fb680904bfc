"""The columns that every reconciled row shares: spec and status, kept apart.

Services write spec (audited, `generation` + 1 when it really changed);
reconcilers write status, through `kubecarrier.lib.lease.record` only. Nobody
else writes either: that is the Kubernetes contract in Django columns.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, ClassVar, Self

from django.core.validators import MaxLengthValidator, RegexValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from kubecarrier.lib.audit import GuardedManager
from kubecarrier.lib.conditions import READY, Status

# RFC 1123 label: the form of a Kubernetes namespace, and of our names, so that
# `<application>.<cluster>` can be taken apart again.
NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
NAME_MAX_LENGTH = 53  # Helm's limit for a release name

name_validators: list[Callable[[Any], None]] = [
    RegexValidator(
        NAME_PATTERN,
        message=_(
            "Use lower-case letters, digits and '-', beginning and ending with one of the former two."
        ),
        code="name_invalid",
    ),
    MaxLengthValidator(NAME_MAX_LENGTH),
]


class ReadyState(models.TextChoices):
    """The indexed copy of the `Ready` condition, so that lists filter in SQL."""

    TRUE = Status.TRUE.value, _("Ready")
    FALSE = Status.FALSE.value, _("Not ready")
    UNKNOWN = Status.UNKNOWN.value, _("Unknown")


# What a reconciler may write. Everything else on a row is spec.
STATUS_COLUMNS = frozenset(
    {
        "conditions",
        "ready",
        "observed_generation",
        "next_reconcile_at",
        "lease_token",
        "lease_expires_at",
        "failures",
        "finalizers",
        "updated_at",
    }
)


class ReconciledModel(models.Model):
    """A row with a desired state, an observed state and a lease on the work between."""

    # What a subclass adds to STATUS_COLUMNS.
    status_columns: ClassVar[frozenset[str]] = frozenset()

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    generation = models.PositiveIntegerField(_("generation"), default=1, editable=False)
    suspended = models.BooleanField(
        _("paused"), default=False, help_text=_("Paused: nothing is changed until it is resumed.")
    )
    deletion_requested_at = models.DateTimeField(null=True, blank=True, editable=False)
    finalizers = models.JSONField(default=list, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    conditions = models.JSONField(default=dict, blank=True, editable=False)
    ready = models.CharField(
        _("ready"),
        max_length=8,
        choices=ReadyState.choices,
        default=ReadyState.UNKNOWN,
        db_index=True,
        editable=False,
    )
    observed_generation = models.PositiveIntegerField(default=0, editable=False)
    next_reconcile_at = models.DateTimeField(
        null=True, blank=True, db_default=Now(), db_index=True, editable=False
    )
    lease_token = models.PositiveBigIntegerField(default=0, editable=False)
    lease_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    class Meta:
        abstract = True

    @classmethod
    def all_status_columns(cls) -> frozenset[str]:
        """Every column of this model that a reconciler writes."""
        return STATUS_COLUMNS | cls.status_columns

    def condition(self, name: str) -> dict[str, Any]:
        """The stored condition of that type, or `{}`."""
        return dict(self.conditions.get(name) or {})

    @property
    def ready_message(self) -> str:
        """Why the row is ready or not, in one sentence."""
        return str(self.condition(READY).get("message", ""))


class SpecModel(ReconciledModel):
    """A kind that people name and edit."""

    name = models.CharField(
        _("name"), max_length=NAME_MAX_LENGTH, unique=True, validators=name_validators
    )
    labels = models.JSONField(
        _("labels"), default=dict, blank=True, help_text=_("Key and value pairs for selectors.")
    )
    description = models.TextField(_("description"), blank=True, max_length=2000)

    class Meta(ReconciledModel.Meta):
        abstract = True

    def __str__(self) -> str:
        return self.name


class TargetModel(ReconciledModel):
    """One placed kind on one cluster: the unit of reconciling, waves and retry.

    Its spec columns are derived from the placed kind by a service, therefore
    they are not audited themselves.
    """

    class Meta(ReconciledModel.Meta):
        abstract = True
