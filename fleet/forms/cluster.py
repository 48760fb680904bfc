"""Forms of clusters."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fleet.api.kinds import CLUSTER
from fleet.choices import RemovalPolicy
from fleet.kubeconfig import MAX_BYTES
from fleet.models import Cluster
from kubecarrier.console.forms import (
    LabelsField,
    PortalForm,
    WishForm,
    code_area,
    password_input,
    prose,
    select,
    text_input,
)
from kubecarrier.lib.spec import name_validators

_ABOUT = ("provider", "region", "environment")
_PEOPLE = {
    "people_server": "peopleServer",
    "people_ca_pem": "peopleCaCertificate",
    "people_tls_server_name": "peopleTlsServerName",
}


class ClusterForm(WishForm):
    """How a cluster is reached and what is said of it; its credential is write-only."""

    kind = CLUSTER
    error_fields = {
        "spec.credential": "token", "spec.caCertificate": "ca_pem", "spec.ca_pem": "ca_pem",
        "spec.peopleServer": "people_server", "spec.peopleCaCertificate": "people_ca_pem",
        "spec.peopleTlsServerName": "people_tls_server_name",
        "spec.tlsServerName": "tls_server_name", "spec.removalPolicy": "removal_policy",
    }  # fmt: skip

    labels = LabelsField()
    server = forms.CharField(label=_("API server"), max_length=500, widget=text_input())
    token = forms.CharField(
        label=_("New token"), required=False, widget=password_input(),
        help_text=_("Goes in, never comes out. Empty keeps the stored credential; changing the address needs it again."),
    )  # fmt: skip
    ca_pem = forms.CharField(
        label=_("CA certificate"), required=False, widget=code_area(5), strip=False
    )

    people_server = forms.CharField(
        label=_("API server"), required=False, max_length=500, widget=text_input(),
        help_text=_("What people's kubeconfigs name, where people reach the cluster by another way. Empty: as the portal. It is never called from here."),
    )  # fmt: skip
    people_ca_pem = forms.CharField(
        label=_("CA certificate"), required=False, widget=code_area(5), strip=False,
        help_text=_("Empty: the trust of the person's machine."),
    )  # fmt: skip
    people_tls_server_name = forms.CharField(
        label=_("TLS server name"), required=False, max_length=253, widget=text_input()
    )

    description = forms.CharField(
        label=_("Description"), required=False, max_length=2000, widget=prose()
    )

    class Meta:
        model = Cluster
        fields = [*_ABOUT, "tls_server_name", "removal_policy"]

    def stored(self) -> dict[str, Any]:
        return {
            "labels": self.instance.labels,
            "description": self.instance.description,
            "server": self.instance.server,
            "ca_pem": self.instance.ca_pem,
            **{name: getattr(self.instance, name) for name in _PEOPLE},
        }

    def spec(self) -> dict[str, Any]:
        given = self.cleaned_data
        found = {key: given.get(key, "") for key in (*_ABOUT, "description", "server")}
        found |= {
            "caCertificate": given.get("ca_pem", ""),
            "tlsServerName": given.get("tls_server_name", ""),
            **{public: given.get(name, "") for name, public in _PEOPLE.items()},
            "removalPolicy": given.get("removal_policy", ""),
            "suspended": self.instance.suspended,
        }
        if given.get("token"):
            found["credential"] = {"token": given["token"].strip()}
        return found


class KubeconfigField(forms.FileField):
    """A kubeconfig as a file, read as text."""

    def clean(self, data: Any, initial: Any = None) -> str:
        found = super().clean(data, initial)
        if not found:
            return ""
        if found.size > MAX_BYTES:
            raise forms.ValidationError(_("A kubeconfig is at most 1 MiB."))
        try:
            return str(found.read().decode())
        except UnicodeDecodeError as error:
            raise forms.ValidationError(_("The file is not text.")) from error


class ImportForm(PortalForm):
    """A kubeconfig with its contexts, or a server with a token."""

    error_fields = {"caData": "ca_data", "kubeconfig": "kubeconfig"}

    method = forms.ChoiceField(
        choices=[("kubeconfig", _("From a kubeconfig")), ("token", _("By address and token"))],
        initial="kubeconfig", required=False, widget=forms.RadioSelect, label=_("How"),
    )  # fmt: skip
    kubeconfig = forms.CharField(
        label=_("Kubeconfig"), required=False, strip=False,
        widget=code_area(10, placeholder="apiVersion: v1\nkind: Config\n…"),
        help_text=_("Paste it here. Programs, files and proxies in it are refused, never run."),
    )  # fmt: skip
    file = KubeconfigField(label=_("… or upload the file"), required=False)
    name = forms.CharField(
        label=_("Name"), required=False, validators=name_validators, widget=text_input(),
        help_text=_("How it is called in the fleet; empty takes the context's name."),
    )  # fmt: skip
    server = forms.CharField(
        label=_("API server"),
        required=False,
        widget=text_input(placeholder="https://10.0.0.1:6443"),
    )
    token = forms.CharField(label=_("Token"), required=False, widget=password_input())
    ca_data = forms.CharField(
        label=_("CA certificate"), required=False, widget=code_area(4), strip=False,
        help_text=_("PEM, or base64 of it; empty: the machine's own trust."),
    )  # fmt: skip
    environment = forms.CharField(
        label=_("Environment"), required=False, max_length=63, widget=text_input(placeholder="prod")
    )
    provider = forms.CharField(
        label=_("Provider"), required=False, max_length=63, widget=text_input()
    )
    region = forms.CharField(label=_("Region"), required=False, max_length=63, widget=text_input())
    labels = LabelsField()

    def text(self) -> str:
        """The kubeconfig, pasted or uploaded."""
        return self.cleaned_data.get("file") or self.cleaned_data.get("kubeconfig") or ""

    def given(self, contexts: list[str], names: dict[str, str]) -> dict[str, Any]:
        """The body of the import, as the API takes it."""
        data = self.cleaned_data
        found = {key: data[key] for key in (*_ABOUT, "labels")}
        if data["method"] == "token":
            return {**found, "name": data["name"], "server": data["server"].strip(),
                    "token": data["token"], "caData": data["ca_data"]}  # fmt: skip
        found |= {"kubeconfig": self.text(), "contexts": contexts, "names": names}
        if data["name"] and len(contexts) < 2:
            found["name"] = data["name"]
        return found

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data["method"] = data.get("method") or "kubeconfig"
        if not self.errors and data["method"] == "kubeconfig" and not self.text():
            self.add_error("kubeconfig", _("Paste a kubeconfig or upload its file."))
        return data


class RenameForm(PortalForm):
    """A new name."""

    error_fields = {"metadata.name": "name"}
    name = forms.CharField(label=_("New name"), validators=name_validators, widget=text_input())

    def prepare(self) -> None:
        self.fields["name"].initial = self.row.name


class RotateForm(PortalForm):
    """A new credential: a kubeconfig or a token."""

    kubeconfig = forms.CharField(
        label=_("Kubeconfig"), required=False, strip=False, widget=code_area(8)
    )
    context = forms.CharField(
        label=_("Context"),
        required=False,
        widget=text_input(),
        help_text=_("Empty: the file's current one."),
    )
    token = forms.CharField(label=_("… or a token"), required=False, widget=password_input())


class RemoveForm(PortalForm):
    """What becomes of our objects in the cluster."""

    policy = forms.ChoiceField(
        label=_("What is deployed there"), choices=RemovalPolicy.choices, widget=select()
    )

    def prepare(self) -> None:
        if self.row is not None:
            self.fields["policy"].initial = self.row.removal_policy


__all__ = ["ClusterForm", "ImportForm", "RemoveForm", "RenameForm", "RotateForm"]
