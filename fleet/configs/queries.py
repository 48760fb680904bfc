"""Facts about config items and their copies, read only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.conf import settings
from django.db.models import Count, Q

from fleet.choices import ConfigKind
from fleet.configs.content import Content, Override, Values, of_document, unencoded, unpacked
from fleet.configs.object import Wanted
from fleet.models import ConfigConflict, ConfigCopy, ConfigItem, ConfigItemRevision
from kubecarrier.lib import crypto
from kubecarrier.lib.conditions import Status

Json = dict[str, Any]


def digest_key() -> bytes:
    """What digests and fingerprints are keyed with, the same in every process."""
    return str(settings.SECRET_KEY).encode()


def content_of(row: ConfigItem) -> Content:
    """All values of an item, its secret ones opened; raises SealError."""
    sealed = crypto.reveal(row, "secret_data") if row.is_secret else ""
    return _content(
        secret=row.is_secret,
        data=row.data,
        binary=row.binary_data,
        overrides=row.placement.get("overrides") or {},
        sealed=sealed,
    )


def revision_content(revision: ConfigItemRevision) -> Content:
    """All values of a saved spec."""
    spec = revision.spec
    secret = spec["object_kind"] == ConfigKind.SECRET
    return _content(
        secret=secret,
        data=spec["data"],
        binary=spec["binary_data"],
        overrides=spec["placement"].get("overrides") or {},
        sealed=crypto.reveal(revision, "secret_data") if secret else "",
    )


def _content(
    *, secret: bool, data: Json, binary: Json, overrides: Mapping[str, Json], sealed: str
) -> Content:
    if secret:
        return unpacked(sealed, {n: o.get("remove") or () for n, o in overrides.items()})
    found = {
        name: Override(
            of_document(o.get("data") or {}, o.get("binaryData") or {}, field=name),
            frozenset(o.get("remove") or ()),
        )
        for name, o in overrides.items()
    }
    return Content(of_document(data, binary, field="data"), found)


def wanted_in(row: ConfigItem, namespace: str, values: Values) -> Wanted:
    """The object of an item in one namespace."""
    return Wanted(
        kind=row.object_kind,
        type=row.secret_type,
        namespace=namespace,
        name=row.object_name,
        owner=owner_mark(row),
        values=values,
        immutable=row.immutable,
    )


def owner_mark(row: ConfigItem) -> str:
    """The owner annotation's value."""
    return f"configitem/{row.pk}"


def found_of(conflict: ConfigConflict) -> dict[str, bytes | None]:
    """What a conflict holds by key; None: the key was not there."""
    opened: dict[str, str | None] = orjson.loads(crypto.reveal(conflict, "found") or "{}")
    given = unencoded({key: text for key, text in opened.items() if text is not None})
    return {key: given.get(key) for key in opened}


def attach_copies(rows: Sequence[ConfigItem]) -> None:
    """The number of copies of each item by state, in two queries."""
    drifted = Q(conditions__Drifted__status=Status.TRUE.value)
    counted = (
        ConfigCopy.objects.filter(item__in=[row.pk for row in rows])
        .order_by()
        .values("item_id")
        .annotate(
            total=Count("pk"),
            good=Count("pk", filter=Q(ready=Status.TRUE.value)),
            drifting=Count("pk", filter=drifted),
        )
        .values_list("item_id", "total", "good", "drifting")
    )
    waiting = (
        ConfigConflict.objects.filter(item__in=[row.pk for row in rows], open=True)
        .order_by()
        .values("item_id")
        .annotate(total=Count("pk"))
        .values_list("item_id", "total")
    )
    conflicts = dict(waiting)
    copies = {pk: counts for pk, *counts in counted}
    for row in rows:
        total, ready, drifting = copies.get(row.pk, (0, 0, 0))
        row.counts = {
            "total": total,
            "ready": ready,
            "drifted": drifting,
            "conflicts": conflicts.get(row.pk, 0),
        }


def open_conflicts(request: Any) -> str:
    """How many changes wait in the inbox, for the side bar; "" for none."""
    count = ConfigConflict.objects.visible_to(request.user).filter(open=True)[:100].count()
    return str(count) if count else ""
