"""Running a command-line tool against one cluster, apart from the caller's own settings."""

import subprocess
from pathlib import Path
from typing import Final

from tools.controlplane.child import clean_env
from tools.controlplane.errors import ControlPlaneError

TIMEOUT_SECONDS: Final = 120.0


def run_tool(program: Path, *arguments: str, kubeconfig: Path, stdin: str | None = None) -> str:
    """Standard output of `program`; raises ControlPlaneError with what it said on failure.

    The folder of the kubeconfig is its home: caches and chart repositories stay there.
    """
    env = {**clean_env(kubeconfig.parent), "KUBECONFIG": str(kubeconfig)}
    try:
        result = subprocess.run(
            [str(program), *arguments],
            env=env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ControlPlaneError(f"{program.name} {' '.join(arguments)}: {error}") from error
    if result.returncode:
        raise ControlPlaneError(
            f"{program.name} {' '.join(arguments)}: code {result.returncode}\n{result.stderr}"
        )
    return result.stdout
