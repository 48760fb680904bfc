"""Repositories, charts, applications and releases."""

from __future__ import annotations

import uuid
from typing import ClassVar, Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.choices import DriftPolicy, OnFailure, RepositoryType
from fleet.models import Cluster, Project
from kubecarrier.lib.audit import GuardedManager
from kubecarrier.lib.crypto import SealedField
from kubecarrier.lib.placement import Placement
from kubecarrier.lib.spec import NAME_MAX_LENGTH, SpecModel, TargetModel, name_validators

_CHART_NAME_LENGTH = 253


class ChartRepository(SpecModel):
    """Where charts come from. OCI registries cannot be listed, so their charts are named."""

    status_columns: ClassVar[frozenset[str]] = frozenset(
        {"etag", "index_digest", "refreshed_at", "chart_count"}
    )

    type = models.CharField(
        _("type"), max_length=5, choices=RepositoryType.choices, default=RepositoryType.HTTP
    )
    url = models.CharField(_("URL"), max_length=500, blank=True)
    username = models.CharField(_("user name"), max_length=200, blank=True)
    credential = SealedField(_("password"))
    ca_pem = models.TextField(_("CA certificate"), blank=True)
    plain_http = models.BooleanField(
        _("plain HTTP"),
        default=False,
        help_text=_("OCI only, and only for a registry on this machine."),
    )
    references = models.JSONField(
        _("charts"), default=list, blank=True, help_text=_("OCI only: the names of its charts.")
    )
    refresh_seconds = models.PositiveIntegerField(
        _("refresh every (seconds)"),
        default=3600,
        validators=[MinValueValidator(30), MaxValueValidator(7 * 24 * 3600)],
    )

    etag = models.CharField(max_length=500, blank=True, editable=False)
    index_digest = models.CharField(max_length=64, blank=True, editable=False)
    refreshed_at = models.DateTimeField(_("refreshed at"), null=True, editable=False)
    chart_count = models.PositiveIntegerField(_("charts"), default=0, editable=False)

    class Meta(SpecModel.Meta):
        abstract = False
        verbose_name = _("chart repository")
        verbose_name_plural = _("chart repositories")
        ordering = ["name"]


class Chart(models.Model):
    """A chart of a repository, with its newest version's description. `name` is `<repository>.<chart>`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    repository = models.ForeignKey(ChartRepository, on_delete=models.CASCADE, related_name="charts")
    name = models.CharField(
        _("name"), max_length=NAME_MAX_LENGTH + 1 + _CHART_NAME_LENGTH, unique=True
    )
    chart = models.CharField(_("chart"), max_length=_CHART_NAME_LENGTH)
    latest_version = models.CharField(_("latest version"), max_length=100, blank=True)
    app_version = models.CharField(_("app version"), max_length=100, blank=True)
    description = models.TextField(_("description"), blank=True)
    icon = models.CharField(max_length=2000, blank=True)
    home = models.CharField(max_length=2000, blank=True)
    keywords = models.JSONField(default=list)
    keyword_text = models.TextField(blank=True, help_text=_("The keywords, for searching."))
    deprecated = models.BooleanField(_("deprecated"), default=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    class Meta:
        verbose_name = _("chart")
        verbose_name_plural = _("charts")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["repository", "chart"], name="chart_once")]

    def __str__(self) -> str:
        return self.name


class ChartArchive(models.Model):
    """A chart's archive by the SHA-256 of its bytes, so that every worker finds it."""

    digest = models.CharField(max_length=64, primary_key=True)
    content = models.BinaryField()
    size = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.digest[:12]


class ChartVersion(models.Model):
    """A version of a chart: what the index says, and after the first fetch what the archive says.

    `details` is the index entry (maintainers, dependencies, kubeVersion, home,
    sources, annotations). `archive` is null until the chart was opened.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chart = models.ForeignKey(Chart, on_delete=models.CASCADE, related_name="versions")
    version = models.CharField(_("version"), max_length=100)
    app_version = models.CharField(_("app version"), max_length=100, blank=True)
    description = models.TextField(blank=True)
    digest = models.CharField(_("digest"), max_length=64, blank=True)
    urls = models.JSONField(default=list)
    released_at = models.DateTimeField(_("released at"), null=True)
    deprecated = models.BooleanField(default=False)
    details = models.JSONField(default=dict)
    archive = models.ForeignKey(ChartArchive, null=True, on_delete=models.PROTECT, related_name="+")
    readme = models.TextField(blank=True)
    values_text = models.TextField(blank=True)
    schema = models.JSONField(null=True)

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    class Meta:
        verbose_name = _("chart version")
        verbose_name_plural = _("chart versions")
        constraints = [
            models.UniqueConstraint(fields=["chart", "version"], name="chartversion_once")
        ]

    def __str__(self) -> str:
        return f"{self.chart_id} {self.version}"


class Application(SpecModel):
    """A chart at a version with values and context, placed on clusters.

    `version` is what was asked for (a version or a constraint);
    `resolved_version` and `digest` are what the save pinned. `config_maps` and
    `secrets` are `[{"name", "data": {key: text}}]`, created beside the
    release; `secret_data` holds the data of the secrets, sealed. `env` is
    `{name: value}`, merged at `env_key` of the values.
    """

    project = models.ForeignKey(
        Project,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="applications",
        verbose_name=_("project"),
    )
    chart = models.CharField(
        _("chart"),
        max_length=NAME_MAX_LENGTH + 1 + _CHART_NAME_LENGTH,
        help_text=_("repository/chart"),
    )
    version = models.CharField(
        _("version"),
        max_length=100,
        blank=True,
        help_text=_("A version or a constraint such as ^1.2."),
    )
    resolved_version = models.CharField(_("resolved version"), max_length=100, editable=False)
    digest = models.CharField(_("chart digest"), max_length=64, editable=False)
    namespace = models.CharField(_("namespace"), max_length=63)
    values = models.TextField(_("values"), blank=True)
    config_maps = models.JSONField(_("config maps"), default=list, blank=True)
    secrets = models.JSONField(_("secrets"), default=list, blank=True)
    secret_data = SealedField()
    image_registry = models.CharField(_("image registry"), max_length=253, blank=True)
    env = models.JSONField(_("environment variables"), default=dict, blank=True)
    env_key = models.CharField(_("environment key"), max_length=100, blank=True, default="env")
    depends_on = models.JSONField(_("depends on"), default=list, blank=True)
    placement = models.JSONField(_("placement"), default=dict, blank=True)
    keep_resources = models.BooleanField(
        _("keep resources"), default=False, help_text=_("On delete, leave every object in place.")
    )
    on_failure = models.CharField(
        _("on failure"), max_length=8, choices=OnFailure.choices, default=OnFailure.KEEP
    )
    timeout_seconds = models.PositiveIntegerField(
        _("time-out (seconds)"),
        default=300,
        validators=[MinValueValidator(10), MaxValueValidator(3600)],
    )
    max_history = models.PositiveIntegerField(
        _("revisions kept"), default=10, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    drift_policy = models.CharField(
        _("drift"), max_length=7, choices=DriftPolicy.choices, default=DriftPolicy.DETECT
    )

    class Meta(SpecModel.Meta):
        abstract = False
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        ordering = ["name"]

    # Its releases counted, where a list has them (apps.queries.attach_counts).
    counts: dict[str, int] | None = None

    @property
    def placed(self) -> Placement:
        """Where it runs."""
        return Placement.of(self.placement)


class ApplicationRevision(models.Model):
    """One saved spec of an application, immutable.

    `spec` is the document's spec without secret data; `secret_data` is sealed,
    so that a rollback brings the secrets back as well.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField(_("revision"))
    spec = models.JSONField()
    secret_data = SealedField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    channel = models.CharField(max_length=12)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    diff = models.TextField(blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["application", "number"], name="revision_once")
        ]

    def __str__(self) -> str:
        return f"#{self.number}"


class Release(TargetModel):
    """An application on one cluster: a Helm release named like the application.

    Spec, written by the application's service: `revision` (the application
    revision wanted here), `wanted_version`, `desired_digest` (chart digest,
    effective values and context), `restarted_at`. Status: what Helm's newest
    record and the live objects said. `objects_seen` is `[{"apiVersion", "kind",
    "namespace", "name", "uid", "generation", "health", "reason", "message"}]`.
    """

    status_columns: ClassVar[frozenset[str]] = frozenset(
        {
            "deployed_digest",
            "helm_revision",
            "helm_status",
            "actual_version",
            "objects_seen",
            "drift",
            "last_operation",
            "seen_at",
            "verified_at",
            "record_fingerprint",
            "alarm",
            "alarm_seen",
            "corrections",
        }
    )

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="releases")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="releases")
    name = models.CharField(
        _("name"),
        max_length=2 * NAME_MAX_LENGTH + 1,
        unique=True,
        help_text=_("application.cluster"),
    )
    release_name = models.CharField(max_length=NAME_MAX_LENGTH, validators=name_validators)
    namespace = models.CharField(_("namespace"), max_length=63)
    revision = models.ForeignKey(
        ApplicationRevision, on_delete=models.PROTECT, related_name="+", verbose_name=_("revision")
    )
    pinned = models.BooleanField(
        _("pinned"), default=False, help_text=_("Held at an earlier revision on this cluster.")
    )
    wanted_version = models.CharField(_("wanted version"), max_length=100)
    desired_digest = models.CharField(max_length=64)
    redeploy = models.PositiveIntegerField(default=0)
    keep_resources = models.BooleanField(default=False)

    deployed_digest = models.CharField(max_length=64, blank=True, editable=False)
    helm_revision = models.PositiveIntegerField(_("Helm revision"), default=0, editable=False)
    helm_status = models.CharField(_("Helm status"), max_length=40, blank=True, editable=False)
    actual_version = models.CharField(
        _("actual version"), max_length=100, blank=True, editable=False
    )
    objects_seen = models.JSONField(default=list, editable=False, db_column="objects")
    drift = models.JSONField(default=list, editable=False)
    # The watch raises `alarm` when something of the release moved in the cluster; a pass that
    # looked at the live objects notes the alarm it knew of, so that none is lost in between.
    alarm = models.PositiveIntegerField(default=0, editable=False)
    alarm_seen = models.PositiveIntegerField(default=0, editable=False)
    corrections = models.JSONField(default=list, editable=False)
    last_operation = models.JSONField(default=dict, editable=False)
    record_fingerprint = models.CharField(max_length=120, blank=True, editable=False)
    seen_at = models.DateTimeField(_("seen at"), null=True, editable=False)
    verified_at = models.DateTimeField(null=True, editable=False)

    class Meta(TargetModel.Meta):
        abstract = False
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["application", "cluster"], name="release_once"),
            models.UniqueConstraint(
                fields=["cluster", "namespace", "release_name"], name="release_helm_name_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name
