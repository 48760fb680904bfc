"""Forms of tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kubecarrier.console.forms import text_input


class TokenForm(forms.Form):
    """A token's name; its secret is shown once."""

    name = forms.CharField(
        label=_("Name"), max_length=100, widget=text_input(placeholder="laptop"),
        help_text=_("What will use it, so that you know which one to revoke."),
    )  # fmt: skip

    def refuse(self, error: Any) -> None:
        """A domain error above the form."""
        self.add_error(None, str(error))
