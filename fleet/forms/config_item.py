"""Forms of config items, and of what can be done with them and with the inbox."""

from __future__ import annotations

import base64
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelect2MultipleWidget

from fleet.api.kinds import CONFIG_ITEM
from fleet.choices import ConfigKind, ConflictChoice
from fleet.configs.content import MAX_BYTES, Content, Override, as_document, is_text
from fleet.configs.queries import content_of, digest_key
from fleet.configs.secret_types import KNOWN
from fleet.forms.key_rows import KeyRowsField, edited, fits, rows_of
from fleet.forms.placed import EVERYWHERE, PLACEMENT_FIELDS, OfProjectForm
from fleet.models import ConfigItem
from fleet.permissions import visible_clusters
from kubecarrier.console.forms import (
    LabelsField,
    PortalForm,
    YamlField,
    prose,
    select,
    text_input,
)
from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.spec import name_validators

_WAYS = (("rows", _("Row by row")), ("yaml", _("YAML")))


class FilesInput(UnfoldAdminFileFieldWidget):  # type: ignore[misc]
    """Several files at once, in the theme's look."""

    allow_multiple_selected = True

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"multiple": True, **(attrs or {})})


class FilesField(forms.FileField):
    """Uploaded files as `{name: bytes}`; bounded before they are read."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for file in data or []:
            if file.size > MAX_BYTES:
                raise forms.ValidationError(_("An object holds 1 MiB at most."), "too_large")
            found[file.name] = file.read()
        return found


class ConfigItemForm(OfProjectForm):
    """A ConfigMap or Secret with its values, placed on clusters.

    A secret's values are never sent to the browser: what is filled in replaces
    single keys, and the others stay.
    """

    kind = CONFIG_ITEM
    content: Content | None = None  # what the rows describe, where they are what is saved
    error_fields = {
        **PLACEMENT_FIELDS,
        "metadata.project": "project",
        "spec.type": "object_kind", "spec.secretType": "secret_type", "spec.objectName": "object_name",
        "spec.data": "values", "spec.binaryData": "uploads", "spec.ignoredKeys": "ignored_keys",
    }  # fmt: skip

    name = forms.CharField(
        label=_("Name"), validators=name_validators, widget=text_input(),
        help_text=_("Of the config item in the portal."),
    )  # fmt: skip
    labels = LabelsField()
    secret_type = forms.CharField(
        label=_("Type of the secret"), required=False,
        widget=text_input(placeholder="Opaque", list="kc-secret-types"),
        help_text=_("Of a secret only; its form is checked: a certificate must fit its key."),
    )  # fmt: skip
    object_name = forms.CharField(
        label=_("Name in the clusters"), required=False, widget=text_input(placeholder=_("the same")),
        help_text=_("Of the ConfigMap or Secret. Cannot be changed later."),
    )  # fmt: skip
    namespaces = forms.CharField(
        label=_("Namespaces"), widget=text_input(placeholder="shop, shop-jobs"),
        help_text=_("Separated by commas; created in the clusters when missing."),
    )  # fmt: skip
    values_as = forms.ChoiceField(
        label=_("Written as"), choices=_WAYS, required=False, initial="rows", widget=forms.RadioSelect,
        help_text=_("What is open here is saved; change keys in one of the two only."),
    )  # fmt: skip
    key_rows = KeyRowsField(
        label=_("Keys"), required=False,
        help_text=_("An empty field keeps what is stored and not shown: a secret's value, or binary data."),
    )  # fmt: skip
    values = YamlField(
        label=_("Keys and values (YAML)"), rows=10,
        help_text=_("key: value, one a line; a text of several lines after key: |"),
    )  # fmt: skip
    uploads = FilesField(
        label=_("Files"), required=False,
        help_text=_("Each becomes a key called like the file, text or binary; at most 1 MiB together."),
    )  # fmt: skip
    remove_keys = forms.MultipleChoiceField(
        label=_("Remove keys"), required=False, widget=UnfoldAdminSelect2MultipleWidget
    )
    overrides = YamlField(
        label=_("Overrides (YAML)"),
        help_text=_("What differs on one cluster: cluster-name: {data: {KEY: text}, remove: [KEY]}"),
    )  # fmt: skip
    restart = YamlField(
        label=_("Restart (YAML)"), shape=list, rows=3,
        help_text=_("Workloads that use it, restarted once per change: - {kind: Deployment, name: web}"),
    )  # fmt: skip
    ignored_keys = forms.CharField(
        label=_("Ignored keys"), required=False, widget=text_input(),
        help_text=_("Keys that each cluster may change for itself, separated by commas."),
    )  # fmt: skip
    description = forms.CharField(
        label=_("Description"), required=False, max_length=2000, widget=prose()
    )

    class Meta:
        model = ConfigItem
        fields = ["object_kind", "propagation", "prune", "immutable", "adopt"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        removable = row.keys if row.is_secret else sorted(row.binary_data)
        self.choose("remove_keys", [(key, key) for key in removable])
        self._rows(secret=row.is_secret)
        if not removable:
            del self.fields["remove_keys"]
        if not self.fresh:
            for name in ("object_kind", "secret_type", "object_name"):
                self.fields[name].disabled = True
            if row.is_secret:
                self.fields["values"].help_text = _(
                    "Never shown. What you write here replaces these keys; the others stay: %(keys)s."
                ) % {"keys": ", ".join(row.keys) or "–"}

    def _rows(self, *, secret: bool) -> None:
        """The rows of what is stored; too many for a form are written as YAML."""
        widget: Any = self.fields["key_rows"].widget
        widget.secret = secret
        if not self.fresh and not fits(self.initial["key_rows"]):
            widget.too_many, self.initial["key_rows"] = True, []
            self.initial["values_as"] = "yaml"
            self.choose("values_as", list(_WAYS[1:]))
        chosen = self.instance.placement.get("overrides") or {} if not self.fresh else {}
        names = visible_clusters(self.user).values_list("name", flat=True).order_by("name")[:1000]
        widget.clusters = sorted({*names, *chosen})

    def clean(self) -> dict[str, Any]:
        """Keys changed in both ways would be lost in one of them."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        way = given.get("values_as")
        if way == "rows" and "key_rows" in given:
            before = Content() if self.fresh else content_of(self.instance)
            try:
                self.content = edited(before, given["key_rows"])
            except InvalidError as error:
                self.add_error("key_rows", error.message)
        if way == "rows" and any(self._retyped(name) for name in ("values", "overrides")):
            self.add_error("values_as", _("The YAML was changed too: save one of the two."))
        elif way == "yaml" and "key_rows" in self.changed_data:
            self.add_error("values_as", _("The rows were changed too: save one of the two."))
        return given

    def _field_of(self, path: str) -> str | None:
        """What is wrong with values is said where they were written."""
        found = super()._field_of(path)
        by_rows = self.content is not None and found in {"values", "overrides"}
        return "key_rows" if by_rows else found

    def _retyped(self, name: str) -> bool:
        """Whether a YAML field says something else than what is stored."""
        if name not in self.data or name not in self.cleaned_data:
            return False
        return bool(self.cleaned_data[name] != (self.initial.get(name) or {}))

    def stored(self) -> dict[str, Any]:
        row = self.instance
        placement = self.stored_placement()
        columns = ("name", "description", "labels", "secret_type", "object_name", "restart")
        return {
            **{key: getattr(row, key) for key in columns},
            **placement,
            "values": row.data,
            "key_rows": rows_of(content_of(row), secret=row.is_secret, key=digest_key()),
            "namespaces": ", ".join(row.namespaces),
            "ignored_keys": ", ".join(row.ignored_keys),
            "project": row.project.name if row.project else "",
        }

    def spec(self) -> dict[str, Any]:
        given = self.cleaned_data
        kind = given["object_kind"] or self.instance.object_kind
        secret = kind == ConfigKind.SECRET
        if self.content is not None:
            values, overrides = self._by_rows(self.content, secret=secret)
        else:
            values, overrides = self._values(secret=secret), given["overrides"]
        return {
            "type": kind,
            "secretType": given["secret_type"].strip() if kind == ConfigKind.SECRET else "",
            "objectName": given["object_name"].strip(),
            "namespaces": _listed(given["namespaces"]),
            **values,
            "placement": self.placement(overrides),
            "immutable": given["immutable"],
            "prune": given["prune"],
            "propagation": given["propagation"],
            "adopt": given["adopt"],
            "restart": given["restart"],
            "ignoredKeys": _listed(given["ignored_keys"]),
            "description": given["description"],
        }

    def _by_rows(self, content: Content, *, secret: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        """Values and overrides of the rows; of a secret of which no key changed, none."""
        before = Content() if self.fresh else content_of(self.instance)
        values = {**content.values, **self.cleaned_data["uploads"]}
        kept = secret and not self.fresh
        overrides: dict[str, Any] = {}
        for name, one in content.overrides.items():
            overrides[name] = {"remove": sorted(one.remove)}
            if not kept or before.overrides.get(name, Override()).values != one.values:
                data, binary = as_document(one.values)
                overrides[name] |= {"data": data, "binaryData": binary}
        if kept and values == before.values:
            return {}, overrides
        data, binary = as_document(values)
        return {"data": data, "binaryData": binary}, overrides

    def _values(self, *, secret: bool) -> dict[str, Any]:
        """`data` and `binaryData`; of a stored secret, those stored with what was filled in."""
        given = self.cleaned_data
        removed = set(given.get("remove_keys") or ())
        typed = {str(key): _text(value) for key, value in given["values"].items()}
        files: dict[str, bytes] = given["uploads"]
        if secret and not self.fresh:
            if not typed and not files and not removed:
                return {}
            data, binary = as_document(content_of(self.instance).values)
        else:
            data, binary = {}, dict(self.instance.binary_data)
        data |= typed
        for name, content in files.items():
            (data if is_text(content) else binary).pop(name, None)
            if is_text(content):
                data[name] = content.decode()
            else:
                binary[name] = base64.b64encode(content).decode()
        return {
            "data": {key: text for key, text in data.items() if key not in removed},
            "binaryData": {key: text for key, text in binary.items() if key not in removed},
        }


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\n", ",").split(",") if part.strip()]


def _text(value: Any) -> Any:
    """Numbers and booleans of YAML as the texts that they are in an object."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


class ConfigRollbackForm(PortalForm):
    """An earlier revision."""

    revision = forms.TypedChoiceField(label=_("Revision"), coerce=int, widget=select())

    def prepare(self) -> None:
        rows = list(self.row.revisions.order_by("-number")[:50])
        listed = [
            (
                one.number,
                f"#{one.number} · {one.author_name or '–'} · {one.created_at:%Y-%m-%d %H:%M}",
            )
            for one in rows
        ]
        self.fields["revision"].choices = listed[1:] or listed  # type: ignore[attr-defined]


class RevealForm(PortalForm):
    """Which keys to show; none chosen: all."""

    keys = forms.MultipleChoiceField(
        label=_("Keys"), required=False, widget=UnfoldAdminSelect2MultipleWidget,
        help_text=_("None chosen: all of them."),
    )  # fmt: skip
    cluster = forms.ChoiceField(label=_("As on"), required=False, widget=select())

    def prepare(self) -> None:
        self.fields["keys"].choices = [(key, key) for key in self.row.keys]  # type: ignore[attr-defined]
        _clusters(self)


class AdoptForm(PortalForm):
    """Where to take over what is there."""

    cluster = forms.ChoiceField(label=_("Where"), required=False, widget=select())

    def prepare(self) -> None:
        _clusters(self)


def _clusters(form: PortalForm) -> None:
    names = form.row.copies.order_by("cluster__name").values_list("cluster__name", flat=True)
    choices = [EVERYWHERE, *((name, name) for name in dict.fromkeys(names))]
    form.fields["cluster"].choices = choices  # type: ignore[attr-defined]


class ConfigDeleteForm(PortalForm):
    """What becomes of its objects."""

    keep_objects = forms.BooleanField(
        label=_("Leave every object in place"), required=False,
        help_text=_("The objects stay in the clusters, without our marks."),
    )  # fmt: skip

    def prepare(self) -> None:
        if self.row is not None:
            self.fields["keep_objects"].initial = self.row.prune == "keep"


class ResolveForm(PortalForm):
    """One of the four decisions."""

    choice = forms.ChoiceField(
        label=_("Decision"), choices=ConflictChoice.choices, widget=forms.RadioSelect
    )


#: Suggestions for the type of a secret.
SECRET_TYPES = KNOWN
