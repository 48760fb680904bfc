"""What is in the clusters: one row per object of the chosen kinds, and how each kind is watched."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.models.cluster import Cluster
from kubecarrier.lib.audit import GuardedManager

# A stream is heard of at least this often while it works (fleet.watch: a watch ends after 45 s,
# its state is written every 15 s); beyond, what it told may have changed unseen.
FRESH = timedelta(seconds=75)


class InventoryKind(models.Model):
    """One kind that is watched in one cluster: since when, how well, and what is wrong with it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="inventory_kinds")
    group = models.CharField(_("group"), max_length=253, blank=True)
    version = models.CharField(_("version"), max_length=63)
    kind = models.CharField(_("kind"), max_length=63)
    listed_at = models.DateTimeField(_("listed"), null=True)  # the last complete list
    heard_at = models.DateTimeField(_("heard of"), null=True)  # when the stream last worked
    error_code = models.CharField(max_length=64, blank=True)
    error_message = models.CharField(max_length=500, blank=True)

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    class Meta:
        verbose_name = _("watched kind")
        verbose_name_plural = _("watched kinds")
        constraints = [
            models.UniqueConstraint(fields=["cluster", "group", "kind"], name="inventory_kind_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.group}".strip()

    @property
    def is_stale(self) -> bool:
        """Whether what it told may be old: nobody watches, or the watch is broken."""
        heard = self.heard_at is not None and timezone.now() - self.heard_at < FRESH
        return not heard or bool(self.error_code) or self.listed_at is None


class InventoryObject(models.Model):
    """One object as its watch last told it; never its whole, never a value of a Secret.

    The key is a number, not a UUID: the text index of SQLite is tied to it, and
    a hundred thousand rows are written in the order of their keys. `uid` is the
    object's own and what documents show. `columns` are the kind's status
    columns, small. `text` is what the search looks in, in lower case.
    """

    id = models.BigAutoField(primary_key=True)
    cluster = models.ForeignKey(
        Cluster, on_delete=models.CASCADE, related_name="inventory_objects", db_index=False
    )
    group = models.CharField(_("group"), max_length=253, blank=True)
    version = models.CharField(_("version"), max_length=63)
    kind = models.CharField(_("kind"), max_length=63)
    namespace = models.CharField(_("namespace"), max_length=63, blank=True)
    name = models.CharField(_("name"), max_length=253)
    uid = models.CharField(max_length=64)
    labels = models.JSONField(default=dict)
    owner_kind = models.CharField(max_length=63, blank=True)
    owner_name = models.CharField(max_length=253, blank=True)
    owner_uid = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(_("created at"), null=True)
    resource_version = models.CharField(max_length=64, blank=True)
    columns = models.JSONField(default=dict)
    health = models.CharField(_("health"), max_length=12)
    reason = models.CharField(_("reason"), max_length=64, blank=True)
    message = models.CharField(max_length=300, blank=True)
    seen_at = models.DateTimeField(_("seen at"))  # when the watch told it
    text = models.TextField()

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    # Set by `fleet.queries.attach_freshness`.
    watched: InventoryKind | None = None

    class Meta:
        verbose_name = _("object")
        verbose_name_plural = _("inventory")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["cluster", "uid"], name="inventory_object_once")
        ]
        # Each filter that a list offers, in the order of the list: a page is a range of an index.
        indexes = [
            models.Index(fields=["name", "id"], name="inventory_name"),
            models.Index(fields=["kind", "name", "id"], name="inventory_kind_name"),
            models.Index(fields=["namespace", "name", "id"], name="inventory_namespace_name"),
            models.Index(fields=["cluster", "kind", "name", "id"], name="inventory_cluster_kind"),
            models.Index(fields=["cluster", "name", "id"], name="inventory_cluster_name"),
            models.Index(fields=["health", "name", "id"], name="inventory_health_name"),
            models.Index(fields=["owner_uid"], name="inventory_owner"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def api_version(self) -> str:
        """`v1` or `group/version`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def is_stale(self) -> bool:
        """Whether it may have changed unseen; without a watch of its kind it may."""
        return self.watched is None or self.watched.is_stale

    @property
    def known_at(self) -> datetime:
        """The moment for which this row is known to be true."""
        heard = self.watched.heard_at if self.watched else None
        return max(self.seen_at, heard) if heard else self.seen_at
