"""How an item's values get into its columns: readable for config maps, sealed for secrets."""

from __future__ import annotations

from typing import Any

from fleet.configs.content import Content, as_document, packed
from fleet.configs.queries import revision_content
from fleet.configs.secret_types import certificate_end
from fleet.models import ConfigItem, ConfigItemRevision
from kubecarrier.lib import crypto
from kubecarrier.lib.placement import Placement

Json = dict[str, Any]

# What a revision holds: the whole spec, by column; a secret's values are beside it.
REVISION_COLUMNS = (
    "object_kind", "secret_type", "object_name", "namespaces", "data", "binary_data", "keys",
    "placement", "immutable", "prune", "propagation", "adopt", "restart", "ignored_keys",
    "description",
)  # fmt: skip


def store_content(row: ConfigItem, content: Content) -> None:
    """Set the columns that hold values. Does not save."""
    secret = row.is_secret
    row.data, row.binary_data = ({}, {}) if secret else as_document(content.values)
    row.keys = sorted(content.values)
    row.placement = {
        **Placement().stored(),
        **row.placement,
        "overrides": _overrides(content, secret=secret),
    }
    row.certificate_expires_at = certificate_end(row.secret_type, content.values)
    crypto.seal(row, "secret_data", packed(content) if secret else "")


def _overrides(content: Content, *, secret: bool) -> Json:
    found: Json = {}
    for name, override in sorted(content.overrides.items()):
        if not override.values and not override.remove:
            continue
        entry: Json = {"remove": sorted(override.remove)}
        if secret:
            entry["keys"] = sorted(override.values)
        else:
            entry["data"], entry["binaryData"] = as_document(override.values)
        found[name] = entry
    return found


def spec_of(row: ConfigItem) -> Json:
    """The spec as a revision keeps it."""
    return {column: getattr(row, column) for column in REVISION_COLUMNS}


def seal_revision(revision: ConfigItemRevision, content: Content) -> None:
    """The secret values of a saved spec. Does not save."""
    secret = revision.spec["object_kind"] == "Secret"
    crypto.seal(revision, "secret_data", packed(content) if secret else "")


def rename_in(revision: ConfigItemRevision, old: str, new: str) -> None:
    """A revision's placement names clusters: the name changes, what was saved does not."""
    spec = revision.spec
    placement = Placement.of(spec["placement"]).renamed(old, new).stored()
    if placement == spec["placement"]:
        return
    content = revision_content(revision).renamed(old, new)
    revision.spec = {**spec, "placement": placement}
    seal_revision(revision, content)
    revision.save()
