"""Where values stand in a text."""

from __future__ import annotations

import pytest

from kubecarrier.lib.yaml_places import Place, Places, steps_of

_TEXT = """\
# a comment
spec:
  containers:
    - name: web
      image: one
    - {name: log, image: two}
  "a.b": 1
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("spec", Place(2, 1)),
        ("spec.containers", Place(3, 3)),
        ("spec.containers[0].image", Place(5, 7)),
        ("spec.containers[1].image", Place(6, 19)),
        (r"spec.a\.b", Place(7, 3)),
        ("spec.containers[1].image.missing", Place(6, 19)),
        ("spec.replicas", Place(2, 1)),
        ("status", Place(1, 1)),
        ("", Place(1, 1)),
    ],
)
def test_a_path_is_found_or_what_is_nearest_above(path: str, place: Place) -> None:
    assert Places(_TEXT).named(path) == place


def test_of_nothing_everything_is_at_the_beginning() -> None:
    assert Places("# only a comment\n").named("a.b") == Place(1, 1)


def test_steps() -> None:
    assert steps_of(r"a.b[10][2].c\.d") == ("a", "b", 10, 2, "c.d")
