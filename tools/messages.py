"""The texts of the console for translators: `locale/django.pot`, and a catalogue per language.

    python -m tools.messages              write the template and bring every catalogue up to date
    python -m tools.messages zh_Hans      the same, and begin a catalogue of that language

The template holds neither places nor times, and is sorted: two branches that add texts rarely meet.
Needs the programs of GNU gettext (Debian: gettext).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).parents[1]
LOCALE: Final = CHECKOUT / "locale"
TEMPLATE: Final = LOCALE / "django.pot"
PROGRAMS: Final = ("xgettext", "msgcat", "msguniq", "msgmerge", "msginit")
#: Django gathers with its own reader of templates; it is run outside, as everything here.
_GATHER: Final = """
from django.conf import settings
from django.core.management import call_command
settings.LOCALE_PATHS = [{folder!r}]
call_command("makemessages", all=True, keep_pot=True, no_location=True, symlinks=True, verbosity=0)
"""
_SOURCES: Final = ("accounts", "apps", "fleet", "kubecarrier", "monitoring", "templates")
_CHANGING: Final = ("POT-Creation-Date", "PO-Revision-Date")


class MessagesError(Exception):
    """One line that says what is missing or wrong."""


def missing() -> str:
    """The first program that is not there; "" when all are."""
    return next((name for name in PROGRAMS if shutil.which(name) is None), "")


def gathered() -> str:
    """The template as the code stands; raises MessagesError."""
    if name := missing():
        raise MessagesError(f"{name} is not installed; run: make packages (Debian: gettext)")
    with tempfile.TemporaryDirectory() as folder:
        for name in _SOURCES:  # Django would write beside the sources otherwise
            (Path(folder) / name).symlink_to(CHECKOUT / name)
        target = Path(folder) / "locale"
        target.mkdir()
        code = _GATHER.format(folder=str(target))
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "kubecarrier.settings.test"}
        command = [sys.executable, str(CHECKOUT / "manage.py"), "shell", "--no-imports", "-c", code]
        _run(command, environment, cwd=folder)
        text = _run(["msgcat", "--sort-output", "--width=100", f"{target}/django.pot"])
    lines = [line for line in text.splitlines() if not line.strip('"').startswith(_CHANGING)]
    return "\n".join(lines).replace("PACKAGE VERSION", "KubeCarrier") + "\n"


def catalogue(language: str) -> Path:
    """Where the texts of a language stand."""
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def main(languages: list[str]) -> int:
    """Exit code 0, or 1 with one line on standard error."""
    try:
        TEMPLATE.write_text(gathered())
        known = {file.parents[1].name for file in LOCALE.glob("*/LC_MESSAGES/django.po")}
        for language in sorted(known | set(languages)):
            _bring_up(language)
    except MessagesError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _bring_up(language: str) -> None:
    file = catalogue(language)
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        _run(["msginit", "--no-translator", f"--locale={language}", f"--input={TEMPLATE}",
              f"--output-file={file}"])  # fmt: skip
    _run(["msgmerge", "--quiet", "--update", "--backup=none", str(file), str(TEMPLATE)])


def _run(
    command: list[str], environment: dict[str, str] | None = None, cwd: str = str(CHECKOUT)
) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or "no reason was given").splitlines()[-1]
        raise MessagesError(f"{Path(command[0]).name} failed: {said}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
