"""The form of an identity mapping."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from accounts.api.kinds import IDENTITY_MAPPING
from accounts.models import IdentityMapping, IdentitySource
from kubecarrier.console.forms import LabelsField, WishForm, select, text_input


class IdentityMappingForm(WishForm):
    """A group there, a group here."""

    kind = IDENTITY_MAPPING
    error_fields: ClassVar[dict[str, str]] = {"spec.group": "local"}
    name = forms.CharField(label=_("Name"), widget=text_input(placeholder="platform-team"))
    source = forms.ChoiceField(
        label=_("Source"), choices=IdentitySource.choices, widget=select(IdentitySource.choices)
    )
    value = forms.CharField(
        label=_("Group there"), max_length=500, widget=text_input(),
        help_text=_("As the claim holds it; for LDAP the group's name or its whole DN."),
    )  # fmt: skip
    local = forms.ModelChoiceField(
        label=_("Group here"), queryset=Group.objects.order_by("name"), widget=select()
    )
    labels = LabelsField(label=_("Labels"), required=False)

    class Meta:
        model = IdentityMapping
        fields = ("name", "source", "value", "labels")

    def stored(self) -> dict[str, Any]:
        return {"local": self.instance.group_id}

    def spec(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {"source": given["source"], "value": given["value"], "group": given["local"].name}
