"""Forms of one's own account."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from kubecarrier.console.forms import Refusable, text_input


class CodeForm(Refusable, forms.Form):
    """A code of the authenticator app, or a recovery code."""

    code = forms.CharField(
        label=_("Code"), max_length=40,
        widget=text_input(autocomplete="one-time-code", inputmode="text", autofocus=True, spellcheck="false"),
        help_text=_("Six digits of your authenticator app, or a recovery code."),
    )  # fmt: skip
