"""`Helm`: each method is one run of the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import orjson

from apps.helm.arguments import (
    ReleaseSpec,
    chart_argument,
    check_name,
    check_namespace,
    environment_for,
    flags,
    revision_flags,
    seconds,
    upgrade_arguments,
)
from apps.helm.errors import HelmFailed, HelmReason, error_from_stderr, helm_error
from apps.helm.kubeconfig import kubeconfig_for, server_digest
from apps.helm.process import OUTPUT_LIMIT_BYTES, Ending, Finished, run
from apps.helm.results import (
    HistoryEntry,
    ReleaseResult,
    ReleaseSummary,
    history_entries,
    parse_json,
    release_result,
    release_summaries,
)
from fleet.connection import Connection
from fleet.kube import Identity
from fleet.memory_file import MemoryFile, memory_file

_DEFAULT_SECONDS = 60.0
_START_SECONDS = 15.0  # for the program itself, on top of what Helm may take


class Helm:
    """The program and a folder for its caches. No state: safe to share by threads.

    `cancelled` is asked twice a second and ends the run; `started` gets the
    child's process id; `identity` is whom it acts as in clusters. Every failure is a HelmError.
    """

    def __init__(
        self,
        binary: Path,
        work_dir: Path,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        started: Callable[[int], None] = lambda pid: None,
        identity: Identity | None = None,
    ) -> None:
        self._binary = binary
        self._work_dir = work_dir
        self._cancelled = cancelled
        self._started = started
        self._identity = identity

    def acting_as(self, identity: Identity) -> Helm:
        """The same program with the rights of `identity`, as `Kube.acting_as`."""
        return Helm(
            self._binary,
            self._work_dir,
            cancelled=self._cancelled,
            started=self._started,
            identity=identity,
        )

    # --- changing ------------------------------------------------------------------------

    def install_or_upgrade(self, connection: Connection, release: ReleaseSpec) -> ReleaseResult:
        """Makes the release so. Waits for hooks, not for workloads to become ready."""
        return self._upgrade(connection, release, [])

    def dry_run(
        self, connection: Connection, release: ReleaseSpec, *, hide_secret: bool = False
    ) -> ReleaseResult:
        """What `install_or_upgrade` would do: rendered and validated against the cluster.

        The only mode in which a chart's `lookup` reads the cluster without a change.
        """
        extra = ["--dry-run=server", *(["--hide-secret"] if hide_secret else [])]
        return self._upgrade(connection, release, extra)

    def rollback(
        self,
        connection: Connection,
        *,
        name: str,
        namespace: str,
        revision: int,
        description: str = "",
        timeout_seconds: float = 300.0,
        max_history: int = 10,
        force_conflicts: bool = False,
        no_hooks: bool = False,
        secrets: tuple[str, ...] = (),
    ) -> None:
        """Makes `revision` current again, as a new revision with that one's labels."""
        arguments = [
            "rollback",
            f"--history-max={max_history}",
            f"--timeout={seconds(timeout_seconds)}",
            *flags({"--force-conflicts": force_conflicts, "--no-hooks": no_hooks}),
            *([f"--description={description[:256]}"] if description else []),
            "--",
            check_name(name),
            str(revision),
        ]
        self._run(connection, namespace, arguments, timeout_seconds, secrets=secrets)

    def uninstall(
        self,
        connection: Connection,
        *,
        name: str,
        namespace: str,
        keep_history: bool = False,
        description: str = "",
        timeout_seconds: float = 300.0,
        no_hooks: bool = False,
    ) -> None:
        """Deletes the release's objects; raises `helm_not_found` when there is no release."""
        arguments = [
            "uninstall",
            f"--timeout={seconds(timeout_seconds)}",
            *flags({"--keep-history": keep_history, "--no-hooks": no_hooks}),
            *([f"--description={description[:256]}"] if description else []),
            "--",
            check_name(name),
        ]
        self._run(connection, namespace, arguments, timeout_seconds)

    # --- looking -------------------------------------------------------------------------

    def history(
        self,
        connection: Connection,
        *,
        name: str,
        namespace: str,
        max_entries: int = 256,
        timeout_seconds: float = _DEFAULT_SECONDS,
    ) -> tuple[HistoryEntry, ...]:
        """Revisions, oldest first."""
        arguments = ["history", "-o", "json", f"--max={max_entries}", "--", check_name(name)]
        return history_entries(self._run(connection, namespace, arguments, timeout_seconds))

    def status(
        self,
        connection: Connection,
        *,
        name: str,
        namespace: str,
        revision: int | None = None,
        timeout_seconds: float = _DEFAULT_SECONDS,
    ) -> ReleaseResult:
        """The latest revision, or the given one."""
        arguments = ["status", "-o", "json", *revision_flags(revision), "--", check_name(name)]
        return release_result(self._run(connection, namespace, arguments, timeout_seconds))

    def list_releases(
        self,
        connection: Connection,
        *,
        namespace: str | None = None,
        max_entries: int = 10_000,
        timeout_seconds: float = _DEFAULT_SECONDS,
    ) -> tuple[ReleaseSummary, ...]:
        """Releases in every state, of one namespace or of all. Costly: decodes every record."""
        everywhere = ["--all-namespaces"] if namespace is None else []
        arguments = ["list", "-o", "json", f"--max={max_entries}", *everywhere]
        output = self._run(connection, namespace or "default", arguments, timeout_seconds)
        return release_summaries(output)

    def get_values(
        self,
        connection: Connection,
        *,
        name: str,
        namespace: str,
        revision: int | None = None,
        computed: bool = False,
        timeout_seconds: float = _DEFAULT_SECONDS,
    ) -> dict[str, Any]:
        """The user's values; with `computed` merged with the chart's defaults."""
        chosen = [*revision_flags(revision), *flags({"--all": computed})]
        arguments = ["get", "values", "-o", "json", *chosen, "--", check_name(name)]
        values = parse_json(self._run(connection, namespace, arguments, timeout_seconds))
        return dict(values or {})

    def get_manifest(
        self,
        connection: Connection,
        *,
        name: str,
        namespace: str,
        revision: int | None = None,
        timeout_seconds: float = _DEFAULT_SECONDS,
    ) -> str:
        """The rendered manifest of a revision, without hooks and CRDs."""
        arguments = ["get", "manifest", *revision_flags(revision), "--", check_name(name)]
        return self._run(connection, namespace, arguments, timeout_seconds).decode()

    def template(
        self,
        release: ReleaseSpec,
        *,
        kube_version: str = "",
        api_versions: Sequence[str] = (),
        is_upgrade: bool = False,
        include_crds: bool = False,
    ) -> str:
        """Rendered without any cluster, hooks included (they carry `helm.sh/hook`)."""
        with self._values(release) as values_file:
            arguments = [
                "template",
                f"--values={values_file.path}",
                *flags({"--is-upgrade": is_upgrade, "--include-crds": include_crds}),
                *flags({"--no-hooks": release.no_hooks}),
                *([f"--kube-version={kube_version}"] if kube_version else []),
                *(f"--api-versions={item}" for item in api_versions),
                f"--namespace={check_namespace(release.namespace)}",
                "--",
                check_name(release.name),
                chart_argument(release),
            ]
            environment = environment_for(self._work_dir, "none")
            finished = self._finished(
                arguments, environment, values_file.descriptors, release.timeout_seconds
            )
        return _output(finished, release.secrets).decode()

    def version(self) -> str:
        """Such as `v4.3.1`; some builds say `v4.3`."""
        environment = environment_for(self._work_dir, "none")
        arguments = ["version", "--template={{.Version}}"]
        return _output(self._finished(arguments, environment, (), _START_SECONDS), ()).decode()

    # --- inside --------------------------------------------------------------------------

    def _upgrade(
        self, connection: Connection, release: ReleaseSpec, extra: Sequence[str]
    ) -> ReleaseResult:
        with self._values(release) as values_file:
            arguments = [*upgrade_arguments(release, values_file.path), *extra, "--"]
            arguments += [check_name(release.name), chart_argument(release)]
            output = self._run(
                connection,
                release.namespace,
                arguments,
                release.timeout_seconds,
                descriptors=values_file.descriptors,
                secrets=release.secrets,
            )
        return release_result(output)

    def _values(self, release: ReleaseSpec) -> AbstractContextManager[MemoryFile]:
        """JSON is YAML; what JSON cannot say, a values file should not."""
        try:
            return memory_file(orjson.dumps(dict(release.values)))
        except TypeError as error:
            raise HelmFailed(
                HelmReason.INVALID_VALUES, "The values cannot be written as JSON."
            ) from error

    def _run(
        self,
        connection: Connection,
        namespace: str,
        arguments: Sequence[str],
        timeout_seconds: float,
        *,
        descriptors: tuple[int, ...] = (),
        secrets: Iterable[str] = (),
    ) -> bytes:
        kubeconfig = kubeconfig_for(connection, check_namespace(namespace), self._identity)
        with memory_file(kubeconfig) as config:
            environment = environment_for(self._work_dir, server_digest(connection))
            environment["KUBECONFIG"] = config.path
            finished = self._finished(
                [arguments[0], f"--namespace={namespace}", *arguments[1:]],
                environment,
                (*descriptors, *config.descriptors),
                timeout_seconds + _START_SECONDS,
            )
        return _output(finished, (*connection.secrets(), *secrets))

    def _finished(
        self,
        arguments: Sequence[str],
        environment: dict[str, str],
        descriptors: tuple[int, ...],
        timeout_seconds: float,
    ) -> Finished:
        try:
            return run(
                [str(self._binary), *arguments],
                environment=environment,
                directory=self._work_dir,
                descriptors=descriptors,
                timeout_seconds=timeout_seconds,
                cancelled=self._cancelled,
                started=self._started,
            )
        except OSError as error:
            raise helm_error(HelmReason.MISSING, "The helm program cannot be run.", ()) from error


def _output(finished: Finished, secrets: Iterable[str]) -> bytes:
    """Standard output of a run that succeeded."""
    match finished.ending:
        case Ending.TIMED_OUT:
            raise helm_error(HelmReason.TIMEOUT, "Helm was stopped at its time-out.", ())
        case Ending.CANCELLED:
            raise helm_error(HelmReason.CANCELLED, "Helm was stopped on request.", ())
        case Ending.TOO_MUCH_OUTPUT:
            text = f"Helm's answer is larger than {OUTPUT_LIMIT_BYTES} bytes."
            raise helm_error(HelmReason.FAILED, text, ())
        case Ending.EXITED if finished.code != 0:
            raise error_from_stderr(finished.stderr, secrets)
    return finished.stdout
