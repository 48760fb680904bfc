"""What can go wrong on the way in; the code says which check it was."""

from __future__ import annotations

from kubecarrier.lib.errors import KubeCarrierError, TransientError


class OidcError(KubeCarrierError):
    """The provider's answer is not good enough to let somebody in."""

    http_status = 403


class TokenError(OidcError):
    """A token that must not be believed."""


class RefusedError(OidcError):
    """The provider itself says no to this person (`invalid_grant`): access has ended there."""


class ClientError(OidcError):
    """The provider and the portal's own settings do not fit: it says nothing of any person."""


class ProviderError(TransientError):
    """The provider does not answer, or not usefully: nobody is thrown out for that."""
