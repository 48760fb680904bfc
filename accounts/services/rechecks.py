"""Asking the provider again whether people may still come in, and in which groups they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import ApiToken, Identity, IdentitySource, LoginSession
from accounts.oidc import claims as claims_
from accounts.oidc import id_token, provider
from accounts.oidc.config import OidcConfig, config, enabled
from accounts.oidc.errors import ClientError, OidcError, ProviderError, TokenError
from accounts.services.identities import Seen, identity_ended, identity_seen
from kubecarrier.lib import crypto
from kubecarrier.lib.errors import DeniedError

log = structlog.get_logger(__name__)
_AGAIN_SECONDS = 60
_AT_ONCE = 200


def rechecks_due() -> bool:
    """Whether anybody has to be asked about."""
    return enabled() and _due().exists()


def recheck_due() -> int:
    """Ask about everybody who is due and has a session or a token; how many were asked about."""
    found = list(_due().select_related("user")[:_AT_ONCE]) if enabled() else []
    for row in found:
        recheck(row)
    return len(found)


def recheck(identity: Identity) -> None:
    """Ask once; only a refusal ends anything, an error never does."""
    setup, now = config(), timezone.now()
    # Whoever moves the due time asks: refresh tokens are used once.
    claimed = Identity.objects.filter(
        pk=identity.pk, check_due_at=identity.check_due_at, check_due_at__lte=now
    ).update(check_due_at=now + timedelta(seconds=_AGAIN_SECONDS))
    if not claimed:
        return
    identity.refresh_from_db()
    if identity.issuer != setup.issuer:
        identity_ended(identity=identity, reason="another provider is configured")
        return
    secret = crypto.reveal(identity, "refresh_token")
    if not secret:
        identity_ended(identity=identity, reason="the provider gives no refresh token")
        return
    try:
        identity_seen(seen=_asked(setup, identity, secret))
    except (ProviderError, ClientError, TokenError) as error:
        # Away, or at odds with the portal: an expired secret must not take everybody's tokens.
        log.warning(
            "nothing said of a person, access stays", code=error.code, identity=str(identity.pk)
        )
    except (OidcError, DeniedError) as error:
        identity_ended(identity=identity, reason=f"{error.code}: {error.message}")


def seen_of(setup: OidcConfig, claims: dict[str, Any], answer: dict[str, Any]) -> Seen:
    """The person in verified claims and a token answer; asks for user info where groups are missing."""
    access_token = answer.get("access_token")
    more: dict[str, Any] = {}
    complete = claims_.has_groups(claims, setup.groups_claims)
    if (
        not complete
        and isinstance(access_token, str)
        and provider.discovery(setup).userinfo_endpoint
    ):
        more = provider.userinfo(setup, access_token)
        if more.get("sub") != claims["sub"]:
            raise OidcError("oidc_subject", "The user info is of somebody else.")
    merged = {**more, **claims}
    refresh_token = answer.get("refresh_token")
    return Seen(
        source=IdentitySource.OIDC,
        issuer=setup.issuer,
        subject=claims["sub"],
        username=claims_.username(merged, setup.username_claim),
        groups=claims_.groups(merged, setup.groups_claims),
        email=claims_.text(merged, "email", 254),
        first_name=claims_.text(merged, "given_name", 150),
        last_name=claims_.text(merged, "family_name", 150),
        admit_everyone=setup.admit_everyone,
        refresh_token=refresh_token if isinstance(refresh_token, str) else "",
        check_due_at=timezone.now() + timedelta(seconds=setup.recheck_seconds),
    )


def _asked(setup: OidcConfig, identity: Identity, secret: str) -> Seen:
    form = {"grant_type": "refresh_token", "refresh_token": secret}
    answer = provider.token(setup, form)
    if answer.get("id_token"):
        claims = id_token.verified(
            answer["id_token"], setup, lambda kid: provider.keys(setup, kid),
            nonce=None, access_token=str(answer.get("access_token") or ""),
        )  # fmt: skip
        if claims["sub"] != identity.subject:
            raise OidcError("oidc_subject", "The token is of somebody else.")
    else:
        claims = {"sub": identity.subject}
    seen = seen_of(setup, claims, answer)
    if not claims_.has_groups(claims, setup.groups_claims) and not answer.get("access_token"):
        # Nothing was said of groups: what was known stays.
        return Seen(**{**_as_dict(seen), "groups": identity.groups})
    return seen


def _as_dict(seen: Seen) -> dict[str, Any]:
    return {name: getattr(seen, name) for name in Seen.__dataclass_fields__}


def _due() -> Any:
    sessions = LoginSession.objects.filter(user=OuterRef("user"))
    tokens = ApiToken.objects.filter(user=OuterRef("user"))
    return Identity.objects.filter(
        Q(Exists(sessions)) | Q(Exists(tokens)),
        source=IdentitySource.OIDC,
        check_due_at__lte=timezone.now(),
    ).order_by("check_due_at")
