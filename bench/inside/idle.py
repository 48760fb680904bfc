"""Copies of a deployed release or of a config item's copy, and one pass over all of them in a fresh process.

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
from collections.abc import Callable

from django.db import transaction
from django.db.models import Model

from apps.models import Application, ApplicationRevision, Release
from apps.tasks import reconcile_releases
from fleet.models import ConfigCopy, ConfigItem, ConfigItemRevision
from fleet.tasks import reconcile_config_copies
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


def copy_configs(count: int) -> dict[str, float]:
    """The same of a config item: each copy is an item with its revision and its config copy."""
    original = ConfigCopy.objects.select_related("item", "revision").get()
    items, revisions, copies = [], [], []
    for number in range(count - ConfigCopy.objects.count()):
        name = f"copy-{number}"
        item = _copied(original.item, name=name, object_name=name)
        revision = _copied(original.revision, item=item)
        items.append(item)
        revisions.append(revision)
        copies.append(
            _copied(
                original,
                item=item,
                revision=revision,
                object_name=name,
                name=f"{name}.{original.name.partition('.')[2]}",
            )
        )
    with transaction.atomic(), audit.unaudited("rows of a benchmark"):
        ConfigItem.objects.bulk_create(items)
        ConfigItemRevision.objects.bulk_create(revisions)
        ConfigCopy.objects.bulk_create(copies)
    return {"copies": ConfigCopy.objects.count()}


def one_pass(model: type[Release | ConfigCopy], task: Callable[[], None]) -> dict[str, float]:
    """CPU of the task alone: the first call finds nothing due and pays for the start."""
    model.objects.all().status_update(next_reconcile_at=None)
    task()
    due = lease.wake(model.objects.all())
    cpu, wall = _cpu_seconds(), time.monotonic()
    task()
    cpu, wall = _cpu_seconds() - cpu, time.monotonic() - wall
    left = model.objects.filter(lease.due()).count()
    return {"due": due, "left": left, "cpu_seconds": cpu, "wall_seconds": wall}


def _copied[T: Model](row: T, **changed: object) -> T:
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
    match sys.argv[1:]:
        case ["copy", count]:
            print(json.dumps(copy(int(count))))
        case ["copy", count, "configs"]:
            print(json.dumps(copy_configs(int(count))))
        case ["pass", "configs"]:
            print(json.dumps(one_pass(ConfigCopy, reconcile_config_copies)))
        case _:
            print(json.dumps(one_pass(Release, reconcile_releases)))
