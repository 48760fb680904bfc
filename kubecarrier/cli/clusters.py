"""Several clusters at once: which are meant, and what became of the work on each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kubecarrier.cli.api import Api
from kubecarrier.cli.errors import CliError, ExitCode, usage_error
from kubecarrier.cli.output import name_of, report

_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Result[T]:
    """One cluster's answer, or its error."""

    cluster: str
    value: T | None = None
    error: CliError | None = None


def chosen(api: Api, names: Sequence[str], selector: str) -> list[str]:
    """The clusters that `--cluster a,b` or `--selector` mean; raises CliError for none."""
    listed = [part for name in names for part in name.split(",") if part]
    if bool(listed) == bool(selector):
        raise usage_error(
            "Say on which clusters.", hint="Use --cluster NAME[,NAME] or --selector env=prod."
        )
    if listed:
        return list(dict.fromkeys(listed))
    found = [
        name_of(item)
        for item in api.items("clusters", {"labelSelector": selector, "fields": "metadata.name"})
    ]
    if not found:
        raise CliError(
            f"No cluster matches {selector}.", code="no_cluster", exit_code=ExitCode.NOT_FOUND
        )
    return found


def on_each[T](clusters: Sequence[str], do: Callable[[str], T]) -> list[Result[T]]:
    """`do` on each cluster at once; one that fails leaves the others alone."""

    def one(cluster: str) -> Result[T]:
        try:
            return Result(cluster, do(cluster))
        except CliError as error:
            return Result(cluster, error=error)

    with ThreadPoolExecutor(_WORKERS) as pool:
        return list(pool.map(one, clusters))


def finish(errors: Sequence[tuple[str, CliError]], *, several: bool) -> None:
    """Report what failed; raises CliError with the exit code that all failures share, else 1."""
    if not errors:
        return
    for cluster, error in errors[:-1]:
        report(placed(error, cluster) if several else error)
    cluster, last = errors[-1]
    codes = {error.exit_code for _, error in errors}
    shown = placed(last, cluster) if several else last
    shown.exit_code = last.exit_code if len(codes) == 1 else ExitCode.ERROR
    raise shown


def placed(error: CliError, cluster: str) -> CliError:
    """The same error, saying on which cluster."""
    return CliError(
        f"{cluster}: {error.message}",
        code=error.code,
        exit_code=error.exit_code,
        field=error.field,
        hint=error.hint,
        request_id=error.request_id,
        data=error.data,
    )
