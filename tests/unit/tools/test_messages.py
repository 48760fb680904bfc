"""Translators find every text: the template in the tree is the one that the code gives."""

from __future__ import annotations

import re

import pytest

from tools import messages


@pytest.fixture(scope="module")
def gathered() -> str:
    if name := messages.missing():
        pytest.skip(f"{name} is not installed (Debian: gettext)")
    return messages.gathered()


def test_the_template_is_up_to_date(gathered: str) -> None:
    assert messages.TEMPLATE.read_text() == gathered, "run: make messages"


def test_texts_of_templates_and_code_are_in_it(gathered: str) -> None:
    for text in ("What runs where", "Applications by clusters", "Deploys what is wanted once more"):
        assert text in re.sub(r'"\n"', "", gathered)


def test_a_missing_program_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert messages.main([]) == 1
    assert capsys.readouterr().err == (
        "error: xgettext is not installed; run: make packages (Debian: gettext)\n"
    )
