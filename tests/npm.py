"""npm's packages for tests, by their lock file, kept outside of the checkout."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path


class NotInstalledError(Exception):
    """No node, no npm, or no network to install from."""


def installed(here: Path, name: str) -> Path:
    """A folder with the packages of `here`'s lock in its node_modules; raises NotInstalledError."""
    npm = shutil.which("npm")
    if shutil.which("node") is None or npm is None:
        raise NotInstalledError("node and npm are not installed")
    lock = (here / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kubecarrier"
    folder = cache / f"{name}-{hashlib.sha256(lock).hexdigest()[:16]}"
    if (folder / ".complete").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in ("package.json", "package-lock.json"):
        shutil.copy(here / file, folder)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        raise NotInstalledError(f"npm could not install {name}: {done.stderr[-300:]}")
    (folder / ".complete").touch()
    return folder
