"""Condition types and reasons of this app's kinds: closed lists."""

from enum import StrEnum

REACHABLE = "Reachable"
AUTHENTICATED = "Authenticated"
CREDENTIAL_EXPIRING = "CredentialExpiring"
CREDENTIAL_STALE = "CredentialStale"
IDENTIFIED = "Identified"
APPLIED = "Applied"
DRIFTED = "Drifted"
STALLED = "Stalled"
PLACED = "Placed"
PREPARED = "Prepared"


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
    RENEWED = "Renewed"
    NOT_RENEWED = "NotRenewed"
    RENEWAL_FAILED = "RenewalFailed"
    RENEWAL_OVERDUE = "RenewalOverdue"
    OLD_TOKEN_STANDS = "OldTokenStands"  # noqa: S105 - a reason
    SAME_CLUSTER = "SameCluster"
    ANOTHER_CLUSTER = "AnotherCluster"


class ConfigReason(StrEnum):
    """Why a condition of a config item or of one of its copies is as it is."""

    APPLIED = "Applied"
    NOT_APPLIED = "NotApplied"
    CREATED = "Created"
    ADOPTED = "Adopted"
    REPLACING = "Replacing"
    REFUSED = "Refused"
    PAUSED = "Paused"
    CLUSTER_NOT_READY = "ClusterNotReady"
    NAMESPACE_TERMINATING = "NamespaceTerminating"
    OBJECT_TERMINATING = "ObjectTerminating"
    OBJECT_OWNED_BY_OTHERS = "ObjectOwnedByOthers"
    NOT_STALLED = "NotStalled"
    NO_DRIFT = "NoDrift"
    CHANGED_IN_CLUSTER = "ChangedInCluster"
    CORRECTED = "Corrected"
    WAITS_FOR_DECISION = "WaitsForDecision"
    TAKEN_OVER = "TakenOver"
    FLAPPING = "Flapping"
    DELETED = "Deleted"
    DELETING = "Deleting"
    KEPT = "Kept"
    ALL_READY = "AllReady"
    SOME_NOT_READY = "SomeNotReady"
    NOWHERE = "Nowhere"


CATALOGUED = "Catalogued"


class CatalogueReason(StrEnum):
    """Why a cluster's catalogue is as it is."""

    READ = "Read"
    SILENT_GROUPS = "SilentGroups"


class ProjectReason(StrEnum):
    """Why a condition of a project, or of one on a cluster, is as it is."""

    CHOSEN = "Chosen"
    NOWHERE = "Nowhere"
    ALL_PREPARED = "AllPrepared"
    SOME_NOT_READY = "SomeNotReady"
    AS_WANTED = "AsWanted"
    CHANGED = "Changed"
    RELEASING = "Releasing"
    PAUSED = "Paused"
    NAMESPACE_FOREIGN = "NamespaceForeign"
    NAMESPACE_TAKEN = "NamespaceTaken"
    NAMESPACE_TERMINATING = "NamespaceTerminating"
    OBJECT_FOREIGN = "ObjectForeign"
    FLAPPING = "Flapping"
    NOT_STALLED = "NotStalled"
    CLUSTER_UNREACHABLE = "ClusterUnreachable"


GRANTED = "Granted"


class GrantReason(StrEnum):
    """Why a cluster grant's condition is as it is."""

    VERIFIED = "Verified"
    APPLIED = "Applied"
    NOT_EFFECTIVE = "NotEffective"
    FOREIGN = "Foreign"
    REMOVING = "Removing"
    PAUSED = "Paused"


USABLE = "Usable"


class KubeconfigReason(StrEnum):
    """Why somebody's kubeconfig works, or does not."""

    RIGHTS_IN_PLACE = "RightsInPlace"
    WAITS_FOR_RIGHTS = "WaitsForRights"
    BEING_ISSUED = "BeingIssued"
    REVOCATION_PENDING = "RevocationPending"
    REVOKED = "Revoked"
    EXPIRED = "Expired"
    ACCOUNT_GONE = "AccountGone"
