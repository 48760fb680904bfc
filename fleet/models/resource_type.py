"""The catalogue: which kinds there are, who serves them, and how their objects look."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import orjson
from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.models.cluster import Cluster
from kubecarrier.lib.audit import GuardedManager
from kubecarrier.lib.spec import TargetModel


class ResourceType(models.Model):
    """A kind of the fleet, named `plural.group` as kubectl names it; it is there while served."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=320, unique=True)
    group = models.CharField(_("group"), max_length=253, blank=True)
    plural = models.CharField(max_length=63)
    kind = models.CharField(_("kind"), max_length=63, db_index=True)
    singular = models.CharField(max_length=63, blank=True)
    short_names = models.JSONField(_("short names"), default=list)
    categories = models.JSONField(default=list)
    namespaced = models.BooleanField(_("in namespaces"), default=False)
    custom = models.BooleanField(_("custom"), default=False, help_text=_("Defined by a CRD."))

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    # Set by `fleet.queries.attach_served`.
    served_by: Sequence[ServedResource] = ()

    class Meta:
        verbose_name = _("resource type")
        verbose_name_plural = _("resource types")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ResourceSchema(models.Model):
    """The schemas of one group version, stored once however many clusters serve the same.

    The key is our own digest of the content: what a cluster calls its digest
    is a hint about its own document and nothing more, so that no cluster can
    put a schema under another's.
    """

    digest = models.CharField(primary_key=True, max_length=64)
    packed = models.BinaryField()  # zlib of JSON: schema's name → schema

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    def __str__(self) -> str:
        return self.digest[:12]

    @staticmethod
    def pack(schemas: dict[str, Any]) -> bytes:
        """What `packed` holds."""
        return zlib.compress(orjson.dumps(schemas, option=orjson.OPT_SORT_KEYS), 6)

    def schemas(self) -> dict[str, Any]:
        """Schema's name → schema."""
        found: dict[str, Any] = orjson.loads(zlib.decompress(bytes(self.packed)))
        return found


class ServedResource(models.Model):
    """One kind as one cluster serves it.

    `versions`: the preferred first, each `{"name", "verbs", "storage",
    "deprecated", "columns", "schema"}`; `schema` is the digest of a
    ResourceSchema, `columns` are a CRD's printer columns.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="served")
    type = models.ForeignKey(ResourceType, on_delete=models.CASCADE, related_name="served")
    versions = models.JSONField(default=list)
    seen_at = models.DateTimeField(_("seen at"))

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cluster", "type"], name="served_once")]

    def __str__(self) -> str:
        return f"{self.type_id} {self.cluster_id}"


class Catalogue(TargetModel):
    """What is known of what one cluster serves: the row that its reconciler works on.

    `documents`: path below `/openapi/v3` → `[the server's digest, ours]`.
    """

    status_columns: ClassVar[frozenset[str]] = frozenset({"documents", "read_at", "moved_at"})

    cluster = models.OneToOneField(Cluster, on_delete=models.CASCADE, related_name="catalogue")
    documents = models.JSONField(default=dict, editable=False)
    read_at = models.DateTimeField(null=True, editable=False)
    moved_at = models.DateTimeField(null=True, editable=False)  # a CRD was seen to change

    class Meta(TargetModel.Meta):
        abstract = False

    def __str__(self) -> str:
        return str(self.cluster)
