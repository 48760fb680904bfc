"""The command line's root: global options, groups, and the one place that ends a run.

Global options may stand anywhere on the line, as in kubectl; the only command
with a `--context` of its own is `cluster import` (and `cluster rotate`), where it names a
context of the kubeconfig.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from kubecarrier.cli import __version__
from kubecarrier.cli.commands import (
    access,
    applications,
    apply,
    audit,
    auth,
    capacity,
    catalogue,
    changes,
    charts,
    clusters,
    config_history,
    config_inbox,
    configs,
    contexts,
    generic,
    imports,
    kubeconfigs,
    lifecycle,
    nodes,
    operations,
    projects,
    releases,
    repositories,
    resource_logs,
    resource_writes,
    resources,
    tokens,
)
from kubecarrier.cli.errors import CliError, ExitCode, epilog
from kubecarrier.cli.output import note, report

_GLOBAL = ("--context", "--reason", "--request-timeout")
_OWN_CONTEXT = (["cluster", "import"], ["cluster", "rotate"])


class Root(TyperGroup):
    """Errors to stderr in one form, exit codes by `ExitCode`, quiet pipes and Ctrl-C."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Global options first, wherever they stood."""
        return super().parse_args(ctx, hoisted(args))

    def invoke(self, ctx: Any) -> Any:
        """Run the command and flush, while a broken pipe can still be told from an error."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            raise typer.Exit(_silenced()) from None
        return result

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """As the base class's, with our own end."""
        try:
            status = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
            sys.stdout.flush()
        except CliError as error:
            report(error)
            status = error.exit_code
        except typer.TyperException as error:
            status = _usage(error)
        except typer.Abort:
            status = ExitCode.INTERRUPTED
        except BrokenPipeError:
            status = _silenced()
        except OSError as error:
            report(CliError(_os_message(error), code="file_error"))
            status = ExitCode.ERROR
        sys.exit(status if isinstance(status, int) else ExitCode.OK)


def hoisted(args: list[str]) -> list[str]:
    """`args` with the global options first; what follows `--` is left alone."""
    end = args.index("--") if "--" in args else len(args)
    front: list[str] = []
    rest: list[str] = []
    waiting = list(args[:end])
    while waiting:
        word = waiting.pop(0)
        name, equals, _ = word.partition("=")
        if name not in _GLOBAL or (name == "--context" and rest[:2] in _OWN_CONTEXT):
            rest.append(word)
        elif equals or not waiting:
            front.append(word)
        else:
            front += [word, waiting.pop(0)]
    return front + rest + args[end:]


def _usage(error: typer.TyperException) -> int:
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        note(error.format_message())
        return ExitCode.USAGE
    hint = f"`{context.command_path} --help` shows how." if context else None
    message = error.format_message().replace("Value error, ", "")  # the validator's own preface
    report(CliError(message, code="usage", hint=hint))
    return ExitCode.USAGE


def _os_message(error: OSError) -> str:
    return f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"


def _silenced() -> ExitCode:
    """Nobody reads us any more: the interpreter's last flush must not complain either."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return ExitCode.BROKEN_PIPE
    return ExitCode.BROKEN_PIPE


app = typer.Typer(
    name="kubecarrier",
    cls=Root,
    help="Run many Kubernetes clusters, and everything on them, through a KubeCarrier portal.",
    epilog=epilog(),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root_options(
    context: Annotated[
        str | None, typer.Option(help="The portal to talk to; see `kubecarrier context list`.")
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why you do this; it is kept in the audit log.")
    ] = None,
    request_timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds that one answer may take.")
    ] = 60.0,
) -> None:
    """Read by `session.globals_of`, from the parameters of the root."""


@app.command()
def version() -> None:
    """Print the version of this command."""
    sys.stdout.write(f"kubecarrier {__version__}\n")


auth.register(app)
generic.register(app)
apply.register(app)
audit.register(app)
catalogue.register(app)
capacity.register(app)

_GROUPS: dict[str, tuple[str, list[Any]]] = {
    "auth": ("Who may do what: ask, and review.", [access]),
    "context": ("The portals you know.", [contexts]),
    "cluster": ("Clusters of the fleet.", [clusters, imports]),
    "project": ("Projects: namespaces, quota and rules of a team.", [projects]),
    "repo": ("Chart repositories.", [repositories]),
    "chart": ("Charts.", [charts]),
    "app": ("Applications.", [applications, changes, lifecycle]),
    "config": (
        "Config items: ConfigMaps and Secrets on many clusters.",
        [configs, config_history, config_inbox],
    ),
    "release": ("Applications on single clusters.", [releases]),
    "token": ("API tokens.", [tokens]),
    "kubeconfig": ("Your own kubeconfigs of clusters.", [kubeconfigs]),
    "node": ("Nodes of clusters.", [nodes]),
    "resource": (
        "Any object of any cluster, in kubectl's manners.",
        [resources, resource_logs, resource_writes],
    ),
    "operation": ("What the portal does in the background.", [operations]),
}

for _name, (_help, _modules) in _GROUPS.items():
    _group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=_help)
    for _module in _modules:
        _module.register(_group)
    if _name == "resource":
        catalogue.register_explain(_group)
    app.add_typer(_group, name=_name)
