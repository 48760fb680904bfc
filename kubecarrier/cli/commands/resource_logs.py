"""resource logs: what containers of pods wrote, on one cluster or several."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubecarrier.cli.commands.resources import (
    Clusters,
    ClusterSelector,
    Labels,
    Namespace,
    kind_of,
)
from kubecarrier.cli.errors import CliError, usage_error
from kubecarrier.cli.options import seconds
from kubecarrier.cli.output import echo, note
from kubecarrier.cli.session import connect

if TYPE_CHECKING:
    from kubecarrier.cli.answers import Document
    from kubecarrier.cli.api import Api

_PAUSE = 1.0  # seconds between two looks


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(logs)


def logs(
    ctx: typer.Context,
    *,
    names: Annotated[list[str] | None, typer.Argument(metavar="[POD]...")] = None,
    cluster: Clusters = None,
    selector: ClusterSelector = "",
    namespace: Namespace = "default",
    label_selector: Labels = "",
    container: Annotated[str, typer.Option("--container", "-c", help="Of this container.")] = "",
    previous: Annotated[
        bool, typer.Option("--previous", "-p", help="Of the run before the last restart.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    tail: Annotated[
        int | None,
        typer.Option(
            "--tail", min=1, max=10_000, help="The last lines, 500 unless told or --since."
        ),
    ] = None,
    since: Annotated[str, typer.Option("--since", help="Only the last 90s, 5m or 1h30m.")] = "",
    timestamps: Annotated[
        bool, typer.Option("--timestamps", help="With the time of each line.")
    ] = False,
) -> None:
    """Print the logs of pods, by name or by label; of several with their name before each line."""
    from kubecarrier.cli import clusters, resources

    if bool(names) == bool(label_selector):
        raise usage_error("Name pods, or choose them with -l SELECTOR.")
    if previous and follow:
        raise usage_error("What ended before the last restart does not go on.")
    query: dict[str, str | int] = {
        key: value
        for key, value in (
            ("container", container),
            ("previous", "true" if previous else ""),
            ("tailLines", tail or 0),
            ("sinceSeconds", int(seconds(since) or 0) if since else 0),
        )
        if value
    }
    wanted = tuple(one.removeprefix("pod/").removeprefix("pods/") for one in names or ())
    asked = resources.Asked(wanted, namespace, label_selector)
    api = connect(ctx)
    on = clusters.chosen(api, cluster or [], selector)
    found = clusters.on_each(on, lambda name: _paths(api, name, asked))
    paths = {(one.cluster, pod): path for one in found for pod, path in (one.value or {}).items()}
    sources = [_Source(api, path, _label(where, len(on))) for where, path in paths.items()]
    errors = [(one.cluster, one.error) for one in found if one.error]
    if not sources and not errors:
        note("No pods found.")
    printed = _Printed(names=len(sources) > 1, times=timestamps)
    several = len(on) > 1 or len(sources) > 1
    while sources:
        failed = dict(printed.all(sources, query))
        errors += failed.items()
        sources = [one for one in sources if one.label not in failed]
        if not follow or not sources:
            break
        for label, error in failed.items():
            note(f"{label} is not followed any more: {error.message}")
        time.sleep(_PAUSE)
    clusters.finish(errors, several=several)


def _paths(api: Api, cluster: str, asked: Any) -> dict[str, str]:
    from kubecarrier.cli import resources

    kind = kind_of(api, cluster, "pods")
    names = asked.names
    if not names:
        names = [
            str(row["metadata"]["name"]) for row in resources.rows(api, cluster, kind, asked)[1]
        ]
    return {
        name: f"{resources.object_path(cluster, kind, asked.namespace, name)}/log" for name in names
    }


def _label(where: tuple[str, str], clusters: int) -> str:
    return "/".join(where) if clusters > 1 else where[1]


class _Source:
    """One container of one pod, and the time of the last line of it that was read."""

    def __init__(self, api: Api, path: str, label: str) -> None:
        self.label = label
        self._api = api
        self._path = path
        self._last = ""

    def read(self, query: dict[str, str | int]) -> Document:
        """What the query finds; from the second time on, what came since. Raises CliError."""
        if self._last:
            kept = {key: value for key, value in query.items() if key == "container"}
            query = {**kept, "sinceTime": self._last}
        answer = self._api.get(self._path, query)
        for line in answer.get("lines") or []:
            self._last = str(line.get("time") or "") or self._last
        return answer


class _Printed:
    """How lines are shown. An error of one pod keeps nobody from reading the others."""

    def __init__(self, *, names: bool, times: bool) -> None:
        self._names = names
        self._times = times

    def all(
        self, sources: list[_Source], query: dict[str, str | int]
    ) -> list[tuple[str, CliError]]:
        """Print what each has; the errors by label."""
        errors = []
        for source in sources:
            try:
                self._print(source.label, source.read(query))
            except CliError as error:
                errors.append((source.label, error))
        return errors

    def _print(self, label: str, answer: Document) -> None:
        prefix = f"[{label}] " if self._names else ""
        for line in answer.get("lines") or []:
            at, text = str(line.get("time") or ""), str(line.get("text") or "")
            echo(f"{prefix}{at} {text}" if self._times and at else f"{prefix}{text}")
        if answer.get("truncated"):
            note(f"{prefix}newer lines did not fit: use --tail or --since")
