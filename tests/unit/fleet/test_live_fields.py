"""Two forms of one object: what differs, and who wrote it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.live.fields import Named, changes, dotted, unified, writer

Json = dict[str, Any]


def names(before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    return [(one.name, one.before, one.after) for one in changes(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": True}, [("a", 1, True)]),  # equal to Python, not to JSON
        ({"a": {"b": 1}}, {"a": {"c": 2}}, [("a.b", 1, None), ("a.c", None, 2)]),
        ({"a": [1, 2]}, {"a": [1]}, [("a[1]", 2, None)]),
        ({"a": {"x.y/z": 1}}, {"a": {"x.y/z": 2}}, [("a[x.y/z]", 1, 2)]),
        (
            {"c": [{"name": "a", "v": 1}, {"name": "b", "v": 1}]},
            {"c": [{"name": "b", "v": 2}, {"name": "a", "v": 1}]},
            [("c", ["a", "b"], ["b", "a"]), ("c[name=b].v", 1, 2)],
        ),
        (
            {"c": [{"name": "a"}, {"name": "a"}]},
            {"c": [{"name": "a"}]},
            [("c", [{"name": "a"}, {"name": "a"}], [{"name": "a"}])],
        ),
        ({"metadata": {"resourceVersion": "1"}}, {"metadata": {"resourceVersion": "2"}}, []),
    ],
)
def test_what_differs(before: Json, after: Json, wanted: list[Any]) -> None:
    assert names(before, after) == wanted


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(value=st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_nothing_differs_from_itself(value: Json) -> None:
    assert changes(value, value) == []
    assert unified(value, value, label="x") == ""


@given(a=st.dictionaries(st.text(max_size=3), JSON), b=st.dictionaries(st.text(max_size=3), JSON))
def test_any_two_can_be_told_apart(a: Json, b: Json) -> None:
    clean = [{k: v for k, v in one.items() if k != "metadata"} for one in (a, b)]
    assert bool(changes(*clean)) == (repr_json(clean[0]) != repr_json(clean[1]))


def repr_json(value: Any) -> Any:
    """JSON tells numbers from booleans, Python does not."""
    if isinstance(value, dict):
        return {k: repr_json(v) for k, v in value.items()}
    return [repr_json(v) for v in value] if isinstance(value, list) else (type(value), value)


MANAGED = [
    {
        "manager": "kubectl", "time": "2026-01-01T00:00:00Z",
        "fieldsV1": {"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {
            'k:{"name":"web"}': {".": {}, "f:image": {}}}}}}},
    },
    {
        "manager": "hpa", "time": "2026-01-02T00:00:00Z",
        "fieldsV1": {"f:spec": {"f:replicas": {}, "f:selector": {}}},
    },
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (("spec", "replicas"), "hpa"),
        (("spec", "template", "spec", "containers", Named("name", "web"), "image"), "kubectl"),
        (("spec", "template", "spec", "containers", Named("name", "api"), "image"), ""),
        (("spec", "selector", "matchLabels", "app"), "hpa"),  # owned as a whole
        (("metadata", "labels"), ""),
    ],
)
def test_who_wrote_it(path: Any, wanted: str) -> None:
    assert writer(path, MANAGED)[0] == wanted, dotted(path)
