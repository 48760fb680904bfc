"""The options that many commands share, so that they read and behave the same everywhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from kubecarrier.cli import complete
from kubecarrier.cli.errors import usage_error
from kubecarrier.cli.output import Format

_DURATION = re.compile(r"^(?=.)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$")

Output = Annotated[Format, typer.Option("--output", "-o", help="How to print.", show_default=False)]
Selector = Annotated[
    str,
    typer.Option("--selector", "-l", help="Label selector, such as env=prod,tier in (web,api)."),
]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Then print every change.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Let the server check everything and store nothing.")
]
Timeout = Annotated[
    str, typer.Option("--timeout", help="How long to wait, such as 90s or 1h30m; 0 is for ever.")
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is done.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Answer every question with yes.")]
Search = Annotated[str, typer.Option("--search", help="Only what contains this text.")]
Limit = Annotated[int, typer.Option("--limit", min=0, help="At most so many; 0 is all.")]
Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--label", metavar="<key=value>", help="A label, such as env=prod; may be repeated."
    ),
]
Files = Annotated[
    list[str] | None,
    typer.Option(
        "--filename",
        "-f",
        metavar="<file>",
        help="A YAML or JSON file, a directory, or - for stdin.",
    ),
]
PathOption = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, readable=True)]
ClusterName = Annotated[str, typer.Argument(autocompletion=complete.names_of("clusters"))]
RepositoryName = Annotated[str, typer.Argument(autocompletion=complete.names_of("repositories"))]
ChartName = Annotated[
    str,
    typer.Argument(
        help="<repository>/<chart>.", autocompletion=complete.names_of("charts"), metavar="CHART"
    ),
]
ApplicationName = Annotated[str, typer.Argument(autocompletion=complete.names_of("applications"))]
ReleaseName = Annotated[
    str,
    typer.Argument(help="<application>.<cluster>", autocompletion=complete.names_of("releases")),
]
ProjectName = Annotated[str, typer.Argument(autocompletion=complete.names_of("projects"))]
Clusters = Annotated[
    list[str] | None,
    typer.Option(
        "--cluster", metavar="<name>", help="Names with commas, or repeated.",
        autocompletion=complete.names_of("clusters"),
    ),
]  # fmt: skip
ClusterSelector = Annotated[
    str, typer.Option("--selector", "-l", help="Clusters by label, such as env=prod; * is all.")
]
OnCluster = Annotated[
    str, typer.Option("--cluster", help="Only there.", autocompletion=complete.names_of("clusters"))
]
Project = Annotated[
    str,
    typer.Option(
        "--project", "-p", help="The project.", autocompletion=complete.names_of("projects")
    ),
]

DEFAULT_TIMEOUT = "10m"


def seconds(text: str) -> float | None:
    """A duration in Go's form as seconds; None (for ever) for 0. Raises a usage error."""
    if text == "0":
        return None
    found = _DURATION.match(text if not text.isdigit() else f"{text}s")
    if not found:
        raise usage_error(
            f"“{text}” is not a duration.", hint="Write for example 90s, 5m or 1h30m."
        )
    hours, minutes, rest = (int(part or 0) for part in found.groups())
    return float(hours * 3600 + minutes * 60 + rest) or None


def pairs(items: list[str] | None, option: str) -> dict[str, str]:
    """`key=value` items as a mapping; raises a usage error."""
    found: dict[str, str] = {}
    for item in items or []:
        key, equals, value = item.partition("=")
        if not key or not equals:
            raise usage_error(f"{option} {item}: expected key=value.")
        found[key] = value
    return found


def dry(params: dict[str, str | int] | None = None, *, dry_run: bool) -> dict[str, str | int]:
    """Query parameters of a write."""
    return {**(params or {}), **({"dryRun": "All"} if dry_run else {})}
