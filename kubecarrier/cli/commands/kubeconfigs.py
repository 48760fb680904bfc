"""kubeconfig: get, list, revoke one's own way into a cluster."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from kubecarrier.cli import options, prompts
from kubecarrier.cli.commands import reading
from kubecarrier.cli.errors import CliError, ExitCode, usage_error
from kubecarrier.cli.options import ClusterName, Yes
from kubecarrier.cli.output import echo, name_of, note, result_line
from kubecarrier.cli.session import connect

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RIGHTS_SECONDS = 60.0


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(get)
    reading.register_list(app, "kubeconfigs")
    reading.register_describe(app, "kubeconfigs")
    app.command()(revoke)


def get(
    ctx: typer.Context,
    *,
    cluster: ClusterName,
    duration: Annotated[
        str, typer.Option(help="How long it works, such as 1h or 30m; the portal says the most.")
    ] = "",
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", dir_okay=False, help="Write it there instead of to stdout."),
    ] = None,
    merge: Annotated[
        bool,
        typer.Option(
            "--merge", help="Add it to a kubeconfig: --file, else $KUBECONFIG or kubectl's own."
        ),
    ] = False,
    wait: options.Wait = True,
    dry_run: options.DryRun = False,
) -> None:
    """Get a kubeconfig of your own, with your rights in the cluster and no others."""
    from kubecarrier.cli import kubeconfig, kubeconfig_file
    from kubecarrier.cli.api import path_of

    api = connect(ctx)
    body: dict[str, Any] = {}
    if duration:
        seconds = options.seconds(duration)
        if seconds is None:
            raise usage_error("A kubeconfig always ends.", hint="Write for example --duration 8h.")
        body["expirationSeconds"] = int(seconds)
    path = path_of("clusters", cluster, "kubeconfig")
    if dry_run:
        said = api.post(path, body, options.dry(dry_run=True))
        note(f"You may have one that works for {said.get('expirationSeconds')} s (dry run).")
        return
    target = (file or kubeconfig.default_path()) if merge else file
    if target is not None:  # before anything is made that could not be written
        kubeconfig_file.check(target, cluster, merge=merge)
    made = api.post(path, body)
    name, ends = kubeconfig_file.mark_of(made)
    if target is None:
        echo(kubeconfig_file.text_of(made).rstrip("\n"))
    elif merge:
        note(f"{target}: context {kubeconfig_file.merge(target, made)} is the current one.")
    else:
        kubeconfig_file.write(target, kubeconfig_file.text_of(made))
        note(f"Written to {target}.")
    note(f"It works until {ends}; `kubecarrier kubeconfig revoke {name}` ends it before.")
    if wait:
        _await_rights(api, name)


def revoke(
    ctx: typer.Context,
    *,
    kubeconfig: Annotated[
        str, typer.Argument(help="Its id, or the cluster, if one file of it works.")
    ],
    yes: Yes = False,
) -> None:
    """End a kubeconfig at once."""
    from kubecarrier.cli.api import path_of

    api = connect(ctx)
    name = kubeconfig if _ID.fullmatch(kubeconfig) else _of_cluster(api, kubeconfig)
    prompts.confirm(f"Revoke the kubeconfig {name}?", yes=yes)
    gone = api.call("DELETE", path_of("kubeconfigs", name)).body
    reason = str((gone.get("status") or {}).get("reason") or "")
    echo(result_line("kubeconfig", name, "being revoked" if reason != "Revoked" else "revoked"))


def _await_rights(api: Any, name: str) -> None:
    """The file is there already: that its rights are late is told, and is no failure."""
    from kubecarrier.cli import waiting

    try:
        waiting.ready(api, "kubeconfigs", "kubeconfig", name, _RIGHTS_SECONDS)
    except CliError as error:
        note(f"Its rights are not in the cluster yet. {error.message}")


def _of_cluster(api: Any, cluster: str) -> str:
    """The id of the one file of that cluster which still works."""
    whoami = api.get("whoami")
    filters = {"cluster": cluster, "user": str(whoami.get("username") or "")}
    found = [
        name_of(one)
        for one in api.items("kubeconfigs", filters)
        if not (one.get("status") or {}).get("endedAt")
        and not (one.get("status") or {}).get("revokedAt")
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise CliError(
            f"You have no kubeconfig of “{cluster}” that works.",
            code="not_found",
            exit_code=ExitCode.NOT_FOUND,
        )
    raise usage_error(
        f"You have several kubeconfigs of “{cluster}”.", hint=f"Name one: {', '.join(found)}"
    )
