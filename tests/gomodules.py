"""Files of others' Go modules for tests: real CRDs that nobody here wrote, fetched and not kept."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

CERT_MANAGER = "github.com/cert-manager/cert-manager@v1.19.1"
_SECONDS = 300


def module_folder(module: str) -> Path:
    """The module's folder in Go's cache, downloaded if need be; skips the test where Go is missing."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("no go command to fetch a module with")
    with tempfile.TemporaryDirectory(prefix="kubecarrier-test-") as nowhere:
        done = subprocess.run(
            [go, "mod", "download", "-json", module],
            cwd=nowhere,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    if done.returncode:
        pytest.skip(f"{module} could not be fetched: {done.stdout[-200:]}{done.stderr[-200:]}")
    return Path(json.loads(done.stdout)["Dir"])


def cert_manager_definition(name: str) -> str:
    """The YAML of one of cert-manager's CRDs, such as `certificates`."""
    folder = module_folder(CERT_MANAGER) / "deploy" / "crds"
    return (folder / f"cert-manager.io_{name}.yaml").read_text()
