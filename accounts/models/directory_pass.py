"""When the directory was last compared with the people here, and what came of it."""

from __future__ import annotations

from django.db import models


class DirectoryPass(models.Model):
    """One row per tree. `due_at` is moved by whoever takes the pass: of several one does it."""

    issuer = models.CharField(primary_key=True, max_length=500)
    due_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    succeeded = models.BooleanField(default=False)
    said = models.CharField(max_length=500, blank=True)
    people = models.PositiveIntegerField(default=0)
    ended = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.issuer
