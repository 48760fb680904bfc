"""Forms of repositories and applications, and of what can be done with them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from apps.api.kinds import APPLICATION, REPOSITORY
from apps.chart_rows import versions_of
from apps.models import Application, ChartRepository
from apps.permissions import visible_applications
from apps.services.applications import replicas_of
from fleet.forms.placed import EVERYWHERE, PLACEMENT_FIELDS, OfProjectForm, names_of
from kubecarrier.console.editor import YamlArea
from kubecarrier.console.forms import (
    LabelsField,
    PortalForm,
    WishForm,
    YamlField,
    code_area,
    password_input,
    prose,
    select,
    text_input,
)
from kubecarrier.lib.spec import name_validators

MAX_UPLOAD = 20 * 1024 * 1024


class RepositoryForm(WishForm):
    """Where charts come from; its password is write-only."""

    kind = REPOSITORY
    error_fields = {
        "spec.caCertificate": "ca_pem", "spec.plainHttp": "plain_http", "spec.charts": "references",
        "spec.refreshSeconds": "refresh_seconds",
    }  # fmt: skip

    name = forms.CharField(label=_("Name"), validators=name_validators, widget=text_input())
    labels = LabelsField()
    password = forms.CharField(
        label=_("Password"), required=False, widget=password_input(), strip=False,
        help_text=_("Goes in, never comes out. Empty keeps what is stored; changing the URL needs it again."),
    )  # fmt: skip
    ca_pem = forms.CharField(
        label=_("CA certificate"), required=False, widget=code_area(4), strip=False
    )
    references = forms.CharField(
        label=_("Charts"), required=False, widget=code_area(3),
        help_text=_("OCI only: one name per line, for a registry cannot be listed."),
    )  # fmt: skip

    description = forms.CharField(
        label=_("Description"), required=False, max_length=2000, widget=prose()
    )

    class Meta:
        model = ChartRepository
        fields = ["type", "url", "username", "plain_http", "refresh_seconds"]

    def stored(self) -> dict[str, Any]:
        row = self.instance
        return {
            "name": row.name, "labels": row.labels, "description": row.description, "ca_pem": row.ca_pem,
            "references": "\n".join(row.references),
        }  # fmt: skip

    def spec(self) -> dict[str, Any]:
        given = self.cleaned_data
        found = {key: given.get(key) or "" for key in ("type", "url", "username", "description")}
        found |= {
            "caCertificate": given.get("ca_pem", ""),
            "plainHttp": bool(given.get("plain_http")),
            "charts": (given.get("references") or "").split(),
            "refreshSeconds": given.get("refresh_seconds"),
            "suspended": self.instance.suspended,
        }
        if given.get("password"):
            found["password"] = given["password"]
        return found


class UploadForm(PortalForm):
    """A chart archive."""

    archive = forms.FileField(
        label=_("Chart archive (.tgz)"), help_text=_("What `helm package` made; at most 20 MiB.")
    )

    def clean_archive(self) -> bytes:
        found = self.cleaned_data["archive"]
        if found.size > MAX_UPLOAD:
            raise forms.ValidationError(_("A chart archive is at most 20 MiB."))
        return bytes(found.read())


class ApplicationForm(OfProjectForm):
    """A chart at a version with values and context, placed on clusters."""

    kind = APPLICATION
    error_fields = {
        **PLACEMENT_FIELDS,
        "metadata.project": "project",
        "spec.configMaps": "config_maps", "spec.imageRegistry": "image_registry", "spec.envKey": "env_key",
        "spec.dependsOn": "depends_on", "spec.keepResources": "keep_resources", "spec.onFailure": "on_failure",
        "spec.timeoutSeconds": "timeout_seconds", "spec.maxHistory": "max_history", "spec.driftPolicy": "drift_policy",
    }  # fmt: skip

    name = forms.CharField(
        label=_("Name"), validators=name_validators, widget=text_input(),
        help_text=_("Also the name of its Helm release on every cluster."),
    )  # fmt: skip
    labels = LabelsField()
    chart = forms.CharField(
        label=_("Chart"), widget=text_input(placeholder="repository/chart", list="kc-charts")
    )
    version = forms.CharField(
        label=_("Version"), required=False, widget=text_input(placeholder=_("newest"), list="kc-versions"),
        help_text=_("A version or a constraint such as ^1.2; resolved and pinned when saved."),
    )  # fmt: skip
    namespace = forms.CharField(
        label=_("Namespace"),
        widget=text_input(),
        help_text=_("Created in the clusters when missing."),
    )
    values = forms.CharField(
        label=_("Values (YAML)"), required=False, strip=False,
        widget=YamlArea(14, check="values", sends=("chart", "version")),
        help_text=_("Only what differs from the chart's defaults; checked against its schema."),
    )  # fmt: skip
    overrides = YamlField(
        label=_("Overrides (YAML)"),
        help_text=_("What differs on one cluster: cluster-name: {values: {replicaCount: 3}}"),
    )
    config_maps = YamlField(
        label=_("Config maps (YAML)"), shape=list,
        help_text=_("A list: - name: app-config, data: {KEY: text}; existing: true for one that is there already."),
    )  # fmt: skip
    secrets = YamlField(
        label=_("Secrets (YAML)"), shape=list,
        help_text=_("A list: - name: app-secret, data: {KEY: text}. Data is never shown; without data what is stored is kept."),
    )  # fmt: skip
    env = YamlField(label=_("Environment variables (YAML)"), rows=4, help_text=_("NAME: value"))
    depends_on = forms.MultipleChoiceField(
        label=_("Depends on"), required=False, widget=UnfoldAdminSelect2MultipleWidget,
        help_text=_("Applications that must be ready on the cluster first."),
    )  # fmt: skip

    description = forms.CharField(
        label=_("Description"), required=False, max_length=2000, widget=prose()
    )

    class Meta:
        model = Application
        fields = [
            "image_registry", "env_key", "keep_resources", "on_failure",
            "timeout_seconds", "max_history", "drift_policy",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = visible_applications(self.user).exclude(pk=self.instance.pk)
        self.choose("depends_on", names_of(others, self.instance.depends_on))

    def stored(self) -> dict[str, Any]:
        row = self.instance
        columns = (
            "name",
            "description",
            "labels",
            "chart",
            "version",
            "namespace",
            "values",
            "config_maps",
            "env",
            "depends_on",
        )
        placement = self.stored_placement()
        project = row.project.name if row.project else ""
        more = {"secrets": row.secrets, "project": project}
        return {key: getattr(row, key) for key in columns} | placement | more

    def clean_secrets(self) -> list[Any]:
        """Empty data is no data: it keeps what is stored."""
        found = []
        for item in self.cleaned_data["secrets"]:
            if isinstance(item, dict) and not item.get("data"):
                found.append({key: value for key, value in item.items() if key != "data"})
            else:
                found.append(item)
        return found

    def spec(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "chart": given["chart"].strip(),
            "version": given["version"].strip(),
            "namespace": given["namespace"].strip(),
            "values": given["values"].replace("\r\n", "\n"),
            "configMaps": given["config_maps"],
            "secrets": given["secrets"],
            "imageRegistry": given["image_registry"],
            "env": {str(key): _text(value) for key, value in given["env"].items()},
            "envKey": given["env_key"] or "env",
            "dependsOn": given["depends_on"],
            "placement": self.placement(given["overrides"]),
            "keepResources": given["keep_resources"],
            "onFailure": given["on_failure"],
            "timeoutSeconds": given["timeout_seconds"],
            "maxHistory": given["max_history"],
            "driftPolicy": given["drift_policy"],
            "description": given["description"],
        }


def _text(value: Any) -> Any:
    """Numbers and booleans of YAML as the texts that environment variables are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


class _OnClusters(PortalForm):
    """A form with a choice among the application's clusters."""

    cluster = forms.ChoiceField(label=_("Where"), required=False, widget=select())

    def prepare(self) -> None:
        names = self.row.releases.order_by("cluster__name").values_list("cluster__name", flat=True)
        self.fields["cluster"].choices = [EVERYWHERE, *((name, name) for name in names)]  # type: ignore[attr-defined]


class ScaleForm(_OnClusters):
    """A number of replicas."""

    replicas = forms.IntegerField(
        label=_("Replicas"), min_value=0, max_value=10000, widget=text_input(type="number", min="0")
    )
    field_order = ["replicas", "cluster"]

    def prepare(self) -> None:
        super().prepare()
        self.fields["replicas"].initial = replicas_of(self.row)


class UpgradeForm(PortalForm):
    """A version of the same chart."""

    version = forms.ChoiceField(label=_("Version"), required=False, widget=select())

    def prepare(self) -> None:
        present = self.row.resolved_version
        listed = [
            (one, f"{one} ({_('now')})" if one == present else one)
            for one in versions_of(self.row.chart)
        ]
        self.fields["version"].choices = [("", _("The newest that is allowed")), *listed]  # type: ignore[attr-defined]


class RollbackForm(_OnClusters):
    """An earlier revision, everywhere or held on one cluster."""

    revision = forms.TypedChoiceField(label=_("Revision"), coerce=int, widget=select())
    field_order = ["revision", "cluster"]
    error_fields = {"revision": "revision"}

    def prepare(self) -> None:
        super().prepare()
        rows = list(self.row.revisions.order_by("-number")[:50])
        listed = [(one.number, f"#{one.number} · {one.spec.get('resolved_version', '')} · {one.created_at:%Y-%m-%d %H:%M}"
                   f"{' · ' + one.reason[:60] if one.reason else ''}") for one in rows]  # fmt: skip
        self.fields["revision"].choices = listed[1:] or listed  # type: ignore[attr-defined]


class ReleaseRollbackForm(PortalForm):
    """An earlier revision for this cluster alone."""

    revision = forms.TypedChoiceField(label=_("Revision"), coerce=int, widget=select())

    def prepare(self) -> None:
        rows = self.row.application.revisions.order_by("-number")[:50]
        self.fields["revision"].choices = [  # type: ignore[attr-defined]
            (
                one.number,
                f"#{one.number} · {one.spec.get('resolved_version', '')} · {one.created_at:%Y-%m-%d %H:%M}",
            )
            for one in rows
            if one.pk != self.row.revision_id
        ]


class RedeployForm(_OnClusters):
    """Everywhere, or on one cluster."""


class ApplicationDeleteForm(PortalForm):
    """What becomes of its objects."""

    keep_resources = forms.BooleanField(
        label=_("Leave every object in place"), required=False,
        help_text=_("Helm's record goes; workloads, config maps and secrets stay in the clusters."),
    )  # fmt: skip

    def prepare(self) -> None:
        if self.row is not None:
            self.fields["keep_resources"].initial = self.row.keep_resources
