"""Forms of kubeconfigs."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from fleet.grants.holders import clusters_of
from fleet.models import Cluster
from fleet.services.kubeconfigs import MIN_SECONDS, max_seconds, usual_seconds
from kubecarrier.console.forms import PortalForm, select

_OFFERED = (MIN_SECONDS, 3600, 4 * 3600, 8 * 3600, 12 * 3600, 24 * 3600)


class KubeconfigForm(PortalForm):
    """How long the file works."""

    error_fields: ClassVar[dict[str, str]] = {"expirationSeconds": "seconds"}

    seconds = forms.TypedChoiceField(label=_("Works for"), coerce=int, widget=select())

    def prepare(self) -> None:
        field: Any = self.fields["seconds"]
        offered = {one for one in (*_OFFERED, max_seconds()) if MIN_SECONDS <= one <= max_seconds()}
        field.choices = [(one, _words(one)) for one in sorted(offered)]
        field.initial = usual_seconds()


class ClusterKubeconfigForm(KubeconfigForm):
    """Also of which cluster: only those in which the person holds something."""

    cluster = forms.ModelChoiceField(
        label=_("Cluster"), queryset=Cluster.objects.none(), widget=select()
    )

    field_order = ("cluster", "seconds", "reason")

    def prepare(self) -> None:
        super().prepare()
        field: Any = self.fields["cluster"]
        field.queryset = clusters_of(self.user).order_by("name")


def _words(seconds: int) -> str:
    if seconds % 3600:
        minutes = seconds // 60
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    hours = seconds // 3600
    return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
