"""The last words of the demo: where to look and what to try."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from tools.demo import story
from tools.demo.portal import ADMINISTRATOR
from tools.demo.state import CHECKOUT, State

_CLI: Final = Path(sys.executable).with_name("kubecarrier")


def tell(state: State, url: str, took: str, clusters: list[str]) -> None:
    """Print them; the password this once."""
    cli = _short(_CLI)
    lines = [
        "",
        f"KubeCarrier runs after {took}, with {_counted(clusters)}: {', '.join(clusters)}",
        "",
        f"  open     {url}/admin/",
        f"  login    {ADMINISTRATOR}, password {_password(state)}",
        "",
        f"  try      {cli} login {url} --username {ADMINISTRATOR}",
        f"           {cli} get releases",
        f"           {cli} app scale {story.APPLICATION} --replicas 5",
        f"           {cli} config inbox        (somebody changed {story.CONFIG} in a cluster)",
        "",
        f"  log      {_short(state.portal_log)}",
        "",
        "Ctrl-C stops everything that was started here.",
    ]
    print("\n".join(lines), flush=True)
    state.password.unlink(missing_ok=True)


def _counted(clusters: list[str]) -> str:
    return "1 cluster" if len(clusters) == 1 else f"{len(clusters)} clusters"


def _password(state: State) -> str:
    if state.password.exists():
        return f"{state.password.read_text()}  (shown this once)"
    home = _short(state.home)
    python = _short(Path(sys.executable))
    reset = f"KUBECARRIER_HOME={home} {python} manage.py changepassword {ADMINISTRATOR}"
    return f"as the first run said; a new one: {reset}"


def _short(path: Path) -> str:
    """Relative to the checkout, where `make` runs."""
    return str(path.relative_to(CHECKOUT)) if path.is_relative_to(CHECKOUT) else str(path)
