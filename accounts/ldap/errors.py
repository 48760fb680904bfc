"""What can go wrong with the directory."""

from __future__ import annotations

from kubecarrier.lib.errors import TransientError


class DirectoryError(TransientError):
    """The directory does not answer, or not usefully: nobody is thrown out for that."""
