"""Why Helm failed, as a closed set read from its text.

Helm has one exit code and no error codes, so its English sentences are the only
source. They were taken from Helm 4.3's `pkg/action`, `pkg/kube` and
`pkg/storage`, and from API servers; what matches nothing is `helm_failed`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

from kubecarrier.lib.errors import KubeCarrierError, TerminalError, TransientError
from kubecarrier.lib.redaction import redact

MESSAGE_LIMIT = 2000


class HelmReason(StrEnum):
    """Also the stable code of the error."""

    FAILED = "helm_failed"
    TIMEOUT = "helm_timeout"
    CANCELLED = "helm_cancelled"
    MISSING = "helm_missing"
    UNREACHABLE = "helm_unreachable"
    DENIED = "helm_denied"
    REFUSED = "helm_refused"
    ANOTHER_OPERATION = "helm_another_operation"
    NOT_FOUND = "helm_not_found"
    INVALID_VALUES = "helm_invalid_values"
    RENDER_FAILED = "helm_render_failed"
    OWNERSHIP = "helm_ownership"
    CONFLICT = "helm_conflict"
    RECORD_TOO_LARGE = "helm_record_too_large"
    HOOK_FAILED = "helm_hook_failed"


TRANSIENT = frozenset(
    {
        HelmReason.TIMEOUT,
        HelmReason.CANCELLED,
        HelmReason.MISSING,  # this machine lacks the program: nothing is wrong with the release
        HelmReason.UNREACHABLE,
        HelmReason.ANOTHER_OPERATION,
    }
)


class HelmError(KubeCarrierError):
    """`reason` says which; the message is Helm's own text, redacted, at most 2000 characters."""

    def __init__(self, reason: HelmReason, message: str) -> None:
        super().__init__(reason.value, message[:MESSAGE_LIMIT])
        self.reason = reason


class HelmFailed(HelmError, TerminalError):  # noqa: N818
    """Trying the same again does not help."""


class HelmUnavailable(HelmError, TransientError):  # noqa: N818
    """A later try may succeed."""


# The first match wins; so the sentence Helm puts in front comes before the cause it wraps.
_RULES: tuple[tuple[HelmReason, str], ...] = (
    (HelmReason.MISSING, r"^setpriv: failed to execute"),
    (
        HelmReason.ANOTHER_OPERATION,
        r"another operation \(install/upgrade/rollback\) is in progress",
    ),
    (HelmReason.ANOTHER_OPERATION, r"secrets \"sh\.helm\.release\.[^\"]*\" already exists"),
    (HelmReason.NOT_FOUND, r"release: not found|release has no \d+ version|is already deleted"),
    (HelmReason.INVALID_VALUES, r"values don't meet the specifications of the schema"),
    (
        HelmReason.INVALID_VALUES,
        r"(failed to parse|error parsing) /proc/self/fd/|cannot load values",
    ),
    (
        HelmReason.OWNERSHIP,
        r"cannot be imported into the current release|invalid ownership metadata",
    ),
    (HelmReason.HOOK_FAILED, r"failed (pre|post)-install|(pre|post)-\w+ hooks failed"),
    (HelmReason.HOOK_FAILED, r"hook (pre|post)-\w+ \S+ failed"),
    (
        HelmReason.RECORD_TOO_LARGE,
        r"sh\.helm\.release\..*(too long|too large|must have at most)"
        r"|(create|update): failed to (create|update).*(too long|too large|must have at most)"
        r"|must be less than 1048576|trying to send message larger than max",
    ),
    # Admission said no to an object (pod security, quota, a webhook); RBAC names a user there.
    (
        HelmReason.REFUSED,
        r"is forbidden: (?!user |unable to create new content)|admission webhook .* denied",
    ),
    (HelmReason.CONFLICT, r"apply failed with \d+ conflict|conflict occurred while applying"),
    (
        HelmReason.DENIED,
        r"x509: |tls: failed to verify|unauthorized\b|provide credentials|is forbidden: "
        r"|remote error: tls: ",
    ),
    (
        HelmReason.RENDER_FAILED,
        r"execution error at|parse error at|template: |yaml parse error on|error converting yaml"
        r"|chart requires kubeversion|unable to build kubernetes objects from (new )?release"
        r"|error validating|error calling (include|tpl|required)|unable to parse yaml"
        r"|strict decoding error|failed to create typed patch object",
    ),
    (
        HelmReason.UNREACHABLE,
        r"cluster unreachable|cluster reachability check failed|connection refused|no such host"
        r"|i/o timeout|tls handshake timeout|connection reset|broken pipe|no route to host"
        r"|network is unreachable|unexpected eof|: eof\b|server is currently unable to handle"
        r"|etcdserver: |too many requests|http2: |client connection lost|server misbehaving"
        r"|an error on the server|internal error occurred: failed calling webhook",
    ),
    (HelmReason.TIMEOUT, r"context deadline exceeded|timed out waiting|request canceled"),
)
_COMPILED = tuple((reason, re.compile(text, re.IGNORECASE | re.DOTALL)) for reason, text in _RULES)
_LEVEL_LINE = re.compile(r"^(level=|time=|WARNING: |coalesce\.go:|walk\.go:|I\d{4} |W\d{4} )")


def classify(text: str) -> HelmReason:
    """The reason behind Helm's text."""
    for reason, pattern in _COMPILED:
        if pattern.search(text):
            return reason
    return HelmReason.FAILED


def helm_error(reason: HelmReason, text: str, secrets: Iterable[str]) -> HelmError:
    """The error to raise for a reason."""
    kind = HelmUnavailable if reason in TRANSIENT else HelmFailed
    return kind(reason, redact(text, secrets))


def error_from_stderr(stderr: str, secrets: Iterable[str]) -> HelmError:
    """Helm ends with `Error: ...`; log lines in front of it are left out of the message."""
    start = stderr.rfind("Error: ")
    told = stderr[start + len("Error: ") :] if start >= 0 else stderr
    lines = [line for line in told.splitlines() if not _LEVEL_LINE.match(line)]
    message = "\n".join(lines).strip() or "Helm failed without a word."
    return helm_error(classify(message), message, secrets)
