"""How an object of a cluster is shown: without field ownership, and without a secret's values.

A masked value reads `*** (1a2b3c4d)`: a keyed fingerprint, so that one can see
*that* it changed. A mask that comes back means "as it is" and is replaced by
the live value; one that is not the mask of the live value is refused, so that
no mask is ever stored.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from django.conf import settings

from kubecarrier.lib.errors import ConflictError, InvalidError
from kubecarrier.lib.redaction import MASK, mask_secret_objects

Json = dict[str, Any]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_FIRST = frozenset({"apiVersion", "kind", "metadata"})  # in the order in which people write them
_A_MASK = re.compile(rf"{re.escape(MASK)}( \([0-9a-f]{{8}}\))?")


def shown(obj: Json, *, managed_fields: bool = False) -> Json:
    """A copy for people."""
    found = masked(obj)
    metadata = dict(found.get("metadata") or {})
    if not managed_fields:
        metadata.pop("managedFields", None)
    first: Json = {key: found[key] for key in ("apiVersion", "kind") if key in found}
    return {**first, "metadata": metadata, **{k: v for k, v in found.items() if k not in _FIRST}}


def masked[T](value: T) -> T:
    """A copy in which every Secret has fingerprints for values."""
    found: T = mask_secret_objects(value, key=settings.SECRET_KEY.encode())
    return found


def unmasked(wish: Json, live: Json | None) -> Json:
    """What somebody sends back, with the masks they were shown replaced by what is live.

    Raises ConflictError when a masked value changed since it was shown, and
    InvalidError for a mask that never was one of ours.
    """
    if wish.get("kind") != "Secret":
        return wish
    wish, live = copy.deepcopy(wish), live or {}
    masks = (masked(live).get("data") or {}) if live else {}
    values = live.get("data") or {}
    for part in ("data", "stringData"):
        given = wish.get(part)
        if not isinstance(given, dict):
            continue
        for name, value in list(given.items()):
            if isinstance(value, str) and _A_MASK.fullmatch(value):
                _restore(wish, part, name, masks, values)
    _restore_last_applied(wish, live)
    return wish


def _restore(wish: Json, part: str, name: str, masks: Json, values: Json) -> None:
    where = f"{part}.{name}"
    if name not in values:
        raise InvalidError(
            "secret_mask_written", "This is a mask, not a value; it is not stored.", field=where
        )
    if wish[part][name] != masks.get(name):
        raise ConflictError(
            "secret_changed", "The value changed since its mask was shown to you.", field=where,
            hint="Read the object again.",
        )  # fmt: skip
    del wish[part][name]
    wish.setdefault("data", {})
    wish["data"][name] = values[name]


def _restore_last_applied(wish: Json, live: Json) -> None:
    """kubectl's copy of the whole Secret is shown as a mask too."""
    annotations = (wish.get("metadata") or {}).get("annotations")
    if not isinstance(annotations, dict) or annotations.get(LAST_APPLIED) != MASK:
        return
    there = ((live.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
    if there is None:
        del annotations[LAST_APPLIED]
    else:
        annotations[LAST_APPLIED] = there
