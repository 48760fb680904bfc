"""Free text and labels over the inventory, quick on both databases.

PostgreSQL has a trigram index on `text` (where its extension could be made),
SQLite a trigram FTS table, kept by triggers (migration `inventory`). Either
says quickly which rows hold some words, but not in the list's order, and a
list's index gives the order, but not the words. So: words that few rows hold
are looked up first; words that many hold are met soon on the way through the
list's index. Both stop after a bounded number of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connections, models
from django.db.models import Q

from fleet.models import InventoryObject
from kubecarrier.lib.placement import Operator, filter_by_labels, parse_selector

TEXT_TABLE = "fleet_inventory_text"
_MATCHING = "SELECT rowid FROM fleet_inventory_text WHERE fleet_inventory_text MATCH %s LIMIT %s"
_FEW = 1000
_TRIGRAM = 3
_MAX_WORDS = 8


def with_words(rows: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
    """The rows that hold every word of `text`, anywhere in kind, namespace, name or labels."""
    return _holding(rows, text.lower().split()[:_MAX_WORDS])


def with_labels(rows: models.QuerySet[Any], selector: str) -> models.QuerySet[Any]:
    """A label selector; what must be equal is looked up as text first."""
    required = [
        f"\n{one.key}={next(iter(one.values))}\n".lower()
        for one in parse_selector(selector, where="labelSelector").requirements
        if one.operator is Operator.IN and len(one.values) == 1
    ]
    return filter_by_labels(_holding(rows, required), selector)


def _holding(rows: models.QuerySet[Any], words: Sequence[str]) -> models.QuerySet[Any]:
    if not words:
        return rows
    found = Q()
    for word in words:
        found &= Q(text__contains=word)
    few = _few_with(found, words, using=rows.db)
    return rows.filter(found) if few is None else rows.filter(found, pk__in=few)


def _few_with(found: Q, words: Sequence[str], *, using: str) -> list[int] | None:
    """The keys of the rows with all words, None when they are many or no index can tell."""
    connection = connections[using]
    if connection.vendor != "sqlite":
        matching = InventoryObject.objects.using(using).filter(found)
        pks = list(matching.order_by().values_list("pk", flat=True)[: _FEW + 1])
        return pks if len(pks) <= _FEW else None
    indexed = [word for word in words if len(word) >= _TRIGRAM]
    if not indexed or not _has_text_table(using):
        return None
    phrase = " AND ".join('"{}"'.format(word.replace('"', '""')) for word in indexed)
    with connection.cursor() as cursor:
        cursor.execute(_MATCHING, [phrase, _FEW + 1])
        pks = [row[0] for row in cursor.fetchall()]
    return pks if len(pks) <= _FEW else None


@cache
def _has_text_table(using: str) -> bool:
    """A SQLite without FTS5 has none: then the list's index is walked."""
    return TEXT_TABLE in connections[using].introspection.table_names()
