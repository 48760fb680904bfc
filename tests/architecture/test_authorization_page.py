"""docs/authorization.md names tests that exist."""

from __future__ import annotations

import pytest

from tests.architecture.tables import REFERENCE, missing, references, rows

_PAGE = "authorization.md"


def test_the_table_is_read() -> None:
    listed = rows(_PAGE)
    assert len(listed) > 30
    assert all(REFERENCE.search(shown) for _, shown in listed), "every line names a test"


@pytest.mark.parametrize(("test", "row"), references(_PAGE))
def test_it_exists(test: str, row: str) -> None:
    assert not missing(test, row)
