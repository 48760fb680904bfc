"""Errors of this app's services."""

from kubecarrier.lib.errors import ConflictError, DeniedError, InvalidError


class ClusterInvalidError(InvalidError):
    """What was said of a cluster is wrong."""


class ClusterDuplicateError(ConflictError):
    """The cluster is in the fleet already, by name or by identity."""


class ClusterStateError(ConflictError):
    """The cluster's present state forbids this."""


class ProjectInvalidError(InvalidError):
    """What was said of a project is wrong."""


class ProjectDeniedError(DeniedError):
    """A project's rules do not allow this, whoever asks."""


class ProjectStateError(ConflictError):
    """The project's present state forbids this."""


class ConfigItemInvalidError(InvalidError):
    """What was said of a config item is wrong."""


class ConfigItemStateError(ConflictError):
    """The config item's present state, or another item, forbids this."""


class CapacityInvalidError(InvalidError):
    """What was asked of capacity is no question."""


class KubeconfigInvalidError(InvalidError):
    """What was asked of a person's kubeconfig is wrong."""


class KubeconfigDeniedError(DeniedError):
    """This person, or what he came with, gets no kubeconfig."""


class KubeconfigStateError(ConflictError):
    """The present state of a cluster or a kubeconfig forbids this."""
