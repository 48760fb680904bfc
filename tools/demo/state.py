"""What the demo keeps between runs, all of it below one folder: var/demo of this checkout."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.controlplane.locks import file_lock
from tools.demo.errors import DemoError

CHECKOUT: Final = Path(__file__).resolve().parents[2]
DEFAULT: Final = CHECKOUT / "var" / "demo"


@dataclass(frozen=True, slots=True)
class State:
    """The folder of one sort of demo: `local` has clusters of its own, `own` a person's."""

    folder: Path

    @property
    def home(self) -> Path:
        """The portal's home: keys, database, work files."""
        return self.folder / "portal"

    @property
    def portal_log(self) -> Path:
        return self.folder / "portal.log"

    @property
    def clusters(self) -> Path:
        return self.folder / "clusters"

    @property
    def token(self) -> Path:
        """The demo's own API token."""
        return self.folder / "token"

    @property
    def password(self) -> Path:
        """The administrator's password, until it has been printed."""
        return self.folder / "password"


@contextmanager
def opened(root: Path, name: str) -> Iterator[State]:
    """The state, held by this process alone."""
    with _locked(root):
        folder = root / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield State(folder)


def clean(root: Path) -> None:
    """Remove all of it."""
    if not root.exists():
        return
    with _locked(root):
        shutil.rmtree(root)


def write_private(path: Path, text: str) -> None:
    """A file that only its owner may read."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    def refuse() -> None:
        raise DemoError("a demo of this checkout is running; stop it first (Ctrl-C there)")

    with file_lock(root / "lock", when_busy=refuse):
        yield
