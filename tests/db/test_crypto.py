"""Sealed columns: they open with the right key, in their own row and column, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from accounts.audited import excluded_fields
from accounts.models import Identity, SecondFactor
from apps.models import Application, ApplicationRevision, ChartRepository
from fleet.models import Cluster, ConfigConflict, ConfigItem, ConfigItemRevision
from kubecarrier.lib import crypto
from kubecarrier.lib.crypto import SealError

pytestmark = pytest.mark.django_db
OLD, NEW = {"old": b"a" * 32}, {"new": b"b" * 32}


def sealed(name: str = "one", text: str = "canary") -> Cluster:
    row = Cluster(name=name, server="https://x.example.org")
    crypto.seal(row, "credential", text)
    row.save()
    found: Cluster = Cluster.objects.get(pk=row.pk)
    return found


def test_opens_in_its_own_row() -> None:
    row = sealed()
    assert crypto.reveal(row, "credential") == "canary"
    assert "canary" not in row.credential


def test_equal_texts_look_different() -> None:
    assert sealed("one").credential != sealed("two").credential


def test_empty_is_empty() -> None:
    row = sealed(text="")
    assert (row.credential, crypto.reveal(row, "credential")) == ("", "")


def test_moved_to_another_row() -> None:
    one, two = sealed("one"), sealed("two")
    two.credential = one.credential
    with pytest.raises(SealError):
        crypto.reveal(two, "credential")


def test_moved_to_another_column_or_table() -> None:
    row = sealed()
    other = ChartRepository(pk=row.pk, name="r", credential=row.credential)
    with pytest.raises(SealError):
        crypto.reveal(other, "credential")
    row.ca_pem = row.credential
    with pytest.raises(SealError):
        crypto.reveal(row, "ca_pem")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-4] + ("AAAA" if not text.endswith("AAAA") else "BBBB"),
        lambda text: text.replace("v1:", "v2:", 1),
        lambda text: text.replace(":", ""),
        lambda text: "v1:t1:",
        lambda text: "v1:t1:not base64",
        lambda text: "v1:unknown:" + text.split(":", 2)[2],
        lambda text: "plain text",
    ],
)
def test_spoilt(spoil: Any) -> None:
    row = sealed()
    row.credential = spoil(row.credential)
    with pytest.raises(SealError) as caught:
        crypto.reveal(row, "credential")
    assert "canary" not in repr(caught.value)


def test_rotation_opens_with_the_old_and_seals_with_the_new_key() -> None:
    with override_settings(KUBECARRIER_ENCRYPTION_KEYS=OLD):
        row = sealed()
    with override_settings(KUBECARRIER_ENCRYPTION_KEYS=NEW | OLD):
        assert crypto.reveal(row, "credential") == "canary"
        assert (crypto.key_id_of(row.credential), crypto.current_key_id()) == ("old", "new")
        crypto.seal(row, "credential", "canary")
    with override_settings(KUBECARRIER_ENCRYPTION_KEYS=NEW):
        assert crypto.reveal(row, "credential") == "canary"


@pytest.mark.parametrize("keys", [NEW, {"old": b"c" * 32}])
def test_the_wrong_key(keys: dict[str, bytes]) -> None:
    with override_settings(KUBECARRIER_ENCRYPTION_KEYS=OLD):
        row = sealed()
    with override_settings(KUBECARRIER_ENCRYPTION_KEYS=keys), pytest.raises(SealError):
        crypto.reveal(row, "credential")


def test_every_sealed_column_is_known_and_kept_out_of_the_audit() -> None:
    known = set(crypto.sealed_columns())
    assert known == {
        (Cluster, "credential"),
        (ChartRepository, "credential"),
        (Application, "secret_data"),
        (ApplicationRevision, "secret_data"),
        (ConfigConflict, "found"),
        (ConfigItem, "secret_data"),
        (ConfigItemRevision, "secret_data"),
        (Identity, "refresh_token"),
        (SecondFactor, "secret"),
    }
    assert all(column in excluded_fields(model) for model, column in known)
