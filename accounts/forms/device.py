"""The code that a command line shows."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from kubecarrier.console.forms import Refusable, text_input


class DeviceForm(Refusable, forms.Form):
    """Eight letters, with or without the dash."""

    code = forms.CharField(
        label=_("Code"), max_length=40,
        widget=text_input(placeholder="BCDF-GHJK", autocomplete="off", autocapitalize="characters", spellcheck="false"),
        help_text=_("As the terminal shows it."),
    )  # fmt: skip
