"""Config items from the command line: values from arguments and files, editing, previews."""

from __future__ import annotations

import base64
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kubecarrier.cli.actions import Manner, tell
from kubecarrier.cli.answers import Document
from kubecarrier.cli.api import Api, path_of
from kubecarrier.cli.errors import CliError, usage_error
from kubecarrier.cli.options import dry
from kubecarrier.cli.output import as_yaml, echo, note, result_line

_PLURAL = "configitems"
_MAX_BYTES = 2 * 1024 * 1024


def values(literals: Sequence[str], files: Sequence[str]) -> Document:
    """`KEY=VALUE` and `KEY=FILE` as `data` and `binaryData`; raises a usage error."""
    data: dict[str, str] = {}
    binary: dict[str, str] = {}
    for item in literals:
        key, equals, value = item.partition("=")
        if not key or not equals:
            raise usage_error(f"{item.split('=')[0]}: expected KEY=VALUE.")
        data[key] = value
    for item in files:
        key, raw = _read(item)
        try:
            data[key] = raw.decode()
        except UnicodeDecodeError:
            binary[key] = base64.b64encode(raw).decode()
    return {"data": data, "binaryData": binary}


def _read(item: str) -> tuple[str, bytes]:
    key, equals, name = item.partition("=")
    if not equals:
        key, name = Path(item).name, item
    if not key or (name == "-" and not equals):
        raise usage_error(f"--from-file {item}: expected KEY=FILE.")
    if name == "-":
        raw = sys.stdin.buffer.read(_MAX_BYTES + 1)
    else:
        with Path(name).open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    if len(raw) > _MAX_BYTES:
        raise usage_error(f"{name} is too large: an object holds 1 MiB.")
    return key, raw


def names(items: Sequence[str] | None) -> list[str]:
    """Names with commas, or repeated."""
    return [name for item in items or [] for name in item.split(",") if name]


def create(api: Api, metadata: Document, spec: Document, manner: Manner) -> None:
    """POST: one of that name must not exist."""
    from kubecarrier.cli import waiting

    name = str(metadata["name"])
    document = {
        "kind": "ConfigItem",
        "metadata": {key: value for key, value in metadata.items() if value},
        "spec": spec,
    }
    found = api.post(_PLURAL, document, dry(dry_run=manner.dry_run))
    if manner.form.is_table:
        echo(result_line("configitem", name, "created", dry_run=manner.dry_run))
    if manner.wait and not manner.dry_run:
        waiting.ready(api, _PLURAL, "configitem", name, manner.seconds)
    tell(found, "configitem", name, manner)


def edit(api: Api, name: str, manner: Manner) -> None:
    """The document through the editor, back with If-Match: somebody else's change is not lost."""
    from kubecarrier.cli.editor import edited
    from kubecarrier.cli.yamlio import load

    path = path_of(_PLURAL, name)
    answer = api.call("GET", path)
    shown = {key: answer.body[key] for key in ("apiVersion", "kind", "metadata", "spec")}
    text = as_yaml(shown)
    after = edited(text)
    if after == text or not after.strip():
        note("Edit cancelled, no changes made.")
        return
    document: Any = load(after, "what you edited")
    if not isinstance(document, dict):
        raise CliError("What you edited is no document.", code="document_invalid")
    headers = {"If-Match": answer.headers.get("etag", "*")}
    done = api.call("PUT", path, body=document, params=dry(dry_run=manner.dry_run), headers=headers)
    if manner.form.is_table:
        echo(result_line("configitem", name, done.result, dry_run=manner.dry_run))
    tell(done.body, "configitem", name, manner)


def preview(api: Api, name: str, filename: str) -> Document:
    """What saving the file (without one: what is saved) would change in the clusters."""
    from kubecarrier.cli.documents import read_files
    from kubecarrier.cli.kinds import Kinds

    body: Document = {}
    if filename:
        sources = read_files([filename], Kinds.fetch(api), verb="apply")
        if len(sources) != 1 or sources[0].kind.plural != _PLURAL:
            raise usage_error("The file must hold one ConfigItem.")
        body = sources[0].document
    return api.post(path_of(_PLURAL, name, "preview"), body)
