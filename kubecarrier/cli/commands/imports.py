"""cluster import: from a kubeconfig, or from an address, a token and a CA."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kubecarrier.cli import options
from kubecarrier.cli.answers import Document
from kubecarrier.cli.errors import CliError, usage_error
from kubecarrier.cli.options import Labels, Output, PathOption, dry, pairs
from kubecarrier.cli.output import Format, echo, report, result_line, write_data
from kubecarrier.cli.session import connect


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_)


def import_(
    ctx: typer.Context,
    *,
    kubeconfig: PathOption = None,
    context: Annotated[
        list[str] | None,
        typer.Option(metavar="<name>", help="A context of the kubeconfig; may be repeated."),
    ] = None,
    all_contexts: Annotated[bool, typer.Option("--all-contexts")] = False,
    name: Annotated[str, typer.Option(help="The cluster's name, for a single one.")] = "",
    names: Annotated[
        list[str] | None,
        typer.Option("--rename", metavar="<context=name>", help="CONTEXT=NAME; may be repeated."),
    ] = None,
    server: Annotated[
        str, typer.Option(help="Address of the API server, without a kubeconfig.")
    ] = "",
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Its token, from stdin.")
    ] = False,
    ca_file: PathOption = None,
    label: Labels = None,
    provider: str = "",
    region: str = "",
    environment: str = "",
    description: str = "",
    allow_insecure: Annotated[
        bool,
        typer.Option("--allow-insecure", help="Accept a server whose certificate is not checked."),
    ] = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    output: Output = Format.TABLE,
) -> None:
    """Add clusters to the fleet.

    Only the chosen contexts are sent: those of --context, --all-contexts, or
    the current one. Without --kubeconfig, $KUBECONFIG or ~/.kube/config is
    used after a question.
    """
    facts: Document = {
        "labels": pairs(label, "--label"),
        "provider": provider,
        "region": region,
        "environment": environment,
        "description": description,
        "allowInsecure": allow_insecure,
    }
    if server:
        body = _by_address(name, server, token_stdin, ca_file)
    else:
        asked = (list(context or []), all_contexts)
        body = _by_kubeconfig(_chosen_file(kubeconfig, yes), asked, name, pairs(names, "--rename"))
    sent = {**body, **{key: value for key, value in facts.items() if value}}
    answer = connect(ctx).post("clusters/import", sent, dry(dry_run=dry_run))
    _tell(answer, output, dry_run)


def _chosen_file(given: Path | None, yes: bool) -> Path:
    from kubecarrier.cli import prompts
    from kubecarrier.cli.kubeconfig import default_path

    if given:
        return given
    path = default_path()
    if not path.exists():
        raise usage_error("There is no kubeconfig to import.", hint="Use --kubeconfig FILE.")
    prompts.confirm(f"Import from {path}?", yes=yes)
    return path


def _by_kubeconfig(
    path: Path, asked: tuple[list[str], bool], name: str, names: dict[str, str]
) -> dict[str, Any]:
    from kubecarrier.cli.kubeconfig import Kubeconfig

    file = Kubeconfig(path)
    wanted, everything = asked
    if wanted and everything:
        raise usage_error("--context and --all-contexts exclude each other.")
    chosen = file.choose(wanted, everything=everything)
    if name and len(chosen) > 1:
        raise usage_error("--name is for a single context.", hint="Use --rename CONTEXT=NAME.")
    names = {chosen[0]: name} if name else names
    return {"kubeconfig": file.cut_down(chosen), "contexts": chosen, "names": names}


def _by_address(name: str, server: str, token_stdin: bool, ca_file: Path | None) -> dict[str, Any]:
    from kubecarrier.cli import prompts
    from kubecarrier.cli.session import read_ca

    if not name:
        raise usage_error("--server needs --name.")
    if token_stdin:
        token = prompts.read_secret_line("--token-stdin")
    else:
        token = prompts.ask_password("Token", otherwise="--token-stdin")
    ca = {"caData": read_ca(ca_file)} if ca_file else {}
    return {"name": name, "server": server, "token": token, **ca}


def _tell(answer: Document, form: Format, dry_run: bool) -> None:
    """A line per context; raises CliError when one of them failed."""
    items = [item for item in answer.get("items") or [] if isinstance(item, dict)]
    failed = [item for item in items if item.get("result") == "error"]
    if form in (Format.JSON, Format.YAML):
        write_data(answer, form)
    for item in items:
        if item in failed:
            report(_error(item))
        elif form is Format.NAME:
            echo(f"cluster/{item.get('name')}")
        elif form.is_table:
            verb = str(item.get("result") or "created")
            echo(result_line("cluster", str(item.get("name")), verb, dry_run=dry_run))
    if failed:
        message = f"{len(failed)} of {len(items)} clusters were not imported."
        raise CliError(message, code="import_incomplete")


def _error(item: Document) -> CliError:
    error = item.get("error")
    found: Document = error if isinstance(error, dict) else {"message": str(error)}
    return CliError(
        f"{item.get('context') or item.get('name')}: {found.get('message')}",
        code=str(found.get("code") or "import_failed"),
        field=found.get("field"),
        hint=found.get("hint"),
    )
