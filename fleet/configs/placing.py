"""From a config item to its copies: one row per chosen cluster and namespace.

Called inside the transaction of whatever changed: the item, a cluster's
labels, a cluster's name. Rows that are wanted alike are written by one UPDATE,
however many there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from fleet.choices import CONFIG_SUMMARY_TASK, CONFIG_TASK, PrunePolicy, TargetState
from fleet.configs.queries import content_of, digest_key, wanted_in
from fleet.configs.storing import rename_in, store_content
from fleet.errors import ConfigItemInvalidError, ConfigItemStateError
from fleet.models import Cluster, ConfigCopy, ConfigItem, ConfigItemRevision, Operation
from fleet.operations import Target, operation_start, targets_progress
from fleet.projects.bounds import within
from kubecarrier.lib import access, audit, lease
from kubecarrier.lib.placement import Placement, resolve
from kubecarrier.lib.tasks import wake_on_commit

_ANOTHER = "A config item that you may not see"

Spot = tuple[Any, str]  # cluster id, namespace


def place(row: ConfigItem, revision: ConfigItemRevision, *, verb: str) -> Operation:
    """Bring the copies to what the item wants, and record the operation."""
    return operation_start(verb=verb, row=row, targets=place_copies(row, revision))


def place_copies(row: ConfigItem, revision: ConfigItemRevision) -> list[Target]:
    """Bring the copies to what the item wants; raises ConfigItemStateError `object_taken`."""
    clusters = {c.name: c for c in Cluster.objects.filter(deletion_requested_at=None)}
    labels = {name: c.selector_labels() for name, c in clusters.items()}
    chosen = resolve(row.placed, within(row.project, labels))
    digests = _digests(row, chosen)
    present = {(copy.cluster_id, copy.namespace): copy for copy in row.copies.all()}
    fresh: list[ConfigCopy] = []
    moved: dict[str, list[ConfigCopy]] = defaultdict(list)
    for name in sorted(chosen):
        for namespace in row.namespaces:
            copy = present.pop((clusters[name].pk, namespace), None)
            if copy is None:
                fresh.append(_new(row, revision, clusters[name], namespace, digests[name]))
            elif _differs(copy, row, digests[name]):
                moved[digests[name]].append(copy)
            else:
                moved[""].append(copy)
    _refuse_taken(row, fresh)
    gone = [c for c in present.values() if c.deletion_requested_at is None and not row.suspended]
    _write(row, revision, fresh, moved)
    ask_deletion(gone, keep=row.prune == PrunePolicy.KEEP)
    wake_on_commit(CONFIG_TASK)
    changed = [copy for digest, copies in moved.items() if digest for copy in copies]
    return [
        *(Target(c.pk, c.name, c.generation) for c in fresh),
        *(Target(c.pk, c.name, c.generation + 1) for c in (*changed, *gone)),
    ]


def replace(row: ConfigItem) -> None:
    """Place it again, as it was saved last: what may be chosen has changed."""
    revision = row.revisions.order_by("-number").first()
    if revision is not None:
        place_copies(row, revision)


def _digests(row: ConfigItem, chosen: Iterable[str]) -> dict[str, str]:
    content, key = content_of(row), digest_key()
    everywhere = wanted_in(row, "", content.values).digest(key)
    return {
        name: wanted_in(row, "", content.on(name)).digest(key)
        if name in content.overrides
        else everywhere
        for name in chosen
    }


def _new(
    row: ConfigItem, revision: ConfigItemRevision, cluster: Cluster, namespace: str, digest: str
) -> ConfigCopy:
    return ConfigCopy(
        item=row,
        cluster=cluster,
        name=f"{row.name}.{cluster.name}.{namespace}",
        namespace=namespace,
        object_kind=row.object_kind,
        object_name=row.object_name,
        revision=revision,
        desired_digest=digest,
        suspended=row.suspended,
        adopt=row.adopt,
    )


def _differs(copy: ConfigCopy, row: ConfigItem, digest: str) -> bool:
    """Whether there is work for the reconciler; the revision's number alone is none."""
    return (
        copy.desired_digest != digest
        or copy.deletion_requested_at is not None
        or copy.suspended != row.suspended
        or (row.adopt and not copy.adopt)
    )


def _write(
    row: ConfigItem,
    revision: ConfigItemRevision,
    fresh: list[ConfigCopy],
    moved: dict[str, list[ConfigCopy]],
) -> None:
    with audit.unaudited("derived from the config item"):
        ConfigCopy.objects.bulk_create(fresh)
        for digest, copies in moved.items():
            rows = ConfigCopy.objects.filter(pk__in=[copy.pk for copy in copies])
            if not digest:
                rows.exclude(revision=revision).update(revision=revision)
                continue
            rows.update(
                revision=revision,
                desired_digest=digest,
                suspended=row.suspended,
                **({"adopt": True} if row.adopt else {}),
                deletion_requested_at=None,
                generation=F("generation") + 1,
                next_reconcile_at=Now(),
                updated_at=timezone.now(),
            )


def _refuse_taken(row: ConfigItem, fresh: list[ConfigCopy]) -> None:
    """Two items must never write one object."""
    if not fresh:
        return
    others = ConfigCopy.objects.filter(
        cluster__in={copy.cluster_id for copy in fresh},
        namespace__in={copy.namespace for copy in fresh},
        object_kind=row.object_kind,
        object_name=row.object_name,
    ).exclude(item=row)
    spots = {(copy.cluster_id, copy.namespace) for copy in fresh}
    for other in others.select_related("item", "cluster"):
        if (other.cluster_id, other.namespace) in spots:
            name = _named(other.item)
            raise ConfigItemStateError(
                "object_taken",
                f"{name} writes {row.object_kind} {row.object_name}"
                f" in {other.namespace} on {other.cluster.name} already.",
                field="spec.objectName",
                hint="Give it another name or namespace, or another placement.",
                item=other.item.name if name != _ANOTHER else "",
            )


def _named(item: ConfigItem) -> str:
    """By its name to whoever may see it."""
    person = access.acting_person()
    seen = person is None or access.may(person, "configitems.view", item)
    return f"The config item “{item.name}”" if seen else _ANOTHER


def adopt(row: ConfigItem, *, cluster: str = "", namespace: str = "") -> Operation:
    """Let the copies take over objects that are there already."""
    copies = row.copies.filter(deletion_requested_at=None)
    copies = copies.filter(cluster__name=cluster) if cluster else copies
    copies = copies.filter(namespace=namespace) if namespace else copies
    targets = [Target(c.pk, c.name, c.generation + 1) for c in copies]
    if not targets:
        raise ConfigItemInvalidError(
            "copy_not_found", f"“{row.name}” is not on “{(cluster or namespace)[:60]}”."
        )
    with audit.unaudited("derived from the config item"):
        copies.update(adopt=True, generation=F("generation") + 1, next_reconcile_at=Now())
    wake_on_commit(CONFIG_TASK)
    return operation_start(verb="adopt", row=row, targets=targets)


def look_again(row: ConfigItem) -> None:
    """What is in the clusters may mean something else now: every object is looked at once."""
    row.copies.all().status_update(watch_version="asked", next_reconcile_at=Now())
    wake_on_commit(CONFIG_TASK)


def suspend(row: ConfigItem) -> None:
    """The copies are paused and resumed with their item; after a pause it is placed again."""
    with audit.unaudited("derived from the config item"):
        row.copies.update(
            suspended=row.suspended, next_reconcile_at=Now(), updated_at=timezone.now()
        )
    wake_on_commit(CONFIG_TASK)
    if not row.suspended:
        replace(row)


def delete(row: ConfigItem, *, keep: bool) -> Operation:
    """Ask every copy to delete itself; an item without any goes at once."""
    copies = list(row.copies.all())
    ask_deletion(copies, keep=keep)
    targets = [Target(c.pk, c.name, c.generation + 1) for c in copies]
    operation = operation_start(verb="delete", row=row, targets=targets)
    if not copies:
        row.delete()
    return operation


def ask_deletion(copies: Iterable[ConfigCopy], *, keep: bool) -> None:
    """One UPDATE: the copies are to delete their objects, or to let go of them."""
    pks = [copy.pk for copy in copies]
    if not pks:
        return
    with audit.unaudited("derived from the config item"):
        ConfigCopy.objects.filter(pk__in=pks).update(
            deletion_requested_at=timezone.now(),
            keep_object=keep,
            suspended=False,  # a deletion is asked for by name; it is not what a pause holds back
            generation=F("generation") + 1,
            next_reconcile_at=Now(),
            updated_at=timezone.now(),
        )
    wake_on_commit(CONFIG_TASK)


def wake_item(item_ids: Iterable[Any], *, at_once: bool = False) -> None:
    """Their summaries are due; the sweep takes them within a second."""
    lease.wake(ConfigItem.objects.filter(pk__in=list(item_ids)))
    if at_once:
        wake_on_commit(CONFIG_SUMMARY_TASK)


def finish_deleted(item_ids: Iterable[Any]) -> None:
    """Items whose last copy is gone and whose deletion was asked for go too."""
    gone = ConfigItem.objects.filter(
        pk__in=list(item_ids), deletion_requested_at__isnull=False, copies=None
    )
    for row in gone:
        row.delete()


# --- what a cluster does ------------------------------------------------------------------------


def place_cluster(cluster: Cluster) -> None:
    """A cluster came or changed its labels: only its own copies can come or go."""
    labels = {} if cluster.deletion_requested_at else {cluster.name: cluster.selector_labels()}
    present = set(
        cluster.config_copies.filter(deletion_requested_at=None).values_list("item_id", flat=True)
    )
    for row in ConfigItem.objects.filter(deletion_requested_at=None).select_related("project"):
        chosen = cluster.name in resolve(row.placed, within(row.project, labels))
        if chosen != (row.pk in present):
            replace(row)


def wake_cluster(cluster: Cluster) -> None:
    """A cluster came back or fell silent: its copies look again, and say so."""
    rows = ConfigCopy.objects.filter(cluster=cluster)
    if rows.exists():
        rows.status_update(watch_version="returned", next_reconcile_at=Now())
        wake_on_commit(CONFIG_TASK)


def forget_cluster(cluster: Cluster, *, cleanup: bool) -> list[tuple[str, str]]:
    """A cluster leaves: its copies delete themselves first, or their rows go and objects stay."""
    copies = list(cluster.config_copies.all())
    if cleanup:
        ask_deletion((c for c in copies if c.deletion_requested_at is None), keep=False)
        return [(copy.name, "Being deleted.") for copy in copies]
    outcomes = [
        (c.name, f"Left in the cluster: {c.object_kind} {c.object_name} in {c.namespace}.")
        for c in copies
    ]
    text = "The cluster was removed from the fleet."
    targets_progress((c.pk, c.generation, TargetState.FAILED, text) for c in copies)
    items = {copy.item_id for copy in copies}
    cluster.config_copies.all().delete()
    finish_deleted(items)
    wake_item(items)
    return outcomes


def rename_cluster(cluster: Cluster, old: str) -> None:
    """Placements, overrides and copies' names follow a renamed cluster; nothing is written there."""
    for row in ConfigItem.objects.all():
        renamed = row.placed.renamed(old, cluster.name).stored()
        if renamed == {**Placement().stored(), **row.placement}:
            continue
        content = content_of(row).renamed(old, cluster.name)
        row.placement = renamed
        store_content(row, content)
        row.generation += 1
        row.save()
        for revision in row.revisions.all():
            rename_in(revision, old, cluster.name)
    copies = list(cluster.config_copies.select_related("item"))
    for copy in copies:
        copy.name = f"{copy.item.name}.{cluster.name}.{copy.namespace}"
    with audit.unaudited("derived from the config item and the cluster"):
        ConfigCopy.objects.bulk_update(copies, ["name"], batch_size=200)
