"""`resource edit`: the object in the person's editor, again and again until it is accepted."""

from __future__ import annotations

import sys

from kubecarrier.cli import yamlio
from kubecarrier.cli.answers import Document
from kubecarrier.cli.api import Api
from kubecarrier.cli.editor import edited
from kubecarrier.cli.errors import CliError
from kubecarrier.cli.options import dry
from kubecarrier.cli.output import as_yaml, note

_HEAD = (
    "# Edit the object below. Lines beginning with '#' are ignored; an empty file or no change\n"
    "# ends the edit. Masked values of a Secret mean: as it is.\n"
)
_AGAIN = frozenset({"kube_invalid", "document_mismatch", "secret_mask_written", "yaml_invalid"})
_TRIES = 10


def edit(api: Api, path: str, *, dry_run: bool) -> Document | None:
    """What the server made of the edit; None when nothing was changed. Raises CliError.

    What the server refuses as wrong comes back into the editor with the reason;
    without a terminal, and for a conflict, the error ends it.
    """
    shown = as_yaml(api.get(path))
    text, said = shown, ""
    for _ in range(_TRIES):
        left = edited(_HEAD + said + text)
        text = "".join(line for line in left.splitlines(keepends=True) if line[:1] != "#")
        if not text.strip() or text == shown:
            note("Edit cancelled, no changes made.")
            return None
        try:
            return _sent(api, path, text, dry_run=dry_run)
        except CliError as error:
            if error.code not in _AGAIN or not sys.stdin.isatty():
                raise
            said = "".join(f"# {line}\n" for line in ("", error.message, "") if line)
    raise CliError("The object was refused too often.", code="edit_refused")


def _sent(api: Api, path: str, text: str, *, dry_run: bool) -> Document:
    document = yamlio.load(text, "the edited object")
    if not isinstance(document, dict):
        raise CliError("The edited object is no mapping.", code="yaml_invalid")
    return api.call("PUT", path, params=dry(dry_run=dry_run), body=document).body
