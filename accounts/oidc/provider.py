"""THE door to the OIDC provider: discovery, keys, tokens, user info, in bounded time.

Discovery and keys are kept in this process. A key id that is not among them is
looked for once anew, not more often than every half minute: a stranger's tokens
must not make us ask the provider without end.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson

from accounts.oidc.config import OidcConfig
from accounts.oidc.errors import ClientError, ProviderError, RefusedError
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.lib.guarded_http import Deadline, GuardedTransport

_SECONDS = 4.5  # an answer to a person within five
_MAX_BYTES = 1024 * 1024
_KEPT_SECONDS = 3600.0
_KEYS_AGAIN_SECONDS = 30.0
# About the person (RFC 6749, 5.2; Core, 3.1.2.6); every other error is about the portal's client.
_OF_THE_PERSON = {"invalid_grant", "login_required", "consent_required", "interaction_required"}


@dataclass(frozen=True, slots=True)
class Discovery:
    """What the provider says of itself; every address was checked to be one."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    end_session_endpoint: str


@dataclass(slots=True)
class _Kept:
    discovery: Discovery
    discovered_at: float
    keys: list[dict[str, Any]] | None = None
    keys_at: float = 0.0


_kept: dict[str, _Kept] = {}


def forget() -> None:
    """Ask everything anew; for tests."""
    _kept.clear()


def discovery(config: OidcConfig) -> Discovery:
    """The provider's metadata; raises ProviderError, ClientError."""
    return _known(config).discovery


def keys(config: OidcConfig, kid: str | None) -> list[dict[str, Any]]:
    """Its signing keys; looked up anew when none has this id. Raises ProviderError."""
    known = _known(config)
    age = time.monotonic() - known.keys_at
    missing = known.keys is None or (kid and all(key.get("kid") != kid for key in known.keys))
    if known.keys is None or age > _KEPT_SECONDS or (missing and age > _KEYS_AGAIN_SECONDS):
        answer = _json(config, "GET", known.discovery.jwks_uri)
        listed = answer.get("keys")
        if not isinstance(listed, list):
            raise ProviderError("oidc_bad_answer", "The provider's keys are no list.")
        known.keys = [key for key in listed if isinstance(key, dict)]
        known.keys_at = time.monotonic()
    return known.keys


def token(config: OidcConfig, form: dict[str, str]) -> dict[str, Any]:
    """One call of the token endpoint; raises RefusedError, ProviderError, ClientError."""
    return _token(config, form)


def userinfo(config: OidcConfig, access_token: str) -> dict[str, Any]:
    """The claims behind an access token; raises ProviderError."""
    address = discovery(config).userinfo_endpoint
    return _json(config, "GET", address, headers={"Authorization": f"Bearer {access_token}"})


def _known(config: OidcConfig) -> _Kept:
    kept = _kept.get(config.issuer)
    now = time.monotonic()
    if kept is not None and now - kept.discovered_at < _KEPT_SECONDS:
        return kept
    address = config.issuer.rstrip("/") + "/.well-known/openid-configuration"
    try:
        found = _read_discovery(config, _json(config, "GET", address))
    except ProviderError:
        if kept is not None:  # what was good an hour ago is better than nothing
            return kept
        raise
    _kept[config.issuer] = _Kept(found, now)
    return _kept[config.issuer]


def _read_discovery(config: OidcConfig, answer: dict[str, Any]) -> Discovery:
    if answer.get("issuer") != config.issuer:
        raise ClientError(
            "oidc_wrong_issuer",
            "The provider calls itself otherwise than KUBECARRIER_OIDC_ISSUER.",
            hint="Compare it letter by letter, the slash at the end included.",
        )
    secure = urlsplit(config.issuer).scheme == "https"
    found = {}
    for name in (
        "authorization_endpoint", "token_endpoint", "jwks_uri",
        "userinfo_endpoint", "end_session_endpoint",
    ):  # fmt: skip
        value = answer.get(name, "")
        optional = name in {"userinfo_endpoint", "end_session_endpoint"}
        scheme = urlsplit(value).scheme if isinstance(value, str) else ""
        if scheme not in ({"https"} if secure else {"https", "http"}) and (value or not optional):
            raise ProviderError("oidc_bad_answer", f"The provider's {name} is no address.")
        found[name] = value
    return Discovery(issuer=config.issuer, **found)


def _token(config: OidcConfig, form: dict[str, str]) -> dict[str, Any]:
    auth = None
    body = {**form, "client_id": config.client_id}
    if config.client_auth == "basic":
        auth = httpx2.BasicAuth(config.client_id, config.client_secret)
    elif config.client_secret:
        body["client_secret"] = config.client_secret
    status, answer = _call(config, "POST", discovery(config).token_endpoint, data=body, auth=auth)
    if status == 200:
        return answer
    error = answer.get("error")
    if error in _OF_THE_PERSON:
        raise RefusedError("oidc_refused", "The provider does not let this person in any more.")
    if 400 <= status < 500 and isinstance(error, str):
        known = error if error.isascii() and error.isidentifier() else "unknown"
        raise ClientError("oidc_token_refused", f"The provider refused the exchange: {known[:60]}.")
    raise ProviderError("oidc_unreachable", f"The provider answered {status}.")


def _json(config: OidcConfig, method: str, address: str, **more: Any) -> dict[str, Any]:
    status, answer = _call(config, method, address, **more)
    if status != 200:
        raise ProviderError("oidc_unreachable", f"The provider answered {status}.")
    return answer


def _call(config: OidcConfig, method: str, address: str, **more: Any) -> tuple[int, dict[str, Any]]:
    """Status and JSON object; no redirect is followed: credentials are in the request."""
    deadline = Deadline.after(_SECONDS)
    transport = GuardedTransport(config.rules, deadline, ca_pem=config.ca_pem or None)
    try:
        with (
            httpx2.Client(
                transport=transport, trust_env=False, timeout=_SECONDS, follow_redirects=False
            ) as client,
            client.stream(
                method,
                address,
                headers={"Accept": "application/json", **more.pop("headers", {})},
                **more,
            ) as response,
        ):
            raw = b""
            for part in response.iter_bytes():
                raw += part
                if len(raw) > _MAX_BYTES:
                    raise ProviderError("oidc_bad_answer", "The provider's answer is too long.")
            found = orjson.loads(raw) if raw else {}
    except (httpx2.HTTPError, OSError) as error:
        raise ProviderError(
            "oidc_unreachable",
            "The login provider does not answer.",
            hint="Try again soon. Local accounts can log in meanwhile.",
        ) from error
    except orjson.JSONDecodeError as error:
        raise ProviderError("oidc_bad_answer", "The provider's answer is no JSON.") from error
    except ProviderError:
        raise
    except KubeCarrierError as error:  # the address guard
        raise ProviderError(
            "oidc_unreachable", f"The login provider cannot be called: {error.message}"
        ) from error
    if not isinstance(found, dict):
        raise ProviderError("oidc_bad_answer", "The provider's answer is no object.")
    return response.status_code, found
