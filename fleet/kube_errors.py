"""What an API server can answer, as our own errors.

Each has a stable code and a cause. The server's own words are cut to 500
characters and have passed the redaction before they get here: no token and
nothing of a Secret.
"""

# ruff: noqa: N818 (the names are Kubernetes' own reasons)
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kubecarrier.lib.errors import (
    ConflictError,
    InvalidError,
    KubeCarrierError,
    NotFoundError,
    TerminalError,
    TransientError,
)

MESSAGE_LIMIT = 500


class KubeError(KubeCarrierError):
    """Any failed call to an API server. `status` is the HTTP status, 0 when none was received.

    `reason` is Kubernetes' own word for it (`status.reason`), empty when there
    was none.
    """

    default_code = "kube_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int = 0,
        reason: str = "",
        **data: Any,
    ) -> None:
        super().__init__(code or self.default_code, message[:MESSAGE_LIMIT], status=status, **data)
        self.status = status
        self.reason = reason


class Unreachable(KubeError, TransientError):
    """No answer. `sent` says that the request may have been carried out all the same."""

    default_code = "kube_unreachable"

    def __init__(self, message: str, *, sent: bool = False, **data: Any) -> None:
        super().__init__(message, sent=sent, **data)
        self.sent = sent


class TimedOut(Unreachable):
    """The budget of the call is used up; `sent` as above."""

    default_code = "kube_timed_out"


class CircuitOpen(Unreachable):
    """Not asked: the server was silent too often just now; `sent` is False."""

    default_code = "kube_circuit_open"


class ServerError(KubeError, TransientError):
    """5xx, or an answer that is no Kubernetes answer (HTML from a proxy)."""

    default_code = "kube_server_error"

    def __init__(
        self, message: str, *, retry_after_seconds: float | None = None, **data: Any
    ) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds, **data)
        self.retry_after_seconds = retry_after_seconds


class TooManyRequests(ServerError):
    """429: come back after `retry_after_seconds` (None: the server did not say)."""

    default_code = "kube_too_many_requests"


class TooLarge(KubeError, TerminalError):
    """The answer exceeds the door's limit; ask for pages, or for metadata only."""

    default_code = "kube_response_too_large"


class TlsError(KubeError, TerminalError):
    """The server's certificate is not the expected one, or there is no TLS at all."""

    default_code = "kube_tls"


class AnotherCluster(KubeError, TerminalError):
    """Not the cluster that was imported answers at the address: nothing is written to it."""

    default_code = "kube_another_cluster"


class Unauthorized(KubeError, TerminalError):
    """401: the credential is not, or no longer, valid."""

    default_code = "kube_unauthorized"


class Forbidden(KubeError, TerminalError):
    """403: valid credential without the right."""

    default_code = "kube_forbidden"


class NotFound(KubeError, NotFoundError):
    """404: the object is not there."""

    default_code = "kube_not_found"


class UnknownKind(NotFound):
    """The server does not serve this kind (a CRD that is missing)."""

    default_code = "kube_unknown_kind"


class AlreadyExists(KubeError, ConflictError):
    """409 at create."""

    default_code = "kube_already_exists"


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """A field that somebody else owns (server-side apply). `manager` is that field manager."""

    field: str
    manager: str


class Conflict(KubeError, ConflictError):
    """409: resourceVersion or uid moved on, or other managers own `fields`."""

    default_code = "kube_conflict"

    def __init__(
        self, message: str, *, fields: tuple[FieldConflict, ...] = (), **data: Any
    ) -> None:
        shown = [{"field": item.field, "manager": item.manager} for item in fields]
        super().__init__(message, fields=shown, **data)
        self.fields = fields


class Gone(KubeError, ConflictError):
    """410: the resourceVersion or continue token is too old; list again."""

    default_code = "kube_gone"


class Invalid(KubeError, InvalidError):
    """422 and 400: the object is wrong, or an admission webhook refused it."""

    default_code = "kube_invalid"


class Rejected(KubeError, TerminalError):
    """Another 4xx or a redirect: a request this server does not take."""

    default_code = "kube_rejected"
