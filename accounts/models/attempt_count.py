"""How often somebody tried something lately."""

from __future__ import annotations

from django.db import models


class AttemptCount(models.Model):
    """Tries under one key within a window; the key is a hash, so that no name or address is kept."""

    key = models.CharField(primary_key=True, max_length=64)
    count = models.PositiveIntegerField(default=0)
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key
