"""Errors of this app's services."""

from kubecarrier.lib.errors import ConflictError, InvalidError, NotFoundError


class ApplicationInvalidError(InvalidError):
    """What was said of an application is wrong."""


class ApplicationStateError(ConflictError):
    """The application's present state forbids this."""


class RepositoryInvalidError(InvalidError):
    """What was said of a repository is wrong."""


class RepositoryStateError(ConflictError):
    """The repository's present state forbids this."""


class ChartNotFoundError(NotFoundError):
    """No such chart or no version that fits."""
