"""The portal's own figures, read from the database at each scrape; nothing is kept in a process.

One grouped query per kind and family. Series per release end at RELEASE_LIMIT:
beyond, `kubecarrier_release_series_truncated` is 1 and the counts still tell all.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps as django_apps
from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from kubecarrier import tasks
from kubecarrier.lib.conditions import Status
from kubecarrier.lib.lease import due
from kubecarrier.lib.spec import ReadyState, ReconciledModel
from kubecarrier.models import Heartbeat

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
RELEASE_LIMIT = 10_000
_VALUE = {Status.TRUE.value: 1.0, Status.FALSE.value: 0.0, Status.UNKNOWN.value: -1.0}


def text() -> bytes:
    """All families in Prometheus' text form."""
    registry = CollectorRegistry()
    registry.register(_Families())
    return generate_latest(registry)


class _Families(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from _rows()
        yield from _due()
        yield _queues()
        yield _beats()
        yield from _releases()


def kinds() -> list[type[ReconciledModel]]:
    """Every reconciled model."""
    return [model for model in django_apps.get_models() if issubclass(model, ReconciledModel)]


def _rows() -> Iterator[GaugeMetricFamily]:
    family = GaugeMetricFamily(
        "kubecarrier_rows", "Rows of a kind by their Ready state.", labels=["kind", "ready"]
    )
    for model in kinds():
        counted = model.objects.values_list("ready").annotate(rows=Count("pk")).order_by()
        counts = dict.fromkeys(ReadyState.values, 0) | dict(counted)
        for state, count in counts.items():
            family.add_metric([model.__name__, state], count)
    yield family


def _due() -> Iterator[GaugeMetricFamily]:
    rows = GaugeMetricFamily(
        "kubecarrier_due_rows", "Rows that wait for a reconciler.", labels=["kind"]
    )
    oldest = GaugeMetricFamily(
        "kubecarrier_due_oldest_seconds", "How long the first of them waits.", labels=["kind"]
    )
    now = timezone.now()
    for model in kinds():
        found = model.objects.filter(due()).aggregate(n=Count("pk"), first=Min("next_reconcile_at"))
        rows.add_metric([model.__name__], found["n"])
        waited = (now - found["first"]).total_seconds() if found["first"] else 0.0
        oldest.add_metric([model.__name__], max(0.0, waited))
    yield rows
    yield oldest


def _queues() -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "kubecarrier_queue_tasks", "Tasks in a queue.", labels=["queue", "state"]
    )
    for queue, length in tasks.lengths().items():
        family.add_metric([queue, "waiting"], length.waiting)
        family.add_metric([queue, "taken"], length.taken)
    return family


def _beats() -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "kubecarrier_heartbeat_age_seconds", "Since a process last said it works.", labels=["name"]
    )
    now = timezone.now()
    for name, beat_at in Heartbeat.objects.order_by("name").values_list("name", "beat_at")[:1000]:
        family.add_metric([name], max(0.0, (now - beat_at).total_seconds()))
    return family


def _releases() -> Iterator[GaugeMetricFamily]:
    """`apps` is below the edge that this module is part of, but named late: no import needed."""
    family = GaugeMetricFamily(
        "kubecarrier_release_ready",
        "A release's Ready state: 1 true, 0 false, -1 unknown.",
        labels=["application", "cluster"],
    )
    model = django_apps.get_model("apps", "Release")
    columns = ("application__name", "cluster__name", "ready")
    rows = list(model.objects.order_by("name").values_list(*columns)[: RELEASE_LIMIT + 1])
    for application, cluster, ready in rows[:RELEASE_LIMIT]:
        family.add_metric([application, cluster], _VALUE[ready])
    yield family
    yield GaugeMetricFamily(
        "kubecarrier_release_series_truncated",
        "1 when there are more releases than series.",
        value=float(len(rows) > RELEASE_LIMIT),
    )
