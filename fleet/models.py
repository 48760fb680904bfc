"""Clusters, what was seen in them, and what people asked for."""

from __future__ import annotations

import uuid
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.choices import RemovalPolicy, TargetState
from kubecarrier.lib.audit import GuardedManager
from kubecarrier.lib.crypto import SealedField
from kubecarrier.lib.spec import NAME_MAX_LENGTH, SpecModel


class Cluster(SpecModel):
    """A Kubernetes cluster of the fleet; its identity is the UID of `kube-system`.

    `credential` is sealed JSON: `{"token"}` or `{"client_cert_pem",
    "client_key_pem"}`. `capacity`, `allocatable`, `requested` and `usage` are
    `{"cpu_millicores", "memory_bytes", "pods"}`; usage is null where the
    metrics API is not served.
    """

    status_columns: ClassVar[frozenset[str]] = frozenset(
        {
            "identity",
            "version",
            "platform",
            "last_seen_at",
            "credential_expires_at",
            "node_count",
            "capacity",
            "allocatable",
            "requested",
            "usage",
            "leftovers",
        }
    )

    provider = models.CharField(_("provider"), max_length=63, blank=True)
    region = models.CharField(_("region"), max_length=63, blank=True)
    environment = models.CharField(_("environment"), max_length=63, blank=True)
    server = models.URLField(_("API server"), max_length=500)
    ca_pem = models.TextField(_("CA certificate"), blank=True)
    tls_server_name = models.CharField(_("TLS server name"), max_length=253, blank=True)
    insecure = models.BooleanField(
        _("TLS not verified"),
        default=False,
        help_text=_("The server's certificate is not checked."),
    )
    credential = SealedField(_("credential"))
    removal_policy = models.CharField(
        _("on removal"), max_length=8, choices=RemovalPolicy.choices, default=RemovalPolicy.ORPHAN
    )

    identity = models.CharField(  # noqa: DJ001 - unique, so unknown must be NULL
        _("identity"), max_length=64, null=True, unique=True, editable=False
    )
    version = models.CharField(_("version"), max_length=64, blank=True, editable=False)
    platform = models.CharField(max_length=64, blank=True, editable=False)
    last_seen_at = models.DateTimeField(_("last seen"), null=True, editable=False)
    credential_expires_at = models.DateTimeField(null=True, editable=False)
    node_count = models.PositiveIntegerField(_("nodes"), default=0, editable=False)
    capacity = models.JSONField(default=dict, editable=False)
    allocatable = models.JSONField(default=dict, editable=False)
    requested = models.JSONField(default=dict, editable=False)
    usage = models.JSONField(null=True, editable=False)
    leftovers = models.JSONField(default=list, editable=False)

    class Meta(SpecModel.Meta):
        abstract = False
        verbose_name = _("cluster")
        verbose_name_plural = _("clusters")
        ordering = ["name"]

    def selector_labels(self) -> dict[str, str]:
        """What placements select by: the free labels and the four fields everyone asks for."""
        known = {
            "kubecarrier.io/name": self.name,
            "kubecarrier.io/provider": self.provider,
            "kubecarrier.io/region": self.region,
            "kubecarrier.io/environment": self.environment,
        }
        # Ours win: a free label must not pretend another name or environment.
        return {**self.labels, **{key: value for key, value in known.items() if value}}


class Observed(models.Model):
    """A row that only a probe writes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="%(class)ss")
    name = models.CharField(_("name"), max_length=253)
    labels = models.JSONField(default=dict)
    seen_at = models.DateTimeField(_("seen at"))

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Node(Observed):
    """A node as the last probe saw it; quantities as on Cluster."""

    ready = models.BooleanField(_("ready"))
    unschedulable = models.BooleanField(_("cordoned"), default=False)
    roles = models.JSONField(default=list)
    conditions = models.JSONField(default=list)
    taints = models.JSONField(default=list)
    kubelet_version = models.CharField(_("kubelet"), max_length=64, blank=True)
    capacity = models.JSONField(default=dict)
    allocatable = models.JSONField(default=dict)

    class Meta(Observed.Meta):
        abstract = False
        verbose_name = _("node")
        verbose_name_plural = _("nodes")
        constraints = [models.UniqueConstraint(fields=["cluster", "name"], name="node_once")]


class Namespace(Observed):
    """A namespace as the last probe saw it (`state` is Kubernetes' own Active or Terminating)."""

    state = models.CharField(_("state"), max_length=32, blank=True)

    class Meta(Observed.Meta):
        abstract = False
        verbose_name = _("namespace")
        verbose_name_plural = _("namespaces")
        constraints = [models.UniqueConstraint(fields=["cluster", "name"], name="namespace_once")]


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
    name = models.CharField(max_length=2 * NAME_MAX_LENGTH + 1)
    generation = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=TargetState.choices, default=TargetState.RUNNING)
    message = models.TextField(blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"


class WatchLease(models.Model):
    """Which controller watches a cluster, by the database's clock; see kubecarrier.controller."""

    cluster = models.OneToOneField(
        Cluster, on_delete=models.CASCADE, primary_key=True, related_name="watch_lease"
    )
    holder = models.CharField(max_length=100, blank=True)
    token = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.cluster_id} {self.holder}"
