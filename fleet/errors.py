"""Errors of this app's services."""

from kubecarrier.lib.errors import ConflictError, InvalidError


class ClusterInvalidError(InvalidError):
    """What was said of a cluster is wrong."""


class ClusterDuplicateError(ConflictError):
    """The cluster is in the fleet already, by name or by identity."""


class ClusterStateError(ConflictError):
    """The cluster's present state forbids this."""
