"""Limits on how often something may be tried, kept in the database: they hold over all processes.

When the database cannot be asked nobody gets through: the error stands.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import AttemptCount
from kubecarrier.lib.errors import KubeCarrierError


class ThrottledError(KubeCarrierError):
    """Too many tries; `data` has `retryAfter` in seconds."""

    http_status = 429


def attempt_count(*, what: str, who: str, limit: int, seconds: int) -> None:
    """Count one try of `what` by `who`; raises ThrottledError beyond `limit` within `seconds`."""
    key = hashlib.sha256(f"{what}\0{who}".encode()).hexdigest()
    now = timezone.now()
    with transaction.atomic():
        AttemptCount.objects.filter(ends_at__lt=now).delete()
        ends_at = now + timedelta(seconds=seconds)
        AttemptCount.objects.get_or_create(key=key, defaults={"ends_at": ends_at})
        row = AttemptCount.objects.select_for_update().get(key=key)
        row.count = min(row.count + 1, limit + 1)
        row.save(update_fields=["count"])
    if row.count > limit:
        wait = max(1, round((row.ends_at - now).total_seconds()))
        raise ThrottledError(
            "too_many_attempts", f"Too many tries. Wait {wait} s.", retryAfter=wait
        )


def attempt_forget(*, what: str, who: str) -> None:
    """It worked: earlier failures are forgotten."""
    key = hashlib.sha256(f"{what}\0{who}".encode()).hexdigest()
    AttemptCount.objects.filter(key=key).delete()
