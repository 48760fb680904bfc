"""Copies of a deployed release, and one pass over all of them in a fresh process.

`copy COUNT`: each copy is an application with its revision and its
release; the release has every status column of the deployed one, which is what
the release reconciler and the watch left there. `pass`: everything is made due
and the queue's own task function runs once.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import uuid

from django.db import transaction

from apps.models import Application, ApplicationRevision, Release
from apps.tasks import reconcile_releases
from kubecarrier.lib import audit, lease


def copy(count: int) -> dict[str, float]:
    """Nothing is enqueued and nothing is due: the rows are as a quiet portal has them."""
    release = Release.objects.select_related("application", "revision").get()
    made: list[tuple[Application, ApplicationRevision, Release]] = []
    for number in range(count - Release.objects.count()):
        name = f"copy-{number}"
        application = _copied(release.application, name=name)
        revision = _copied(release.revision, application=application)
        made.append(
            (
                application,
                revision,
                _copied(
                    release,
                    application=application,
                    revision=revision,
                    name=f"{name}.{release.name.partition('.')[2]}",
                    release_name=name,
                ),
            )
        )
    with transaction.atomic(), audit.unaudited("rows of a benchmark"):
        Application.objects.bulk_create([one[0] for one in made])
        ApplicationRevision.objects.bulk_create([one[1] for one in made])
        Release.objects.bulk_create([one[2] for one in made])
    return {"releases": Release.objects.count()}


def one_pass() -> dict[str, float]:
    """CPU of the task alone: the first call finds nothing due and pays for the start."""
    Release.objects.all().status_update(next_reconcile_at=None)
    reconcile_releases()
    due = lease.wake(Release.objects.all())
    cpu, wall = _cpu_seconds(), time.monotonic()
    reconcile_releases()
    cpu, wall = _cpu_seconds() - cpu, time.monotonic() - wall
    left = Release.objects.filter(lease.due()).count()
    return {"due": due, "left": left, "cpu_seconds": cpu, "wall_seconds": wall}


def _copied[T: (Application, ApplicationRevision, Release)](row: T, **changed: object) -> T:
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    made = type(row)(**values)
    made.pk = uuid.uuid4()
    for name, value in changed.items():
        setattr(made, name, value)
    return made


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    print(json.dumps(copy(int(sys.argv[2])) if sys.argv[1] == "copy" else one_pass()))
