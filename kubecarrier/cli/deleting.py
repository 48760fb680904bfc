"""Deletion: ask the server, say so, and wait until the object is gone if that was asked."""

from __future__ import annotations

from collections.abc import Mapping

from kubecarrier.cli import listing, prompts, waiting
from kubecarrier.cli.actions import Manner, tell
from kubecarrier.cli.api import Api, path_of
from kubecarrier.cli.errors import usage_error
from kubecarrier.cli.kinds import Kind, Kinds
from kubecarrier.cli.options import dry
from kubecarrier.cli.output import echo, name_of, note, result_line

Chosen = list[tuple[Kind, str]]


def of_words(api: Api, kind: Kind, names: list[str], selector: str, *, yes: bool) -> Chosen:
    """What the command line names. A selector is shown first and confirmed: it may match more
    than its writer had in mind."""
    if bool(names) == bool(selector):
        raise usage_error("Give either names or a selector (-l).")
    if names:
        return [(kind, name) for name in names]
    found = [name_of(item) for item in listing.fetch(api, kind, listing.Query((), selector))]
    if not found:
        note("No resources found.")
        return []
    note(f"{kind.plural}: {', '.join(found)}")
    prompts.confirm(f"Delete these {len(found)}?", yes=yes)
    return [(kind, name) for name in found]


def of_files(kinds: Kinds, files: list[str]) -> Chosen:
    """What the documents in files name, last first: what depends goes before what it needs."""
    from kubecarrier.cli.documents import read_files

    sources = read_files(files, kinds, verb="delete")
    return [(source.kind, source.name) for source in reversed(sources)]


def delete(
    api: Api, kind: Kind, name: str, params: Mapping[str, str | int], manner: Manner
) -> None:
    """Delete one object. With `manner.wait`, until it is gone."""
    kind.require("delete")
    query = dry(dict(params), dry_run=manner.dry_run)
    document = api.call("DELETE", path_of(kind.plural, name), params=query).body
    if manner.form.is_table:
        echo(result_line(kind.singular, name, "deleted", dry_run=manner.dry_run))
    if manner.wait and not manner.dry_run:
        waiting.gone(api, kind.plural, kind.singular, name, manner.seconds)
    tell(document, kind.singular, name, manner)
