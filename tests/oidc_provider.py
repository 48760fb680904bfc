"""npm's oidc-provider as a child process: a real OIDC provider, and a person who clicks through it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urljoin

import httpx2
import pytest

from tests import npm

_HERE = Path(__file__).parent / "oidcprovider"
CLIENT_ID, CLIENT_SECRET = "kubecarrier", "a-secret-of-the-test-client"
_READY_SECONDS = 60


@dataclass(frozen=True)
class Provider:
    """Where it listens."""

    url: str

    def switch(self, *path: str) -> None:
        """`gone ana`, `groups ana ops`."""
        httpx2.get(f"{self.url}/test/{'/'.join(path)}").raise_for_status()

    def log_in(self, address: str, who: str) -> str:
        """Click from the authorization address through its forms; where the browser is sent back."""
        with httpx2.Client(follow_redirects=False) as browser:
            for _ in range(20):
                if not address.startswith(self.url):
                    return address
                answer = browser.get(address)
                if answer.is_redirect:
                    address = urljoin(address, answer.headers["Location"])
                    continue
                form = re.search(r'action="([^"]+)"', answer.text)
                assert form, answer.text
                prompt = re.search(r'name="prompt" value="([^"]+)"', answer.text)
                given = {"prompt": prompt[1] if prompt else "login", "login": who, "password": "x"}
                answer = browser.post(urljoin(address, form[1]), data=given)
                assert answer.is_redirect, answer.text
                address = urljoin(address, answer.headers["Location"])
        raise AssertionError("the provider leads nowhere")


def _missing(reason: str) -> NoReturn:
    if os.environ.get("KUBECARRIER_REQUIRE_OIDC") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def installed() -> Path:
    """The provider with its packages, outside of the checkout; skips without node or a network."""
    try:
        folder = npm.installed(_HERE, "oidc-provider")
    except npm.NotInstalledError as error:
        _missing(str(error))
    shutil.copy(_HERE / "server.mjs", folder)
    return folder


@contextmanager
def running(redirect_uri: str, backchannel: str = "") -> Iterator[Provider]:
    """The provider on a free port until the end."""
    folder = installed()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [
        "node",
        "server.mjs",
        str(port),
        CLIENT_ID,
        CLIENT_SECRET,
        redirect_uri,
        backchannel,
    ]
    child = subprocess.Popen(
        arguments, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert child.stdout is not None
        for line in child.stdout:
            if line.strip() == "ready":
                break
        else:
            raise AssertionError("the provider did not start")
        yield Provider(f"http://127.0.0.1:{port}")
    finally:
        child.terminate()
        child.wait(10)
        if child.stdout is not None:
            child.stdout.close()
