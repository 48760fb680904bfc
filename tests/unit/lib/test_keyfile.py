"""The portal's own keys: made once, kept private, read strictly."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest

from kubecarrier.lib import keyfile

KEY = base64.b64encode(b"k" * 32).decode()
OTHER = base64.b64encode(b"o" * 32).decode()


def test_made_once_and_private(tmp_path: Path) -> None:
    home = tmp_path / "a" / "home"
    path = keyfile.create(home)
    text = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) & 0o077 == 0
    assert keyfile.create(home) == path
    assert path.read_text() == text


def test_two_homes_have_different_keys(tmp_path: Path) -> None:
    texts = {keyfile.create(tmp_path / name).read_text() for name in "ab"}
    assert len(texts) == 2


def test_what_is_made_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KUBECARRIER_SECRET_KEY", "KUBECARRIER_ENCRYPTION_KEYS"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    keyfile.create(tmp_path)
    keyfile.load(tmp_path)
    keys = keyfile.parse_keys(os.environ["KUBECARRIER_ENCRYPTION_KEYS"])
    assert [len(key) for key in keys.values()] == [32]
    assert len(os.environ["KUBECARRIER_SECRET_KEY"]) >= 50


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECARRIER_SECRET_KEY", "mine")
    monkeypatch.setenv("KUBECARRIER_ENCRYPTION_KEYS", "mine too")
    keyfile.create(tmp_path)
    keyfile.load(tmp_path)
    assert os.environ["KUBECARRIER_SECRET_KEY"] == "mine"


def test_no_file_is_no_error(tmp_path: Path) -> None:
    keyfile.load(tmp_path / "nothing")


def test_the_first_key_seals() -> None:
    assert list(keyfile.parse_keys(f"new:{KEY},old:{OTHER}")) == ["new", "old"]


def test_blanks_between_keys_are_no_part_of_their_ids() -> None:
    assert list(keyfile.parse_keys(f"new:{KEY}, old:{OTHER}\n")) == ["new", "old"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "k1",
        "k1:",
        f":{KEY}",
        f"k1:{KEY[:-4]}",
        "k1:not base64!",
        f"k1:{KEY},k1:{OTHER}",
        f"k1:{KEY},k2:",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        keyfile.parse_keys(text)
    assert KEY not in str(caught.value)
