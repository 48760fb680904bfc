"""A kubeconfig, cut down to what is imported.

The file holds the credentials of every cluster its owner ever used; only the
chosen contexts leave this machine. Files it points to are read here, as
`kubectl config view --flatten` does, since the server refuses paths. Programs
(`exec`) stay in it: the server says why it refuses them.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

from kubecarrier.cli.answers import Document
from kubecarrier.cli.errors import CliError, ExitCode, usage_error

_MAX_BYTES = 5 * 1024 * 1024
_FILES = {
    "certificate-authority": "certificate-authority-data",
    "client-certificate": "client-certificate-data",
    "client-key": "client-key-data",
}


def default_path() -> Path:
    """`$KUBECONFIG`, or kubectl's own place. Several files in `$KUBECONFIG` are a usage error."""
    named = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    if len(named) > 1:
        raise usage_error("$KUBECONFIG names several files.", hint="Choose one with --kubeconfig.")
    return Path(named[0]) if named else Path.home() / ".kube" / "config"


class Kubeconfig:
    """A parsed kubeconfig; raises CliError `kubeconfig_invalid` where it is none."""

    def __init__(self, path: Path) -> None:
        from kubecarrier.cli import yamlio

        if path.stat().st_size > _MAX_BYTES:
            raise _invalid(path, f"it is larger than {_MAX_BYTES >> 20} MiB")
        try:
            parsed = yamlio.load(path.read_text(encoding="utf-8"), str(path))
        except UnicodeDecodeError:
            raise _invalid(path, "it is not text") from None
        if not isinstance(parsed, dict):
            raise _invalid(path, "it is not a mapping")
        self._path, self._parsed = path, parsed
        self._contexts = self._named("contexts", "context")

    @property
    def contexts(self) -> list[str]:
        """The names of its contexts."""
        return list(self._contexts)

    @property
    def current(self) -> str:
        """Its current context; empty if it names none."""
        return str(self._parsed.get("current-context") or "")

    def choose(self, names: list[str], *, everything: bool) -> list[str]:
        """The contexts to import: those named, all, or the current one."""
        if everything:
            return self.contexts
        chosen = names or ([self.current] if self.current else [])
        if not chosen:
            raise usage_error("The kubeconfig has no current context.", hint="Use --context.")
        for name in chosen:
            if name not in self._contexts:
                raise CliError(
                    f"{self._path} has no context “{name}”.",
                    code="context_unknown",
                    exit_code=ExitCode.NOT_FOUND,
                    hint=f"It has {', '.join(self.contexts) or 'none'}.",
                )
        return chosen

    def cut_down(self, names: list[str]) -> str:
        """YAML with those contexts, their clusters and users, and no reference to a file."""
        from kubecarrier.cli import yamlio

        contexts = {name: self._contexts[name] for name in names}
        users = {str(c.get("user")) for c in contexts.values()}
        clusters = {str(c.get("cluster")) for c in contexts.values()}
        kept = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": names[0],
            "contexts": _listed(contexts, "context"),
            "clusters": _listed(self._some("clusters", "cluster", clusters), "cluster"),
            "users": _listed(self._some("users", "user", users), "user"),
        }
        return yamlio.dump(kept)

    def _named(self, plural: str, singular: str) -> dict[str, Document]:
        entries = self._parsed.get(plural) or []
        found: dict[str, Document] = {}
        for entry in entries if isinstance(entries, list) else [None]:
            if not isinstance(entry, dict) or not isinstance(entry.get(singular), dict):
                raise _invalid(self._path, f"`{plural}` is not a list of named {plural}")
            name, body = str(entry.get("name")), entry[singular]
            if name in found:
                raise _invalid(self._path, f"`{plural}` has “{name}” twice")
            found[name] = body
        return found

    def _some(self, plural: str, singular: str, names: set[str]) -> dict[str, Document]:
        everything = self._named(plural, singular)
        return {name: self._flat(body) for name, body in everything.items() if name in names}

    def _flat(self, body: Document) -> Document:
        flat: dict[str, Any] = dict(body)
        for key, inline in _FILES.items():
            if file := flat.pop(key, None):
                flat.setdefault(inline, base64.b64encode(self._file(file)).decode())
        if file := flat.pop("tokenFile", None):
            flat.setdefault("token", self._file(file).decode("ascii", "replace").strip())
        return flat

    def _file(self, name: object) -> bytes:
        """A file the kubeconfig points to, relative to its own folder."""
        with (self._path.parent / str(name)).open("rb") as stream:
            return stream.read(_MAX_BYTES)


def _listed(found: dict[str, Document], singular: str) -> list[Document]:
    return [{"name": name, singular: body} for name, body in found.items()]


def _invalid(path: Path, why: str) -> CliError:
    return CliError(f"{path} is not a kubeconfig: {why}.", code="kubeconfig_invalid")
