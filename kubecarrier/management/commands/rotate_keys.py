"""`manage.py rotate_keys`: seal every stored credential anew with the first key.

Rows are rewritten one by one on the condition that nobody changed them
meanwhile, a batch per transaction: it may be interrupted and started again at
any time, and beside a running portal. Old keys may go once `--check` finds none.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction

from kubecarrier.lib import audit, crypto
from kubecarrier.lib.crypto import SealError

_BATCH = 200


class Command(BaseCommand):
    """Prints a line per column; ends with 1 when rows do not open, or some are left (--check)."""

    help = "Seal every stored credential anew with the first of KUBECARRIER_ENCRYPTION_KEYS."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only count rows under old keys")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        columns = list(crypto.sealed_columns())
        if check:
            self._check(columns)
            return
        unreadable = 0
        for model, column in columns:
            sealed, failed = rotate(model, column)
            unreadable += len(failed)
            self.stdout.write(
                f"{_name(model, column)}: {sealed} sealed anew, {len(failed)} unreadable"
            )
            for pk in failed:
                self.stderr.write(f"{_name(model, column)} {pk}: does not open with any key")
        if unreadable:
            raise CommandError(f"{unreadable} rows do not open with the configured keys")

    def _check(self, columns: list[tuple[type[models.Model], str]]) -> None:
        left = 0
        for model, column in columns:
            count = under_old_keys(model, column).count()
            left += count
            self.stdout.write(f"{_name(model, column)}: {count} under old keys")
        if left:
            raise CommandError(f"{left} rows are under old keys; run `manage.py rotate_keys`")


def under_old_keys(model: type[models.Model], column: str) -> models.QuerySet[models.Model]:
    """Rows whose value another key than the present one has sealed."""
    fresh = {f"{column}__startswith": f"v1:{crypto.current_key_id()}:"}
    return model._default_manager.exclude(**{column: ""}).exclude(**fresh)


def rotate(model: type[models.Model], column: str) -> tuple[int, list[Any]]:
    """How many rows were sealed anew, and the keys of those that do not open."""
    sealed, failed = 0, []
    for batch in _batches(model, column):
        with transaction.atomic():
            for row in batch:
                try:
                    sealed += _seal_anew(row, column)
                except SealError:
                    failed.append(row.pk)
    return sealed, failed


def _batches(model: type[models.Model], column: str) -> Iterator[list[models.Model]]:
    """By primary key, so that rows which do not open are passed over."""
    rows = under_old_keys(model, column).only("pk", column).order_by("pk")
    batch = list(rows[:_BATCH])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1].pk)[:_BATCH])


def _seal_anew(row: models.Model, column: str) -> int:
    """1, or 0 when somebody wrote a new value meanwhile (sealed with the first key already)."""
    before = getattr(row, column)
    crypto.seal(row, column, crypto.reveal(row, column))
    same = type(row)._default_manager.filter(**{"pk": row.pk, column: before})
    with audit.unaudited("the same secret under another key"):
        return same.update(**{column: getattr(row, column)})


def _name(model: type[models.Model], column: str) -> str:
    return f"{model._meta.label}.{column}"
