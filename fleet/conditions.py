"""Condition types and reasons of this app's kinds: closed lists."""

from enum import StrEnum

REACHABLE = "Reachable"
AUTHENTICATED = "Authenticated"
CREDENTIAL_EXPIRING = "CredentialExpiring"
IDENTIFIED = "Identified"


class Reason(StrEnum):
    """Why a cluster's condition is as it is."""

    PROBED = "Probed"
    UNREACHABLE = "Unreachable"
    TIMED_OUT = "TimedOut"
    TLS_FAILED = "TlsFailed"
    UNAUTHORIZED = "Unauthorized"
    FORBIDDEN = "Forbidden"
    ADDRESS_FORBIDDEN = "AddressForbidden"
    NOT_PROBED = "NotProbed"
    NO_EXPIRY = "NoExpiry"
    EXPIRES_LATER = "ExpiresLater"
    EXPIRES_SOON = "ExpiresSoon"
    EXPIRED = "Expired"
    SAME_CLUSTER = "SameCluster"
    ANOTHER_CLUSTER = "AnotherCluster"
