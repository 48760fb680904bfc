"""Forms of tokens."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from kubecarrier.console.forms import Refusable, code_area, select, text_input

_WORDS = re.compile(r"[\s,]+")


class WordsField(forms.CharField):
    """Words by blanks, commas or lines ⇄ a list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=8000, widget=code_area(2), **kwargs)

    def to_python(self, value: Any) -> Any:
        return [word for word in _WORDS.split(value or "") if word]


class TokenForm(Refusable, forms.Form):
    """A token's title and what narrows it; its secret is shown once."""

    error_fields: ClassVar[dict[str, str]] = {"lifetimeSeconds": "days"}

    name = forms.CharField(
        label=_("Title"), max_length=100, widget=text_input(placeholder="laptop"),
        help_text=_("What will use it, so that you know which one to revoke."),
    )  # fmt: skip
    days = forms.TypedChoiceField(
        label=_("Ends after"), coerce=int, required=False, empty_value=None, widget=select()
    )
    scopes = WordsField(
        label=_("Scopes"),
        help_text=_("read-only, or kind and verb such as clusters.view. Empty: everything that you may."),
    )  # fmt: skip
    networks = WordsField(
        label=_("Allowed networks"),
        help_text=_("Such as 10.0.0.0/8. Empty: it may be used from everywhere."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        most = settings.KUBECARRIER_TOKEN_MAX_LIFETIME.days
        offered = sorted({days for days in (1, 7, 30, 90, 365, most) if days <= most})
        field: Any = self.fields["days"]
        field.choices = [(days, _("%(days)s days") % {"days": days}) for days in offered]
        field.initial = min(30, most)

    def wish(self) -> dict[str, Any]:
        """What the service is given."""
        given = self.cleaned_data
        return {
            "name": given["name"],
            "scopes": given["scopes"],
            "networks": given["networks"],
            "lifetime": timedelta(days=given["days"]) if given["days"] else None,
        }
