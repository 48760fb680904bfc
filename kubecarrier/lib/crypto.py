"""Encryption of credentials: AES-GCM per row, with the row's identity bound in.

An envelope is `v1:<key id>:<base64 of nonce + ciphertext>`. The associated
data is `<table>.<column>:<primary key>`, so a ciphertext moved to another row
or column does not open. Keys come from `KUBECARRIER_ENCRYPTION_KEYS`: the
first one seals, all of them open; `manage.py rotate_keys` seals anew.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.apps import apps as django_apps
from django.conf import settings
from django.db import models

from kubecarrier.lib.errors import KubeCarrierError

_NONCE_BYTES = 12
_VERSION = "v1"


class SealError(KubeCarrierError):
    """A sealed value does not open: a wrong key, or a value of another row."""

    http_status = 500


if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class SealedField(_TextField):
    """Holds an envelope. Use `seal` and `reveal`; the attribute itself is ciphertext."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("blank", True)
        kwargs.setdefault("default", "")
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)


def seal(row: models.Model, column: str, plaintext: str) -> None:
    """Set `row.column` to the sealed form of `plaintext` ("" clears it). Does not save."""
    setattr(row, column, seal_text(plaintext, _identity(row, column)) if plaintext else "")


def reveal(row: models.Model, column: str) -> str:
    """The plaintext of `row.column`; raises SealError."""
    envelope = str(getattr(row, column))
    return open_text(envelope, _identity(row, column)) if envelope else ""


def seal_text(plaintext: str, identity: str) -> str:
    """Seal with the first key, bound to `identity`."""
    key_id, key = next(iter(_keys().items()))
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, plaintext.encode(), identity.encode())
    return f"{_VERSION}:{key_id}:{base64.b64encode(nonce + sealed).decode()}"


def open_text(envelope: str, identity: str) -> str:
    """Open with the key the envelope names; raises SealError."""
    try:
        version, key_id, body = envelope.split(":", 2)
        raw = base64.b64decode(body, validate=True)
        key = _keys()[key_id]
        if version != _VERSION:
            raise ValueError(version)
        return (
            AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], identity.encode()).decode()
        )
    except (ValueError, KeyError, InvalidTag, binascii.Error) as error:
        raise SealError(
            "credential_unreadable",
            "A stored credential does not open with the configured encryption keys.",
            hint="Check KUBECARRIER_ENCRYPTION_KEYS: it must still hold the key it was sealed with.",
        ) from error


def key_id_of(envelope: str) -> str:
    """The id of the key that sealed `envelope`."""
    return envelope.split(":", 2)[1] if envelope.count(":") >= 2 else ""


def current_key_id() -> str:
    """The id of the key that seals now."""
    return next(iter(_keys()))


def sealed_columns() -> Iterator[tuple[type[models.Model], str]]:
    """Every model and column that holds envelopes."""
    for model in django_apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, SealedField):
                yield model, field.attname


def _keys() -> Mapping[str, bytes]:
    keys: Mapping[str, bytes] = settings.KUBECARRIER_ENCRYPTION_KEYS
    return keys


def _identity(row: models.Model, column: str) -> str:
    return f"{row._meta.db_table}.{column}:{row.pk}"
