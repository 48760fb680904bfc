"""Clusters: how they are reached, what is said of them, what was seen."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.choices import RemovalPolicy
from kubecarrier.lib.crypto import SealedField
from kubecarrier.lib.spec import SpecModel


def no_rules() -> dict[str, list[str]]:
    """An inventory of the usual kinds."""
    return {"include": [], "exclude": []}


class Cluster(SpecModel):  # type: ignore[django-manager-missing]  # guardian names no manager
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
            "own_tokens",
            "rotation_until",
            "rotation_retry_at",
            "rotation_error",
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
    # What people's kubeconfigs name instead (fleet.services.people_addresses); empty: the above.
    people_server = models.CharField(_("API server for people"), max_length=500, blank=True)
    people_ca_pem = models.TextField(_("CA certificate for people"), blank=True)
    people_tls_server_name = models.CharField(
        _("TLS server name for people"), max_length=253, blank=True
    )
    credential = SealedField(_("credential"))
    # Since when it is that of the portal's own account there (fleet.services.exchanges).
    exchanged_at = models.DateTimeField(_("exchanged"), null=True, editable=False)
    credential_rotated_at = models.DateTimeField(_("credential since"), null=True, editable=False)
    removal_policy = models.CharField(
        _("on removal"), max_length=8, choices=RemovalPolicy.choices, default=RemovalPolicy.ORPHAN
    )
    # `include` and `exclude`: patterns of resource names; see fleet.inventory.chosen.
    inventory_rules = models.JSONField(_("inventory"), default=no_rules, blank=True)

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
    # Secrets with tokens of the portal's account that may stand there and are not used, or not yet
    # (fleet.services.rotations, which holds `rotation_until` while it works).
    own_tokens = models.JSONField(default=list, editable=False)
    rotation_until = models.DateTimeField(null=True, editable=False)
    rotation_retry_at = models.DateTimeField(null=True, editable=False)
    rotation_error = models.CharField(max_length=500, blank=True, editable=False)

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
