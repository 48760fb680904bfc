"""Nothing in the tree tells on which machine it was written, or where its packages came from."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).parents[2]
_HOME = re.compile(r"(?<![\w.-])/(?:root|home/[a-z][\w-]*|Users/[A-Za-z][\w-]*|work)/[\w.]")
_REGISTRY = re.compile(
    r"(?:pypi|files\.pythonhosted|registry\.npmjs|proxy\.golang|sum\.golang|repo1?\.maven)"
    r"\.(?:org|com)",
    re.IGNORECASE,
)


def _files() -> list[str]:
    git = shutil.which("git")
    if git is None or not (_CHECKOUT / ".git").exists():
        pytest.skip("no git checkout")
    listed = subprocess.run(
        [git, "ls-files", "-z"], cwd=_CHECKOUT, capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.split("\0") if name]


@pytest.mark.parametrize("pattern", [_HOME, _REGISTRY], ids=["home", "registry"])
def test_no_file_holds(pattern: re.Pattern[str]) -> None:
    found = []
    for name in _files():
        try:
            text = (_CHECKOUT / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        found += [f"{name}: {match[0]}" for match in pattern.finditer(text)]
    assert found == []
