"""No form of a secret survives."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubecarrier.lib.redaction import MASK, mask_secret_objects, redact

KEY = b"k" * 32
SECRET = "canary/secret+value=="


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
        SECRET.encode().hex(),
    ],
)
def test_every_form_goes(form: str) -> None:
    assert redact(f"before {form} after", [SECRET]) == f"before {MASK} after"


@pytest.mark.parametrize("prefix", ["", "a", "ab", "abc"])
def test_inside_a_longer_base64_text(prefix: str) -> None:
    shown = base64.b64encode(f"{prefix}{SECRET}{prefix}".encode()).decode()
    cleaned = redact(shown, [SECRET])
    assert MASK in cleaned
    assert b"secret+val" not in base64.b64decode(cleaned.replace(MASK, "AAAA") + "===")


def test_json_escapes_go() -> None:
    secret = 'quo"te\\back\nline-that-is-long-enough'
    assert "back" not in redact(json.dumps({"a": secret}), [secret])


def test_lines_of_a_key_go() -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nAAAABBBBCCCCDDDDEEEE\n-----END PRIVATE KEY-----\n"
    assert redact("bad line: AAAABBBBCCCCDDDDEEEE", [pem]) == f"bad line: {MASK}"


def test_short_values_stay() -> None:
    assert redact("abc and 1", ["abc", "1", ""]) == "abc and 1"


def test_longest_first() -> None:
    assert redact("password-long", ["password", "password-long"]) == MASK


def test_no_secrets_no_change() -> None:
    assert redact("text", []) == "text"


_SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=4, max_size=30)


@given(secret=_SECRETS, before=st.text(max_size=20), after=st.text(max_size=20))
def test_no_canary_survives(secret: str, before: str, after: str) -> None:
    encoded = base64.b64encode(secret.encode()).decode()
    assert secret not in redact(before + secret + after, [secret])
    assert encoded not in redact(before + encoded + after, [secret])


@given(secrets=st.lists(_SECRETS, min_size=1, max_size=4))
def test_no_canary_of_many_survives(secrets: list[str]) -> None:
    cleaned = redact("".join(secrets) + " ".join(reversed(secrets)), secrets)
    assert not [secret for secret in secrets if secret in cleaned]


def secret_object(**data: str) -> dict[str, object]:
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
    return {"kind": "Secret", "metadata": {"name": "s"}, "data": encoded}


def test_names_stay_and_values_go() -> None:
    masked = mask_secret_objects(secret_object(password="hunter22"), key=KEY)
    assert list(masked["data"]) == ["password"]
    assert masked["data"]["password"].startswith(f"{MASK} (")
    assert "hunter22" not in repr(masked)


def test_equal_values_look_equal_under_one_key_only() -> None:
    one = mask_secret_objects(secret_object(a="same-value", b="other"), key=KEY)["data"]
    two = mask_secret_objects(secret_object(c="same-value"), key=KEY)["data"]
    other_key = mask_secret_objects(secret_object(a="same-value"), key=b"x" * 32)["data"]
    assert one["a"] == two["c"]
    assert one["a"] != one["b"]
    assert one["a"] != other_key["a"]


def test_string_data_has_the_fingerprint_of_data() -> None:
    plain = {"kind": "Secret", "stringData": {"a": "same-value"}}
    encoded = secret_object(a="same-value")
    assert (
        mask_secret_objects(plain, key=KEY)["stringData"]["a"]
        == mask_secret_objects(encoded, key=KEY)["data"]["a"]
    )


def test_secrets_inside_lists_and_the_copy_in_the_annotation() -> None:
    secret = secret_object(a="hunter22")
    secret["metadata"] = {
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "hunter22", "b": "c"}
    }
    masked = mask_secret_objects({"kind": "List", "items": [secret]}, key=KEY)
    assert "hunter22" not in repr(masked)
    assert masked["items"][0]["metadata"]["annotations"]["b"] == "c"


def test_other_objects_are_left_alone() -> None:
    config = {"kind": "ConfigMap", "data": {"a": "b"}}
    assert mask_secret_objects(config, key=KEY) == config


@pytest.mark.parametrize("odd", ["text", 5, ["a"], {"a": 5}, {"a": {"b": "hunter22"}}, None])
def test_odd_data_goes_as_well(odd: object) -> None:
    assert "hunter22" not in repr(mask_secret_objects({"kind": "Secret", "data": odd}, key=KEY))
