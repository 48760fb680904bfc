"""The form of a service account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.api.kinds import SERVICE_ACCOUNT
from accounts.models import ServiceAccount
from kubecarrier.console.forms import LabelsField, WishForm, prose, text_input


class ServiceAccountForm(WishForm):
    """Name, owner, whether it works."""

    kind = SERVICE_ACCOUNT
    name = forms.CharField(label=_("Name"), widget=text_input(placeholder="ci"))
    project = forms.CharField(
        label=_("Project"), required=False, widget=text_input(),
        help_text=_("The project that owns it; empty: the platform."),
    )  # fmt: skip
    description = forms.CharField(label=_("Description"), required=False, widget=prose())
    active = forms.BooleanField(
        label=_("Active"), required=False, initial=True, help_text=_("Its tokens work.")
    )
    labels = LabelsField(label=_("Labels"), required=False)

    class Meta:
        model = ServiceAccount
        fields = ("name", "project", "description", "labels")

    def stored(self) -> dict[str, Any]:
        return {"active": self.instance.user.is_active}

    def spec(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {key: given[key] for key in ("project", "description", "active")}
