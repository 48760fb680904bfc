"""Config items: one ConfigMap or Secret, kept the same on many clusters."""

from __future__ import annotations

import uuid
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.choices import ConfigKind, Propagation, PrunePolicy
from fleet.models.project import Project
from kubecarrier.lib.audit import GuardedManager
from kubecarrier.lib.crypto import SealedField
from kubecarrier.lib.placement import Placement
from kubecarrier.lib.spec import SpecModel

_OBJECT_NAME_LENGTH = 253


class ConfigItem(SpecModel):
    """A ConfigMap or Secret with its values, placed on clusters and namespaces.

    A config map's values stand in `data` (text) and `binary_data` (base64), and
    in `placement.overrides.<cluster>`; a secret's stand sealed in `secret_data`
    (`fleet.configs.content.packed`), and only its key names are readable:
    `keys`, `placement.overrides.<cluster>.keys`. `restart` is `[{"kind",
    "name"}]`, workloads of the same namespaces.
    """

    project = models.ForeignKey(
        Project,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="config_items",
        verbose_name=_("project"),
    )
    object_kind = models.CharField(
        _("type"), max_length=9, choices=ConfigKind.choices, default=ConfigKind.CONFIG_MAP
    )
    secret_type = models.CharField(_("type of the secret"), max_length=253, blank=True)
    object_name = models.CharField(_("name in the clusters"), max_length=_OBJECT_NAME_LENGTH)
    namespaces = models.JSONField(_("namespaces"), default=list)
    data = models.JSONField(_("data"), default=dict, blank=True)
    binary_data = models.JSONField(_("binary data"), default=dict, blank=True)
    keys = models.JSONField(_("keys"), default=list, blank=True, editable=False)
    secret_data = SealedField()
    placement = models.JSONField(_("placement"), default=dict, blank=True)
    immutable = models.BooleanField(
        _("immutable"),
        default=False,
        help_text=_("The objects cannot be changed in the clusters, and their values not here."),
    )
    prune = models.CharField(
        _("when no longer wanted"),
        max_length=6,
        choices=PrunePolicy.choices,
        default=PrunePolicy.DELETE,
    )
    propagation = models.CharField(
        _("changes made in a cluster"),
        max_length=7,
        choices=Propagation.choices,
        default=Propagation.ONE_WAY,
    )
    adopt = models.BooleanField(
        _("adopt existing objects"),
        default=False,
        help_text=_("Take over objects of the same name that are there already."),
    )
    restart = models.JSONField(_("restart"), default=list, blank=True)
    ignored_keys = models.JSONField(_("ignored keys"), default=list, blank=True)
    certificate_expires_at = models.DateTimeField(
        _("certificate expires"), null=True, editable=False
    )

    # Its copies counted, where a list has them (fleet.configs.queries.attach_copies).
    counts: dict[str, int] | None = None

    class Meta(SpecModel.Meta):
        abstract = False
        verbose_name = _("config item")
        verbose_name_plural = _("config items")
        ordering = ["name"]

    @property
    def placed(self) -> Placement:
        """Where it is."""
        return Placement.of(self.placement)

    @property
    def is_secret(self) -> bool:
        """Whether its values are never shown."""
        return self.object_kind == ConfigKind.SECRET


class ConfigItemRevision(models.Model):
    """One saved spec of a config item, immutable.

    `spec` is by column, without secret values; those are in `secret_data`, sealed.
    `author_name` is a user's name, or the field manager and cluster of a change
    that was taken over; `changed_at` is when it was made, by the server's clock there.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    item = models.ForeignKey(ConfigItem, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField(_("revision"))
    spec = models.JSONField()
    secret_data = SealedField()
    changed = models.JSONField(default=dict)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    author_name = models.CharField(_("author"), max_length=200, blank=True)
    source = models.ForeignKey(
        "fleet.ConfigCopy", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    channel = models.CharField(max_length=12)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    changed_at = models.DateTimeField()
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["item", "number"], name="configitemrevision_once")
        ]

    def __str__(self) -> str:
        return f"#{self.number}"
