"""Writing a kubeconfig that the portal handed out: for its owner's eyes alone, whole or not at all.

Merging changes what carries our mark and nothing else, as `kubectl config` does it: under
the lock file that kubectl itself takes.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kubecarrier.cli.answers import Document
from kubecarrier.cli.errors import CliError

MARK = "kubecarrier.io"
_LISTS = {"clusters": "cluster", "contexts": "context", "users": "user"}
_EMPTY: Document = {"apiVersion": "v1", "kind": "Config"}


def text_of(document: Document) -> str:
    """As YAML."""
    from kubecarrier.cli import yamlio

    return yamlio.dump(document)


def mark_of(document: Document) -> tuple[str, str]:
    """The id in the portal and the end; raises CliError `bad_answer` where there is no mark."""
    for one in document.get("contexts") or []:
        if (found := _mark((one or {}).get("context"))) is not None:
            return str(found.get("kubeconfig")), str(found.get("expiresAt"))
    raise CliError("The server's kubeconfig carries no mark.", code="bad_answer")


def check(path: Path, cluster: str, *, merge: bool) -> None:
    """Whether it could be written there; raises CliError `file_exists`, `context_taken`."""
    if merge:
        _refuse_taken(_read(path), f"kubecarrier-{cluster}", path)
    elif path.exists() and not _all_ours(path):
        raise CliError(
            f"{path} is there already.",
            code="file_exists",
            hint="Choose another name, or add to it with --merge.",
        )


def write(path: Path, text: str) -> None:
    """Readable by its owner only, from the first byte on; a file that is there is replaced whole."""
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def merge(path: Path, made: Document) -> str:
    """Put the one context of `made` into the file and make it current; its name."""
    context = str(made["current-context"])
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(path):
        present = _read(path)
        _refuse_taken(present, context, path)
        for plural in _LISTS:
            fresh = made.get(plural) or []
            names = {one["name"] for one in fresh}
            kept = [one for one in present.get(plural) or [] if one.get("name") not in names]
            present[plural] = [*kept, *fresh]
        present["current-context"] = context
        write(path, text_of(present))
    return context


def _read(path: Path) -> Document:
    """What is there, through the one reader of kubeconfigs; nothing is an empty one."""
    from kubecarrier.cli import yamlio
    from kubecarrier.cli.kubeconfig import Kubeconfig

    if not path.exists() or not path.stat().st_size:
        return dict(_EMPTY)
    Kubeconfig(path)  # raises where it is none
    found: Any = yamlio.load(path.read_text(encoding="utf-8"), str(path))
    return {**_EMPTY, **found}


def _refuse_taken(present: Document, name: str, path: Path) -> None:
    """An entry of that name that is not ours is somebody's way into a cluster."""
    taken = [one for plural in _LISTS for one in present.get(plural) or [] if one["name"] == name]
    contexts = [one.get("context") for one in present.get("contexts") or [] if one["name"] == name]
    if taken and not any(_mark(one) is not None for one in contexts):
        raise CliError(
            f"{path} has an entry “{name}” that is not of this portal.",
            code="context_taken",
            hint="Rename it with `kubectl config rename-context`, or choose another --file.",
        )


def _all_ours(path: Path) -> bool:
    """Whether the file holds nothing but what a portal wrote there."""
    try:
        contexts = _read(path).get("contexts") or []
    except CliError:
        return False
    return bool(contexts) and all(_mark(one.get("context")) is not None for one in contexts)


def _mark(context: Any) -> Document | None:
    listed = context.get("extensions") if isinstance(context, dict) else None
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and one.get("name") == MARK:
            extension = one.get("extension")
            return extension if isinstance(extension, dict) else None
    return None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = path.with_name(f"{path.name}.lock")
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise CliError(
            f"{path} is being changed by somebody else.",
            code="file_locked",
            hint=f"If nothing is running any more, remove {lock}.",
        ) from None
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink()
