"""Forms of the console: YAML and label fields, and a form that becomes a wish.

A kind's form is read through the same serializer as its document, so that the
console cannot store what the API would refuse.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from unfold import widgets

from kubecarrier.api import errors
from kubecarrier.console.editor import YamlArea
from kubecarrier.lib import strict_yaml, whereabouts
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.lib.manifests import Kind, Wish
from kubecarrier.lib.placement import check_labels, is_label_key

_CODE = "kc-code"


def text_input(**attrs: Any) -> Any:
    """A line of text in the theme's look."""
    return widgets.UnfoldAdminTextInputWidget(attrs=attrs)


def code_area(rows: int = 6, **attrs: Any) -> Any:
    """A monospaced text area; the browser's help with prose is switched off."""
    return widgets.UnfoldAdminTextareaWidget(
        attrs={
            "rows": rows, "class": _CODE, "spellcheck": "false",
            "autocapitalize": "off", "autocomplete": "off", **attrs,
        }
    )  # fmt: skip


def prose(rows: int = 2) -> Any:
    """A text area for sentences."""
    return widgets.UnfoldAdminTextareaWidget(attrs={"rows": rows})


def select(choices: Any = ()) -> Any:
    """A select in the theme's look."""
    return widgets.UnfoldAdminSelectWidget(choices=choices)


def password_input() -> Any:
    """A field whose content is never sent back to the browser."""
    return widgets.UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})


class YamlField(forms.CharField):
    """YAML text ⇄ a mapping or a list, through the portal's strict reader."""

    def __init__(self, *, shape: type = dict, rows: int = 6, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("widget", YamlArea(rows, check="list" if shape is list else "mapping"))
        super().__init__(strip=False, **kwargs)
        self.shape = shape

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else (strict_yaml.dump(value) if value else "")

    def to_python(self, value: Any) -> Any:
        if isinstance(value, dict | list):
            return value
        try:
            found = strict_yaml.load(value or "")
        except KubeCarrierError as error:
            raise ValidationError(error.message, error.code) from error
        if found is None:
            return self.shape()
        if not isinstance(found, self.shape):
            wanted = _("a mapping (key: value)") if self.shape is dict else _("a list (- item)")
            raise ValidationError(_("Write %(wanted)s."), "shape", {"wanted": wanted})
        return found

    def validate(self, value: Any) -> None:
        if self.required and not value:
            raise ValidationError(self.error_messages["required"], "required")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial) != (data or ""))


class LabelsField(forms.CharField):
    """`key=value`, several by commas or lines ⇄ a mapping of Kubernetes labels."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("label", _("Labels"))
        kwargs.setdefault(
            "widget", text_input(placeholder="team=shop, tier=web", **{"class": _CODE})
        )
        kwargs.setdefault(
            "help_text", _("key=value, separated by commas. Selectors choose by them.")
        )
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return ", ".join(f"{key}={text}" for key, text in sorted(value.items()))
        return value

    def to_python(self, value: Any) -> dict[str, str]:  # type: ignore[override]
        if isinstance(value, dict):
            return value
        found = {}
        for part in str(value or "").replace("\n", ",").split(","):
            if not part.strip():
                continue
            key, equals, text = part.partition("=")
            if not equals or not is_label_key(key.strip()):
                raise ValidationError(
                    _("“%(part)s” is not key=value."), "labels", {"part": part.strip()[:80]}
                )
            found[key.strip()] = text.strip()
        try:
            return check_labels(found)
        except KubeCarrierError as error:
            raise ValidationError(error.message, error.code) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial) != (data or ""))


class Refusable:
    """A form that shows a domain error at the field it names, else above the form.

    `error_fields` maps the beginning of a document path to a form field.
    """

    error_fields: ClassVar[dict[str, str]] = {}

    def refuse(self, error: KubeCarrierError | ValidationError) -> None:
        """Put the error where the person looks."""
        if isinstance(error, ValidationError):
            listed = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
            for path, messages in listed.items():
                for message in messages:
                    self.refuse_at("" if path == "__all__" else path, message)
            return
        text = f"{error.message} {error.hint}" if error.hint else error.message
        self.refuse_at(error.field or "", text)

    def refuse_at(self, path: str, message: str) -> None:
        """A message at a document path such as `spec.placement.selector`."""
        field = self._field_of(path)
        rest = path.removeprefix("spec.").removeprefix("metadata.")
        shown = message if field or not rest else f"{rest}: {message}"
        self.add_error(field, shown)  # type: ignore[attr-defined]

    def _field_of(self, path: str) -> str | None:
        known: Any = self.fields  # type: ignore[attr-defined]
        for prefix in sorted(self.error_fields, key=len, reverse=True):
            if path == prefix or path.startswith((f"{prefix}.", f"{prefix}[")):
                return self.error_fields[prefix] if self.error_fields[prefix] in known else None
        last = path.removeprefix("spec.").removeprefix("metadata.").split(".")[0]
        return last if last in known else None


class ReasonField(forms.CharField):
    """Why: kept in the audit. That it is missing where it is asked for, the audit says."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Reason"), required=False, max_length=500,
            widget=text_input(placeholder=_("optional")),
            help_text=_("Kept in the audit beside what you change."),
        )  # fmt: skip

    def ask(self, row: Any) -> None:
        """Say that it is needed, where the row's project demands it or the platform does."""
        stored = row is not None and not row._state.adding
        asked = stored and whereabouts.place_of(row).asks_reason
        if asked or settings.KUBECARRIER_REQUIRE_REASON:
            self.widget.attrs |= {"placeholder": _("asked for here"), "aria-required": "true"}


class PortalForm(Refusable, forms.Form):
    """The form of an action's page; every action may be given a reason for the audit."""

    reason = ReasonField()

    def __init__(self, *args: Any, row: Any = None, user: Any = None, **kwargs: Any) -> None:
        self.row = row
        self.user = user
        super().__init__(*args, **kwargs)
        if isinstance(reason := self.fields.pop("reason", None), ReasonField):
            self.fields["reason"] = reason  # the last
            reason.ask(row if isinstance(row, models.Model) else None)
        self.prepare()

    def prepare(self) -> None:
        """Choices and initial values that depend on the row."""


class WishForm(Refusable, forms.ModelForm):  # type: ignore[type-arg]
    """A kind's form: `spec()` is the document's spec, `wish` what a service is given.

    `generation` guards against overwriting what somebody else saved meanwhile.
    """

    kind: ClassVar[Kind]
    wish: Wish | None = None

    read_generation = forms.IntegerField(required=False, widget=forms.HiddenInput)
    reason = ReasonField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fresh = self.instance._state.adding
        if isinstance(reason := self.fields.get("reason"), ReasonField):
            reason.ask(self.instance)
        if not self.fresh:
            self.fields["read_generation"].initial = self.instance.generation
            for name, value in self.stored().items():
                if name in self.fields:
                    self.fields[name].initial = value
                    self.initial[name] = value
            if "name" in self.fields:
                self.fields["name"].disabled = True

    def stored(self) -> dict[str, Any]:
        """Initial values out of the row, by form field."""
        return {}

    def spec(self) -> dict[str, Any]:
        """The document's spec out of what was filled in."""
        raise NotImplementedError

    def _post_clean(self) -> None:
        """The model's own validation is left out: the serializer and the service decide."""
        if self.errors:
            return
        given = self.cleaned_data.get("read_generation")
        if not self.fresh and given and given != self.instance.generation:
            self.add_error(
                None,
                _(
                    "Somebody saved this meanwhile. Open it again, so that their change is not lost."
                ),
            )
            return
        serializer = self.kind.spec_serializer(data=self.spec())
        if not serializer.is_valid():
            for problem in errors.problems(serializer.errors):
                self.refuse_at(f"spec.{problem['field']}", problem["message"])
            return
        name = self.instance.name if not self.fresh else self.cleaned_data["name"]
        labels = self.cleaned_data.get("labels") or {}
        project = self.cleaned_data.get("project", "") if self.kind.project else None
        self.wish = Wish(name, labels, dict(serializer.validated_data), project=project)
