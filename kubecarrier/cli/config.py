"""The contexts file: which portals there are, and the token for each.

`$XDG_CONFIG_HOME/kubecarrier/config.yaml`, mode 0600. A looser mode is refused
instead of repaired: the token may have been read already, so a person has to know.

    currentContext: prod
    contexts:
      prod: {url: https://portal.example, token: ..., username: ana, caPem: ...}
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kubecarrier.cli.errors import CliError, ExitCode


@dataclass(frozen=True, slots=True)
class Context:
    """One portal. `ca_pem` holds the certificates themselves, so that the file may move."""

    name: str
    url: str
    token: str = field(default="", repr=False)
    username: str = ""
    ca_pem: str = ""
    insecure_http: bool = False

    @classmethod
    def of(cls, name: str, stored: Mapping[str, Any]) -> Context:
        """From one entry of the file; missing keys take their defaults."""
        return cls(
            name=name,
            url=str(stored.get("url") or ""),
            token=str(stored.get("token") or ""),
            username=str(stored.get("username") or ""),
            ca_pem=str(stored.get("caCertificate") or ""),
            insecure_http=stored.get("insecureHttp") is True,
        )

    def stored(self) -> dict[str, Any]:
        """One entry of the file, without what is empty."""
        entry = {
            "url": self.url,
            "token": self.token,
            "username": self.username,
            "caCertificate": self.ca_pem,
            "insecureHttp": self.insecure_http,
        }
        return {key: value for key, value in entry.items() if value}


@dataclass(frozen=True, slots=True)
class Config:
    """All contexts, and the one used when none is named."""

    current: str = ""
    contexts: dict[str, Context] = field(default_factory=dict)

    def get(self, name: str) -> Context:
        """The context of that name; raises CliError `context_unknown`."""
        if name not in self.contexts:
            raise CliError(
                f"There is no context “{name}”.",
                code="context_unknown",
                exit_code=ExitCode.NOT_FOUND,
                hint="`kubecarrier context list` shows them; `kubecarrier login URL` makes one.",
            )
        return self.contexts[name]

    def with_context(self, context: Context, *, current: bool = True) -> Config:
        """This configuration with `context` added or replaced."""
        contexts = {**self.contexts, context.name: context}
        return replace(self, current=context.name if current else self.current, contexts=contexts)

    def without(self, name: str) -> Config:
        """This configuration without that context."""
        contexts = {key: value for key, value in self.contexts.items() if key != name}
        return Config("" if self.current == name else self.current, contexts)


def config_path() -> Path:
    """Where the file is, by the XDG base directory rules."""
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "kubecarrier" / "config.yaml"


def load() -> Config:
    """Read the file; no file is an empty configuration.

    Raises CliError `config_mode` or `config_invalid`.
    """
    path = config_path()
    if not path.exists():
        return Config()
    _check_mode(path)
    stored = _read(path)
    entries = stored.get("contexts") or {}
    if not isinstance(entries, dict) or not all(isinstance(e, dict) for e in entries.values()):
        raise _invalid(path, "`contexts` is not a mapping of mappings")
    contexts = {str(name): Context.of(str(name), entry) for name, entry in entries.items()}
    return Config(str(stored.get("currentContext") or ""), contexts)


def save(config: Config) -> None:
    """Replace the file in one step, so that a crash leaves the old one or the new one."""
    import yaml

    path = config_path().resolve()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    entries = {name: context.stored() for name, context in sorted(config.contexts.items())}
    text = yaml.safe_dump({"currentContext": config.current, "contexts": entries}, sort_keys=False)
    # mkstemp makes the file 0600 before a byte of a token is in it.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".config-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _check_mode(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise CliError(
            f"{path} holds tokens and may be read by others (mode {mode:04o}).",
            code="config_mode",
            hint=f"Run `chmod 600 {path}`; if others use this machine, log in anew as well.",
        )


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        stored = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        # The parser's own message quotes the line, which may hold a token.
        raise _invalid(path, "it is not YAML") from None
    if not isinstance(stored, dict):
        raise _invalid(path, "it is not a mapping")
    return stored


def _invalid(path: Path, why: str) -> CliError:
    return CliError(
        f"{path} cannot be used: {why}.",
        code="config_invalid",
        hint="Correct it, or remove it and run `kubecarrier login URL`.",
    )
