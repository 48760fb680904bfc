"""Changing one value in a text: what a person wrote around it stays."""

from __future__ import annotations

import pytest

from apps.values import parse_values, set_path
from apps.values_text import text_with

WRITTEN = """\
# how many, agreed with the shop's team
replicaCount: 2   # not more than the quota
image:
  tag: "1.20"     # quoted on purpose
  pull: off
web: {replicas: 1, other: 022}  # in one line
ümlaut: 'ä'
"""


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        (WRITTEN, "replicaCount", WRITTEN.replace("replicaCount: 2 ", "replicaCount: 15 ")),
        (WRITTEN, "web.replicas", WRITTEN.replace("replicas: 1,", "replicas: 15,")),
        ("a: 1 # one\n", "replicaCount", "a: 1 # one\nreplicaCount: 15\n"),
        ("a: 1 # one", "replicaCount", "a: 1 # one\nreplicaCount: 15\n"),
        ("replicaCount: '2' # text\n", "replicaCount", "replicaCount: 15 # text\n"),
        ("replicaCount: # nothing\n", "replicaCount", None),
        ("ä: ö # ü\nreplicaCount: 2 # ä\n", "replicaCount", "ä: ö # ü\nreplicaCount: 15 # ä\n"),
        ("", "replicaCount", "replicaCount: 15\n"),
        ("{}", "replicaCount", "replicaCount: 15\n"),
        ("web: # here\n  a: 1\n", "web.replicas", None),
        ("replicaCount: {a: 1}\n", "replicaCount", None),
    ],
)
def test_only_the_value_changes(text: str, path: str, expected: str | None) -> None:
    changed = text_with(text, path, 15)
    assert expected is None or changed == expected
    assert parse_values(changed) == set_path(parse_values(text), path, 15)
