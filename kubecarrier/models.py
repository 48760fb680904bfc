"""Rows that belong to the running portal itself."""

from __future__ import annotations

from django.db import models


class Heartbeat(models.Model):
    """A process group says that it works; `manage.py up` restarts one that falls silent."""

    name = models.CharField(max_length=100, primary_key=True)
    beat_at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name
