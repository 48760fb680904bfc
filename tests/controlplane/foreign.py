"""Custom resource definitions that nobody here wrote, read from a Go module at run time."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

Json = dict[str, Any]

CERT_MANAGER = "github.com/cert-manager/cert-manager@v1.18.2"
_SECONDS = 120


def cert_manager(name: str) -> Json:
    """A definition of cert-manager such as `certificates`, without its chart's labels.

    The test is skipped, with the reason, where no Go can fetch the module.
    """
    text = (_module(CERT_MANAGER) / "deploy" / "crds" / f"crd-{name}.yaml").read_text()
    definition: Json = yaml.safe_load(text)
    definition["metadata"].pop("labels", None)
    return definition


@cache
def _module(version: str) -> Path:
    go = shutil.which("go") or "/usr/local/go/bin/go"
    try:
        done = subprocess.run(
            [go, "mod", "download", "-json", version],
            capture_output=True, text=True, timeout=_SECONDS, check=True, cwd="/",
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"no Go module {version}: {error}")
    return Path(json.loads(done.stdout)["Dir"])
