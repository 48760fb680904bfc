"""Debian's Chromium under playwright, with what a page says on its console collected."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
EXECUTABLE = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
]


@contextmanager
def browser() -> Iterator[Any]:
    """A headless browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(EXECUTABLE), args=ARGUMENTS)
        try:
            yield running
        finally:
            running.close()


def listen(page: Any) -> list[str]:
    """Errors, CSP violations included, as they come; failed requests that were cancelled are none."""
    said: list[str] = []
    page.on(
        "console", lambda message: said.append(message.text) if message.type == "error" else None
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def log_in(page: Any, base: str, name: str, password: str) -> None:
    """Through the login page, as a person."""
    page.goto(f"{base}/admin/login/?next=/admin/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(f"{base}/admin/")


def write_yaml(page: Any, name: str, text: str) -> None:
    """Into the editor of a form's field; into the text area where set-up made no editor."""
    if not (ROOT / "static/built/editor.js").exists():
        page.fill(f"textarea[name={name}]", text)
        return
    page.locator(f"textarea[name={name}] + .kc-editor .cm-content").fill(text)
