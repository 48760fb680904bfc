"""The entry point. It stays this small so that Ctrl-C is quiet even while modules load."""

import sys
from pathlib import Path

from kubecarrier.cli import __version__

_INTERRUPTED = 130


def program_name(argv0: str) -> str:
    """How the usage line names us; kubectl runs its plugins as `kubectl-<name>`."""
    return "kubectl kubecarrier" if Path(argv0).name.startswith("kubectl-") else "kubecarrier"


def main() -> None:
    """Run the command line and exit with one of `errors.ExitCode`."""
    if sys.argv[1:] == ["version"]:
        # typer loads pydantic to read even one option, which takes longer than all the rest.
        sys.stdout.write(f"kubecarrier {__version__}\n")
        return
    try:
        from kubecarrier.cli.app import app

        app(prog_name=program_name(sys.argv[0]))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
