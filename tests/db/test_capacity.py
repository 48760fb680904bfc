"""Capacity: where there is room, what wastes most, and what is not known."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fleet.models import Cluster, Namespace, Node, Project, ProjectNamespace
from kubecarrier.lib.audit import unaudited
from tests.db.conftest import add_cluster, error
from tests.portal import Portal

pytestmark = pytest.mark.django_db
GIB = 1024**3


def amounts(cpu: int, memory: int = 0, pods: int = 1) -> dict[str, int]:
    return {"cpu_millicores": cpu, "memory_bytes": memory * GIB, "pods": pods}


def node(cluster: str, name: str, cpu: int, requested: int | None, **more: Any) -> None:
    Node(
        cluster=Cluster.objects.get(name=cluster), name=name, ready=True, seen_at=timezone.now(),
        allocatable=amounts(cpu, 64), requested={} if requested is None else amounts(requested, 8), **more,
    ).save()  # fmt: skip


def observe(cluster: str, *, requested: Any, usage: Any, reachable: str = "True") -> None:
    Cluster.objects.filter(name=cluster).status_update(
        allocatable=amounts(100_000, 512),
        requested=requested,
        usage=usage,
        conditions={"Reachable": {"status": reachable}},
        last_seen_at=timezone.now(),
    )


@pytest.fixture
def seen(portal: Portal) -> Portal:
    """`big` has one large hole, `many` many small ones, `blind` may not list pods, `gone` is silent."""
    for name in ("big", "many", "blind", "gone"):
        add_cluster(portal, name)
    observe("big", requested=amounts(20_000), usage=amounts(19_000))
    observe("many", requested=amounts(40_000), usage=amounts(2_000))
    observe("blind", requested={}, usage=None)
    observe("gone", requested=amounts(1_000), usage=None, reachable="False")
    node("big", "b1", 64_000, 4_000)
    node("big", "cordoned", 64_000, 0, schedulable=False)
    for number in range(12):
        node("many", f"m{number}", 8_000, 2_000)
    node("blind", "x1", 64_000, None)
    node("gone", "g1", 64_000, 0)
    return portal


def names(answer: dict[str, Any]) -> list[str]:
    return [item["name"] for item in answer["items"]]


class TestRoom:
    def test_where_is_room_for_40_cpus(self, seen: Portal) -> None:
        answer = seen.call("get", "capacity?fits=cpu:40")
        assert names(answer) == ["many", "big"]  # 72 free, 60 free
        many, big = answer["items"]
        assert (many["cpu"]["free"], many["cpu"]["block"], many["nodes"]) == (72_000, 6_000, 0)
        assert (big["cpu"]["free"], big["cpu"]["block"], big["nodes"]) == (60_000, 60_000, 1)
        assert sorted(answer["unknown"]) == ["blind", "gone"]

    def test_a_cordoned_node_is_no_room(self, seen: Portal) -> None:
        assert names(seen.call("get", "capacity?fits=cpu:61")) == ["many"]

    def test_all_resources_must_fit(self, seen: Portal) -> None:
        assert names(seen.call("get", "capacity?fits=cpu:40,memory:100Gi")) == ["many"]
        assert names(seen.call("get", "capacity?fits=cpu=500")) == []

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("fits=cpu", "fits"),
            ("fits=gpu:4", "fits"),
            ("fits=cpu:4,cpu:5", "fits"),
            ("fits=cpu:-1", "fits"),
            ("fits=cpu:9E", "fits"),
            ("fits=memory:1e99", "fits"),
            ("by=node", "by"),
            ("order=pods", "order"),
            ("limit=0", "limit"),
            ("limit=501", "limit"),
            ("sort=x", "sort"),
        ],
    )
    def test_refused(self, portal: Portal, query: str, field: str) -> None:
        assert error(portal, "get", f"capacity?{query}", code=400)["field"] == field


class TestWaste:
    def test_over_and_under_used_first_and_unknown_last(self, seen: Portal) -> None:
        answer = seen.call("get", "capacity")
        assert names(answer) == ["many", "big", "blind", "gone"]
        many = answer["items"][0]
        assert (many["standing"], many["cpu"]["waste"]) == ("under", 38_000)
        blind = answer["items"][2]
        assert (blind["standing"], blind["cpu"]["requested"], blind["cpu"]["used"]) == (
            "unknown",
            None,
            None,
        )
        assert blind["cpu"]["free"] is None

    def test_by_namespace_with_project_and_quota(self, seen: Portal) -> None:
        body = {"spec": {"placement": {"clusters": ["big"]}, "namespaces": [{"name": "shop"}]}}
        seen.call("put", "projects/team", body)
        with unaudited("observed"):
            ProjectNamespace.objects.update(
                quota={"hard": {"requests.cpu": "10"}, "used": {"requests.cpu": "4"}}
            )
        cluster = Cluster.objects.get(name="big")
        for name, requested, usage in (
            ("idle", amounts(9_000), amounts(100)),
            ("shop", amounts(4_000), amounts(6_000)),
            ("calm", amounts(1_000), amounts(900)),
            ("unseen", {}, None),
        ):
            Namespace(
                cluster=cluster, name=name, requested=requested, usage=usage, seen_at=timezone.now()
            ).save()
        answer = seen.call("get", "capacity?by=namespace")
        assert names(answer) == ["idle", "shop", "calm", "unseen"]
        shop = answer["items"][1]
        assert (shop["project"], shop["cluster"], shop["standing"]) == ("team", "big", "over")
        assert (shop["cpu"]["quota"], shop["cpu"]["free"], shop["cpu"]["waste"]) == (
            10_000,
            6_000,
            -2_000,
        )
        assert names(seen.call("get", "capacity?by=namespace&project=team")) == ["shop"]
        assert names(seen.call("get", "capacity?by=namespace&fits=cpu:5")) == ["shop"]
        assert names(seen.call("get", "capacity?by=namespace&fits=cpu:7")) == []
        assert names(seen.call("get", "capacity?by=namespace&cluster=many")) == []
        Project.objects.all().status_update(
            totals={"hard": {"requests.cpu": "10"}, "used": {"requests.cpu": "4"}}
        )
        (team,) = seen.call("get", "capacity?by=project")["items"]
        assert team["cpu"] | {"block": None} == {
            "allocatable": None,
            "requested": 4_000,
            "used": 6_000,
            "quota": 10_000,
            "free": 6_000,
            "block": None,
            "waste": -2_000,
        }

    @pytest.mark.parametrize("by", ["cluster", "namespace", "project"])
    def test_queries_do_not_grow_with_rows(self, seen: Portal, by: str) -> None:
        def count() -> int:
            with CaptureQueriesContext(connection) as queries:
                seen.call("get", f"capacity?by={by}")
            return len(queries)

        before = count()
        for number in range(5):
            add_cluster(seen, f"more-{number}")
            row = Cluster.objects.get(name=f"more-{number}")
            Namespace(cluster=row, name="n", seen_at=timezone.now()).save()
            spec = {"placement": {"clusters": [row.name]}, "namespaces": [{"name": "n"}]}
            seen.call("put", f"projects/p{number}", {"spec": spec})
        assert count() <= before + 1  # the claims of a first page that has any
