"""docs/audit.md names tests that exist: each thing that the audit must do is shown by one."""

from __future__ import annotations

import pytest

from tests.architecture.tables import REFERENCE, missing, references, section_rows

_PAGE = "audit.md"


def test_the_table_is_read() -> None:
    listed = section_rows(_PAGE, "Shown by")
    assert len(listed) > 25
    assert all(REFERENCE.search(shown) for _, shown in listed), "every line names a test"


@pytest.mark.parametrize(("test", "row"), references(_PAGE))
def test_it_exists(test: str, row: str) -> None:
    assert not missing(test, row)
