"""Why a kubeconfig is refused."""

from __future__ import annotations

from typing import NoReturn

from kubecarrier.lib.errors import InvalidError


class KubeconfigError(InvalidError):
    """Codes `kubeconfig_*` and `server_invalid`; the text never quotes a credential."""


def refuse(code: str, message: str, field: str, hint: str | None = None) -> NoReturn:
    """Raise with the place in the file and what to do instead."""
    raise KubeconfigError(code, message, field=field, hint=hint)
