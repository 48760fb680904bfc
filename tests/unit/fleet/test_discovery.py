"""Discovery remembers, asks again for what it does not know, and never calls unseen absent."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.kube.discovery import Discovery
from fleet.kube_errors import NotFound, Rejected, UnknownKind
from fleet.resource import Resource

CORE = {
    "kind": "APIGroupDiscoveryList",
    "items": [
        {
            "metadata": {},
            "versions": [
                {
                    "version": "v1",
                    "freshness": "Current",
                    "resources": [
                        {
                            "resource": "pods",
                            "responseKind": {"kind": "Pod"},
                            "scope": "Namespaced",
                            "verbs": ["get", "list"],
                            "singularResource": "pod",
                            "shortNames": ["po"],
                            "subresources": [{"subresource": "log"}, {"subresource": "eviction"}],
                        }
                    ],
                }
            ],
        }
    ],
}
GROUPS = {
    "kind": "APIGroupDiscoveryList",
    "items": [
        {
            "metadata": {"name": "metrics.k8s.io"},
            "versions": [{"version": "v1beta1", "freshness": "Stale"}],
        }
    ],
}
POD = Resource(
    "", "v1", "pods", "Pod", namespaced=True, verbs=frozenset({"get", "list"}),
    singular="pod", short_names=("po",), subresources=frozenset({"log", "eviction"}),
)  # fmt: skip
WIDGET = Resource(
    "a.example", "v1", "widgets", "Widget", namespaced=False,
    singular="widget", subresources=frozenset({"status"}),
)  # fmt: skip


class Server:
    """Answers by path and counts."""

    def __init__(self, **paths: Any) -> None:
        self.paths: dict[str, Any] = {"/api": CORE, "/apis": GROUPS, **paths}
        self.asked: list[str] = []

    def __call__(self, path: str, *, accept: str) -> dict[str, Any]:
        self.asked.append(path)
        found = self.paths.get(path, NotFound("no"))
        if isinstance(found, Exception):
            raise found
        return dict(found)


def discovery(now: list[float] | None = None) -> Discovery:
    ticks = now or [0.0]
    return Discovery(max_age_seconds=600, clock=lambda: ticks[0])


def widgets() -> dict[str, Any]:
    entry = {"name": "widgets", "kind": "Widget", "namespaced": False, "verbs": []}
    return {"resources": [entry, {"name": "widgets/status", "kind": "Widget"}]}


def test_one_look_serves_many() -> None:
    server, known = Server(), discovery()
    assert known.resource(server, "v1", "Pod") == POD
    assert known.resource(server, "v1", "Pod") == POD
    assert server.asked == ["/api", "/apis"]


def test_too_old_is_read_again() -> None:
    now = [0.0]
    server, known = Server(), discovery(now)
    known.table(server)
    now[0] = 601.0
    known.table(server)
    assert server.asked == ["/api", "/apis"] * 2


def test_a_new_kind_is_asked_for() -> None:
    server, known = Server(**{"/apis/a.example/v1": widgets()}), discovery()
    assert known.resource(server, "a.example/v1", "Widget") == WIDGET
    assert known.resource(server, "a.example/v1", "Widget") == WIDGET
    assert server.asked == ["/api", "/apis", "/apis/a.example/v1"]


def test_what_the_server_does_not_know() -> None:
    with pytest.raises(UnknownKind):
        discovery().resource(Server(), "a.example/v1", "Widget")


@pytest.mark.parametrize("old", [{"kind": "APIVersions"}, Rejected("406", status=406)])
def test_old_servers_are_asked_by_group(old: Any) -> None:
    pods = {
        "name": "pods", "kind": "Pod", "namespaced": True, "verbs": ["get", "list"],
        "shortNames": ["po"],
    }  # fmt: skip
    below = [{"name": f"pods/{one}", "kind": "Pod"} for one in ("log", "eviction")]
    server = Server(**{"/api": old, "/apis": old, "/api/v1": {"resources": [pods, *below]}})
    assert discovery().resource(server, "v1", "Pod") == POD


def test_groups_whose_server_is_down_are_named() -> None:
    known = discovery()
    known.table(Server())
    assert known.stale_groups() == {"metrics.k8s.io/v1beta1"}
