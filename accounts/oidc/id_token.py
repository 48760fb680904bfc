"""Whether a token of the provider is to be believed. Pure: keys come in, claims or an error go out.

OpenID Connect Core 3.1.3.7 and Back-Channel Logout 2.6; mozilla-django-oidc
checks signature and nonce only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Any

import jwt

from accounts.oidc.config import OidcConfig
from accounts.oidc.errors import TokenError

#: What any configuration may allow at most: signatures with the provider's private key.
ALLOWED = frozenset({"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"})
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_MAX_LENGTH = 64 * 1024
_LEEWAY_SECONDS = 30
_FAMILY = {"RS": "RSA", "ES": "EC"}

type Keys = Callable[[str | None], Sequence[dict[str, Any]]]


def verified(
    token: Any, config: OidcConfig, keys: Keys, *, nonce: str | None, access_token: str = ""
) -> dict[str, Any]:
    """The claims of an id token; raises TokenError. `nonce` None: a refresh, where none is sent."""
    claims, algorithm = _decoded(token, config, keys, required=("exp", "iat", "iss", "aud", "sub"))
    if "events" in claims:
        raise TokenError("oidc_token_kind", "This is no id token.")
    _check_party(claims, config)
    if nonce is not None and not _same(claims.get("nonce"), nonce):
        raise TokenError("oidc_nonce", "This answer belongs to another login.")
    expected = claims.get("at_hash") if access_token else None
    if expected is not None and not _same(expected, _half_hash(access_token, algorithm)):
        raise TokenError("oidc_at_hash", "The access token is not the one that was signed.")
    return claims


def verified_logout(token: Any, config: OidcConfig, keys: Keys) -> dict[str, Any]:
    """The claims of a logout token: it names a subject, a session, or both."""
    claims, _ = _decoded(token, config, keys, required=("exp", "iat", "iss", "aud", "jti"))
    events = claims.get("events")
    if not isinstance(events, dict) or LOGOUT_EVENT not in events or "nonce" in claims:
        raise TokenError("oidc_token_kind", "This is no logout token.")
    if not any(isinstance(claims.get(name), str) for name in ("sub", "sid")):
        raise TokenError("oidc_no_subject", "The logout names nobody.")
    return claims


def _decoded(
    token: Any, config: OidcConfig, keys: Keys, *, required: tuple[str, ...]
) -> tuple[dict[str, Any], str]:
    if not isinstance(token, str) or not token or len(token) > _MAX_LENGTH:
        raise TokenError("oidc_no_token", "The provider sent no token.")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise TokenError("oidc_malformed", "The token is malformed.") from error
    algorithm = header.get("alg")
    if algorithm not in ALLOWED or algorithm not in config.algorithms:
        raise TokenError("oidc_algorithm", "The token is signed in a way that is not accepted.")
    key = _key(keys(header.get("kid")), header.get("kid"), algorithm)
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=config.client_id,
            issuer=config.issuer,
            leeway=_LEEWAY_SECONDS,
            options={"require": list(required)},
        )
    except jwt.PyJWTError as error:
        raise _why(error) from error
    if "sub" in claims and not (isinstance(claims["sub"], str) and 0 < len(claims["sub"]) <= 255):
        raise TokenError("oidc_subject", "The token's subject is no name.")
    return claims, algorithm


def _key(listed: Sequence[dict[str, Any]], kid: Any, algorithm: str) -> Any:
    """The one key that fits by id, family, use and algorithm."""
    family = _FAMILY[algorithm[:2]]
    fitting = [
        key
        for key in listed
        if key.get("kty") == family
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.get("kid") == kid)
    ]
    if not fitting or (kid is None and len(fitting) > 1):
        raise TokenError("oidc_unknown_key", "The token is signed with a key nobody knows.")
    try:
        return jwt.PyJWK(fitting[0], algorithm=algorithm).key
    except jwt.PyJWTError as error:
        raise TokenError("oidc_unknown_key", "The provider's key cannot be read.") from error


def _why(error: jwt.PyJWTError) -> TokenError:
    match error:
        case jwt.ExpiredSignatureError():
            return TokenError("oidc_expired", "The token has expired.", hint="Log in again.")
        case jwt.ImmatureSignatureError():
            return TokenError("oidc_not_yet", "The token is from the future: compare the clocks.")
        case jwt.InvalidAudienceError():
            return TokenError("oidc_audience", "The token is for somebody else.")
        case jwt.InvalidIssuerError():
            return TokenError("oidc_issuer", "The token is from somebody else.")
        case jwt.MissingRequiredClaimError():
            return TokenError("oidc_incomplete", f"The token lacks {error.claim}.")
        case jwt.InvalidSignatureError():
            return TokenError("oidc_signature", "The token's signature is wrong.")
    return TokenError("oidc_malformed", "The token is malformed.")


def _check_party(claims: dict[str, Any], config: OidcConfig) -> None:
    audience, party = claims["aud"], claims.get("azp")
    several = isinstance(audience, list) and len(audience) > 1
    if (several and party is None) or (party is not None and party != config.client_id):
        raise TokenError("oidc_party", "The token was made for another client.")


def _half_hash(access_token: str, algorithm: str) -> str:
    digest = hashlib.new(f"sha{algorithm[2:]}", access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def _same(given: Any, wanted: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), wanted.encode())
