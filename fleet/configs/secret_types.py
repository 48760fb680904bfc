"""What each type of a Secret must hold, and until when its certificate is good. Pure.

Source of the rules: "Types of Secret" in Kubernetes' concepts, and the API
server's own validation.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime

import orjson
from cryptography import x509

from fleet.configs.content import Values
from fleet.credentials import client_identity
from kubecarrier.lib.errors import InvalidError

OPAQUE = "Opaque"
TLS = "kubernetes.io/tls"
DOCKER = "kubernetes.io/dockerconfigjson"
OLD_DOCKER = "kubernetes.io/dockercfg"
BASIC = "kubernetes.io/basic-auth"
SSH = "kubernetes.io/ssh-auth"
BOOTSTRAP = "bootstrap.kubernetes.io/token"
ACCOUNT_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - a type's name
KNOWN = (OPAQUE, TLS, DOCKER, BASIC, SSH, OLD_DOCKER, BOOTSTRAP)
_TYPE = re.compile(r"[a-zA-Z0-9]([-a-zA-Z0-9./]{0,250}[a-zA-Z0-9])?")


def check_type(type_: str, *, field: str) -> None:
    """Raises InvalidError `secret_type_invalid`."""
    if type_ == ACCOUNT_TOKEN:
        raise InvalidError(
            "secret_type_invalid",
            "Tokens of service accounts are made by each cluster for itself.",
            field=field,
        )
    if not _TYPE.fullmatch(type_):
        raise InvalidError("secret_type_invalid", "This is no type of a Secret.", field=field)


def check_values(type_: str, values: Values, *, field: str) -> None:
    """Raises InvalidError with the key that is missing or wrong; never with a value."""
    check = _CHECKS.get(type_)
    if check:
        check(values, field)


def certificate_end(type_: str, values: Values) -> datetime | None:
    """When the certificate of a TLS secret expires."""
    if type_ != TLS or "tls.crt" not in values:
        return None
    certificates = x509.load_pem_x509_certificates(values["tls.crt"])
    return certificates[0].not_valid_after_utc


def docker_config(registry: str, username: str, password: str) -> str:
    """The text of `.dockerconfigjson`, as `kubectl create secret docker-registry` writes it."""
    auth = base64.b64encode(f"{username}:{password}".encode()).decode()
    entry = {"username": username, "password": password, "auth": auth}
    return orjson.dumps({"auths": {registry: entry}}).decode()


def _needs(values: Values, field: str, *keys: str) -> None:
    for key in keys:
        if not values.get(key):
            raise InvalidError(
                "key_missing", f"This type needs the key “{key}”.", field=f"{field}.{key}"
            )


def _tls(values: Values, field: str) -> None:
    _needs(values, field, "tls.crt", "tls.key")
    try:
        # An expired certificate is no reason to refuse: it is shown.
        client_identity(
            values["tls.crt"],
            values["tls.key"],
            f"{field}.tls.crt",
            f"{field}.tls.key",
            datetime.min.replace(tzinfo=UTC),
        )
    except InvalidError as error:
        code = error.code.replace("kubeconfig_", "tls_")
        raise InvalidError(code, error.message, field=error.field) from None
    except ValueError:
        raise InvalidError(
            "tls_bad_pem", "The value holds no PEM certificate.", field=f"{field}.tls.crt"
        ) from None


def _docker(values: Values, field: str) -> None:
    _needs(values, field, ".dockerconfigjson")
    where = f"{field}..dockerconfigjson"
    found = _json(values[".dockerconfigjson"], where)
    auths = found.get("auths")
    if not isinstance(auths, dict) or not all(isinstance(v, dict) for v in auths.values()):
        raise InvalidError(
            "dockerconfig_invalid",
            "A docker configuration has “auths”: a mapping by registry.",
            field=where,
        )


def _old_docker(values: Values, field: str) -> None:
    _needs(values, field, ".dockercfg")
    _json(values[".dockercfg"], f"{field}..dockercfg")


def _json(value: bytes, field: str) -> dict[str, object]:
    try:
        found = orjson.loads(value)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidError("dockerconfig_invalid", "The value is no JSON object.", field=field)
    return found


def _basic(values: Values, field: str) -> None:
    if not values.get("username") and not values.get("password"):
        _needs(values, field, "username")


def _ssh(values: Values, field: str) -> None:
    _needs(values, field, "ssh-privatekey")


def _bootstrap(values: Values, field: str) -> None:
    _needs(values, field, "token-id", "token-secret")


_CHECKS: dict[str, Callable[[Values, str], None]] = {
    TLS: _tls,
    DOCKER: _docker,
    OLD_DOCKER: _old_docker,
    BASIC: _basic,
    SSH: _ssh,
    BOOTSTRAP: _bootstrap,
}
