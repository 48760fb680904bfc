"""docs/login.md names a test for each clause of logging in, and each is there."""

from __future__ import annotations

import pytest

from tests.architecture.tables import REFERENCE, missing, references, section_rows

_PAGE = "login.md"


def test_every_clause_has_a_test() -> None:
    listed = [row for row in section_rows(_PAGE, "What shows it") if row[0] != "clause"]
    assert len(listed) > 50
    assert [clause for clause, shown in listed if not REFERENCE.search(shown)] == []


@pytest.mark.parametrize(("test", "row"), references(_PAGE))
def test_it_exists(test: str, row: str) -> None:
    assert not missing(test, row)
