"""The configured provider as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from kubecarrier.lib import netguard


@dataclass(frozen=True, slots=True)
class OidcConfig:
    """Everything that the flow needs; made anew for each use, so that tests can change settings."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    client_auth: str
    scopes: tuple[str, ...]
    algorithms: tuple[str, ...]
    username_claim: str
    groups_claims: tuple[str, ...]
    admit_everyone: bool
    ca_pem: str
    recheck_seconds: int
    rules: netguard.Policy


def enabled() -> bool:
    """Whether a provider is configured."""
    return bool(settings.KUBECARRIER_OIDC_ISSUER)


def config() -> OidcConfig:
    """The provider of the settings."""
    ca_file = settings.KUBECARRIER_OIDC_CA_FILE
    return OidcConfig(
        issuer=settings.KUBECARRIER_OIDC_ISSUER,
        client_id=settings.KUBECARRIER_OIDC_CLIENT_ID,
        client_secret=settings.KUBECARRIER_OIDC_CLIENT_SECRET,
        client_auth=settings.KUBECARRIER_OIDC_CLIENT_AUTH,
        scopes=tuple(settings.KUBECARRIER_OIDC_SCOPES),
        algorithms=tuple(settings.KUBECARRIER_OIDC_ALGORITHMS),
        username_claim=settings.KUBECARRIER_OIDC_USERNAME_CLAIM,
        groups_claims=tuple(settings.KUBECARRIER_OIDC_GROUPS_CLAIMS),
        admit_everyone=settings.KUBECARRIER_OIDC_ADMIT == "everyone",
        ca_pem=Path(ca_file).read_text() if ca_file else "",
        recheck_seconds=settings.KUBECARRIER_OIDC_RECHECK_SECONDS,
        rules=netguard.Policy(allow_loopback=settings.KUBECARRIER_ALLOW_LOOPBACK),
    )
