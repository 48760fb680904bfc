"""Config copies: a config item in one namespace of one cluster."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.choices import ConfigKind
from fleet.models.cluster import Cluster
from fleet.models.config_item import ConfigItem, ConfigItemRevision
from kubecarrier.lib.spec import NAME_MAX_LENGTH, TargetModel

COPY_NAME_LENGTH = 2 * NAME_MAX_LENGTH + 63 + 2


class ConfigCopy(TargetModel):
    """One object in one cluster; derived from its item, brought about by the reconciler.

    `uid` and `resource_version` are those of the object as we last wrote or saw
    it; `watch_version` is the other version that the watch saw ("" none). Where
    the two agree nothing happened there that is not known.
    `decided_version` is a state in the cluster that may be overwritten, because
    what stood there is in the inbox. `corrections` are the times of the last ones.
    """

    status_columns: ClassVar[frozenset[str]] = frozenset(
        {
            "applied_digest",
            "applied_revision",
            "uid",
            "resource_version",
            "watch_version",
            "corrections",
            "changed_by",
            "seen_at",
            "verified_at",
        }
    )

    item = models.ForeignKey(ConfigItem, on_delete=models.CASCADE, related_name="copies")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="config_copies")
    name = models.CharField(
        _("name"),
        max_length=COPY_NAME_LENGTH,
        unique=True,
        help_text=_("item.cluster.namespace"),
    )
    namespace = models.CharField(_("namespace"), max_length=63)
    object_kind = models.CharField(max_length=9, choices=ConfigKind.choices)
    object_name = models.CharField(max_length=253)
    revision = models.ForeignKey(
        ConfigItemRevision, on_delete=models.PROTECT, related_name="+", verbose_name=_("revision")
    )
    desired_digest = models.CharField(max_length=32)
    adopt = models.BooleanField(default=False)
    keep_object = models.BooleanField(default=False)
    decided_version = models.CharField(max_length=40, blank=True)

    applied_digest = models.CharField(max_length=32, blank=True, editable=False)
    applied_revision = models.PositiveIntegerField(_("applied revision"), default=0, editable=False)
    uid = models.CharField(max_length=40, blank=True, editable=False)
    resource_version = models.CharField(max_length=40, blank=True, editable=False)
    watch_version = models.CharField(max_length=40, blank=True, editable=False)
    corrections = models.JSONField(default=list, editable=False)
    changed_by = models.CharField(_("changed by"), max_length=128, blank=True, editable=False)
    seen_at = models.DateTimeField(_("seen at"), null=True, editable=False)
    verified_at = models.DateTimeField(null=True, editable=False)

    class Meta(TargetModel.Meta):
        abstract = False
        verbose_name = _("config copy")
        verbose_name_plural = _("config copies")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "namespace", "object_kind", "object_name"],
                name="configcopy_object_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name
