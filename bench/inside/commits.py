"""Commits that make a release due, and when a worker claimed it, on one clock.

A trigger in the database notes each claim (the claim raises `lease_token`), so
that the product is measured as it is. The cluster is paused: the pass itself
is short. Pauses between commits are random, or they would fall into step with
the queue's polling.
"""

from __future__ import annotations

import json
import random
import sys
import time
from typing import Any

from django.db import connection, transaction

from apps.models import Application
from apps.services.applications import application_redeploy

_TABLE = "bench_claim"
_TRIGGER = f"""
CREATE TRIGGER {_TABLE}_note AFTER UPDATE OF lease_token ON apps_release
WHEN NEW.lease_token > OLD.lease_token
BEGIN INSERT INTO {_TABLE} VALUES ((julianday('now') - 2440587.5) * 86400.0); END
"""
_PAUSE_SECONDS = (0.05, 0.3)
_PATIENCE_SECONDS = 30.0


def main(count: int) -> dict[str, list[float]]:
    """Milliseconds from each commit to the claim after it."""
    _execute(f"CREATE TABLE {_TABLE} (claimed_at REAL)")
    _execute(_TRIGGER)
    application = Application.objects.get()
    chance = random.Random(1)
    waits = []
    for _ in range(count):
        time.sleep(chance.uniform(*_PAUSE_SECONDS))
        committed = _commit(application)
        waits.append(max(0.0, (_claimed_after(committed) - committed) * 1000))
    _execute(f"DROP TRIGGER {_TABLE}_note")
    return {"milliseconds": waits}


def _commit(application: Application) -> float:
    """The first thing that runs after the commit notes the time; the wake-up comes after it."""
    noted: list[float] = []
    with transaction.atomic():
        transaction.on_commit(lambda: noted.append(time.time()))
        application_redeploy(application=application)
    return noted[0]


def _claimed_after(committed: float) -> float:
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < ends_at:
        # The database's clock counts whole milliseconds.
        sql = f"SELECT min(claimed_at) FROM {_TABLE} WHERE claimed_at >= %s"
        found = _execute(sql, [committed - 0.001])
        if found is not None:
            return float(found)
        time.sleep(0.02)
    raise TimeoutError("no worker claimed the release")


def _execute(sql: str, parameters: list[Any] | None = None) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row = cursor.fetchone() if sql.startswith("SELECT") else None
    return row[0] if row else None


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
