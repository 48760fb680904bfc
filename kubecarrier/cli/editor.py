"""The door to the person's own editor: a text goes in, the edited text comes out."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from kubecarrier.cli.errors import CliError

_NAMES = ("KUBE_EDITOR", "VISUAL", "EDITOR")


def edited(text: str, *, suffix: str = ".yaml") -> str:
    """What the editor left of `text`, in a file that only its owner reads; raises CliError."""
    command = next((found for name in _NAMES if (found := os.environ.get(name))), "vi")
    with tempfile.TemporaryDirectory(prefix="kubecarrier-") as folder:
        file = Path(folder) / f"edit{suffix}"
        file.touch(0o600)
        file.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run([*shlex.split(command), str(file)], check=False)
        except (OSError, ValueError) as error:
            raise CliError(
                f"The editor {command} cannot be started: {error}.",
                code="editor_failed",
                hint="Set KUBE_EDITOR or EDITOR.",
            ) from error
        if done.returncode != 0:
            raise CliError(
                f"The editor ended with {done.returncode}; nothing was changed.",
                code="editor_failed",
            )
        return file.read_text(encoding="utf-8")
