"""login, logout, whoami, contexts: where a token is kept and where it is sent."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import ClassVar

import pytest
from typer.testing import CliRunner, Result

from kubecarrier.cli import device
from kubecarrier.cli.app import app
from tests.unit.cli.portal import TOKEN, Portal, Reply, error


def call(*args: str, stdin: str = "") -> Result:
    return CliRunner().invoke(app, list(args), input=stdin)


@pytest.fixture
def config(home: Path) -> Path:
    return home / "config" / "kubecarrier" / "config.yaml"


def login(portal: Portal, *more: str) -> Result:
    return call("login", portal.url, "-u", "ana", "--password-stdin", *more, stdin="correct\n")


def test_login_keeps_a_token_that_nobody_else_can_read(portal: Portal, config: Path) -> None:
    assert login(portal).exit_code == 0
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.parent.stat().st_mode) == 0o700
    assert "correct" not in config.read_text()
    sent = portal.requests("POST", "/auth/login")[0]
    assert "authorization" not in sent.headers
    assert sent.body["name"].startswith("kubecarrier-cli on ")
    assert call("whoami").stdout == "ana\n"
    assert [p.name for p in config.parent.iterdir()] == ["config.yaml"]


def test_a_wrong_password_stores_nothing(portal: Portal, config: Path) -> None:
    result = call("login", portal.url, "-u", "ana", "--password-stdin", stdin="wrong\n")
    assert (result.exit_code, config.exists()) == (4, False)
    assert "login_failed" in result.stderr


def test_login_with_a_token_checks_it_first(portal: Portal, config: Path) -> None:
    assert call("login", portal.url, "--token", "wrong").exit_code == 4
    assert not config.exists()
    assert call("login", portal.url, "--token", "-", stdin=f"{TOKEN}\n").exit_code == 0
    assert call("login", portal.url, "--token", TOKEN, "-u", "ana").exit_code == 2


def test_without_a_terminal_nothing_is_asked(portal: Portal, config: Path) -> None:
    result = call("login", portal.url, "-u", "ana")
    assert result.exit_code == 2
    assert "There is no terminal" in result.stderr


class TestByDeviceCode:
    """The server's side of it is tested in tests/db/test_device_login.py."""

    BEGUN: ClassVar = {
        "deviceCode": "the-long-one",
        "userCode": "BCDF-GHJK",
        "verificationUri": "http://evil.example/\x1b[31m",
        "expiresIn": 600,
        "interval": 5,
    }

    @pytest.fixture
    def pauses(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        taken: list[float] = []
        monkeypatch.setattr(device, "pause", taken.append)
        return taken

    def test_the_whole_way(self, portal: Portal, config: Path, pauses: list[float]) -> None:
        portal.on("POST /device/code", Reply(body=self.BEGUN))
        portal.on(
            "POST /device/token",
            error(400, "authorization_pending", "Nobody answered yet."),
            error(400, "slow_down", "You ask too often.", data={"interval": 10}),
            Reply(body={"token": TOKEN, "expiry": None}),
        )
        result = call("login", portal.url, "--scope", "read-only")
        assert result.exit_code == 0, result.stderr
        assert f"{portal.url}/device?code=BCDF-GHJK" in result.stderr
        assert "evil" not in result.stderr
        assert pauses == [5, 5, 10]
        assert portal.requests("POST", "/device/code")[0].body["scopes"] == ["read-only"]
        assert call("whoami").stdout == "ana\n"

    @pytest.mark.parametrize(
        ("code", "exit_code"), [("access_denied", 4), ("expired_token", 6), ("invalid", 1)]
    )
    def test_a_no_stores_nothing(
        self, portal: Portal, config: Path, pauses: list[float], code: str, exit_code: int
    ) -> None:
        portal.on("POST /device/code", Reply(body=self.BEGUN))
        portal.on("POST /device/token", error(400, code, "No."))
        result = call("login", portal.url)
        assert (result.exit_code, config.exists()) == (exit_code, False)
        assert code in result.stderr

    @pytest.mark.parametrize("code", ["", "x", "BCDF-GHJ\x1b", None, 3])
    def test_an_odd_code_is_not_shown(self, portal: Portal, config: Path, code: object) -> None:
        portal.on("POST /device/code", Reply(body={**self.BEGUN, "userCode": code}))
        assert call("login", portal.url).exit_code == 1


def test_logout_forgets_the_token_even_if_the_server_is_away(portal: Portal, config: Path) -> None:
    login(portal)
    assert call("logout").exit_code == 0
    assert len(portal.requests("POST", "/auth/logout")) == 1
    assert TOKEN not in config.read_text()
    assert call("whoami").exit_code == 4
    login(portal)
    config.write_text(config.read_text().replace(portal.url, "http://127.0.0.1:1"))
    assert call("logout").exit_code == 7
    assert TOKEN not in config.read_text()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_readable_file_is_refused(portal: Portal, config: Path, mode: int) -> None:
    login(portal)
    config.chmod(mode)
    result = call("whoami")
    assert (result.exit_code, f"{mode:04o}" in result.stderr) == (1, True)
    assert "chmod 600" in result.stderr


@pytest.mark.parametrize("text", ["[1]", "a: [", "contexts: 3", "contexts: {a: 1}", "\x00"])
def test_a_broken_file_is_named_but_not_quoted(config: Path, text: str) -> None:
    config.parent.mkdir(parents=True)
    config.write_text(f"{text} # s3cret")
    config.chmod(0o600)
    result = call("whoami")
    assert (result.exit_code, "config_invalid" in result.stderr) == (1, True)
    assert "s3cret" not in result.stderr


def test_contexts(portal: Portal, config: Path) -> None:
    login(portal, "--context", "one")
    login(portal, "--context", "two")
    assert TOKEN not in call("context", "list", "-o", "yaml").stdout
    assert call("context", "list", "-o", "name").stdout == "one\ntwo\n"
    assert call("context", "use", "one").exit_code == 0
    assert "*         one" in call("context", "list").stdout
    assert call("whoami", "--context", "two").exit_code == 0
    assert call("context", "delete", "one").exit_code == 0
    assert call("whoami").exit_code == 4
    assert call("context", "use", "one").exit_code == 3


def test_environment_overrules_the_current_context(
    portal: Portal, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login(portal, "--context", "one")
    monkeypatch.setenv("KUBECARRIER_TOKEN", "another")
    assert call("whoami").exit_code == 4
    assert call("whoami", "--context", "one").exit_code == 0


def test_a_stored_token_never_goes_to_another_url(
    portal: Portal, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login(portal)
    seen = len(portal.seen)
    monkeypatch.setenv("KUBECARRIER_URL", portal.url.replace("127.0.0.1", "localhost"))
    result = call("whoami")
    assert (result.exit_code, "not_logged_in" in result.stderr) == (4, True)
    assert len(portal.seen) == seen


def test_unencrypted_only_on_request(home: Path) -> None:
    result = call("login", "http://portal.example", "--token", "x")
    assert (result.exit_code, "url_insecure" in result.stderr) == (2, True)
    with_ca = home / "ca.pem"
    with_ca.write_text("nothing")
    assert (
        "ca_invalid"
        in call("login", "https://portal.example", "--token", "x", "--ca-file", str(with_ca)).stderr
    )
