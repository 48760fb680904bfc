"""Config items as text for people: specs and values, secrets masked, as unified diffs. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from fleet.configs.content import Content, Values, shown
from kubecarrier.lib import strict_yaml

Json = dict[str, Any]
_CONTEXT_LINES = 3
_VALUE_COLUMNS = frozenset({"data", "binary_data", "keys"})


def spec_text(spec: Json, content: Content, *, key: bytes) -> str:
    """A spec with its values, as YAML."""
    secret = spec["object_kind"] == "Secret"
    said = {name: value for name, value in spec.items() if name not in _VALUE_COLUMNS}
    overrides = {
        name: {"values": shown(o.values, secret=secret, key=key), "remove": sorted(o.remove)}
        for name, o in sorted(content.overrides.items())
    }
    said["placement"] = {**spec["placement"], "overrides": overrides}
    return strict_yaml.dump({**said, "data": shown(content.values, secret=secret, key=key)})


def values_text(values: Values, *, secret: bool, key: bytes) -> str:
    """Values alone, as YAML; "" for nothing."""
    return strict_yaml.dump({"data": shown(values, secret=secret, key=key)}) if values else ""


def found_text(
    found: Mapping[str, bytes | None], present: Values, *, secret: bool, key: bytes
) -> str:
    """What stands in the item against what was found in a cluster, only the keys concerned."""
    before = {name: present[name] for name in found if name in present}
    after = {name: value for name, value in found.items() if value is not None}
    return unified(
        values_text(before, secret=secret, key=key),
        values_text(after, secret=secret, key=key),
        "wanted",
        "found",
    )


def unified(before: str, after: str, old: str, new: str) -> str:
    """A unified diff; "" where both are the same."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), old, new, n=_CONTEXT_LINES, lineterm=""
    )
    return "\n".join(lines)
