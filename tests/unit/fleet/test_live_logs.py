"""Times of log lines: compared by what they mean, whatever the runtime's way to write them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from fleet.live.logs import _line, _moment
from kubecarrier.lib.errors import InvalidError

RISING = (
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.000000002Z",
    "2026-01-01T00:00:00.1Z",
    "2026-01-01T00:00:00.12Z",
    "2026-01-01T02:00:01+02:00",
    "2026-01-01T00:00:01.5+00:00",
)


def test_times_are_compared_by_what_they_mean() -> None:
    moments = [_moment(time) for time in RISING]
    assert all(before < after for before, after in pairwise(moments) if before and after)
    assert _moment("2026-01-01T00:00:00.1Z") == _moment("2026-01-01T01:00:00.10+01:00")


@pytest.mark.parametrize(
    "time", ["now", "2026-13-01T00:00:00Z", "2026-01-01", "9999-12-31T23:59:59-23:00"]
)
def test_what_is_no_time_is_refused(time: str) -> None:
    with pytest.raises(InvalidError, match="is no time"):
        _moment(time)


def test_a_line_without_time_is_kept_whole() -> None:
    assert _line("unable to retrieve container logs").text == "unable to retrieve container logs"
    assert _line("2026-01-01T00:00:00Z  two blanks").text == " two blanks"
