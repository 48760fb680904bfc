"""The door to chart repositories, against a real server in every bad mood."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterator

import pytest

from apps import chart_fetch
from apps.chart_fetch import FetchLimits, RepositoryCode
from apps.chart_http import (
    HttpRepository,
    IndexStatus,
    RepositoryError,
    RepositoryTerminalError,
    RepositoryTransientError,
)
from kubecarrier.lib.netguard import AddressCode, AddressError, Policy, UnresolvableError
from tests.unit.apps import chart_server
from tests.unit.apps.chart_packs import pack
from tests.unit.apps.chart_server import Answer, Handler, Server, Stream, fixed

POLICY = Policy(allow_loopback=True)
QUICK = FetchLimits(index_bytes=200_000, archive_bytes=100_000, total_seconds=0.4, read_seconds=0.2)
INDEX = b"apiVersion: v1\nentries: {}\n"
ARCHIVE = pack({})
BASIC = "Basic " + base64.b64encode(b"ann:s3cret").decode()
C = RepositoryCode


@pytest.fixture
def server() -> Iterator[Server]:
    with chart_server.running() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Server]:
    """Another origin: the same host at another port."""
    with chart_server.running() as running:
        yield running


def repository(server: Server, path: str = "", limits: FetchLimits | None = None) -> HttpRepository:
    return HttpRepository(
        server.url + path, "ann", "s3cret", policy=POLICY, limits=limits or FetchLimits()
    )


def test_index_new_and_unchanged(server: Server) -> None:
    def answer(handler: Handler) -> None:
        same = handler.headers["If-None-Match"] == '"v1"'
        handler.reply(304 if same else 200, b"" if same else INDEX, ETag='"v1"')

    server.answers["/stable/index.yaml"] = answer
    first = repository(server, "/stable/").fetch_index()
    assert (first.status, first.etag, first.raw) == (IndexStatus.NEW, '"v1"', INDEX)
    second = repository(server, "/stable").fetch_index(first.etag)
    assert (second.status, second.etag, second.raw) == (IndexStatus.UNCHANGED, '"v1"', b"")
    assert [headers["Authorization"] for _, headers in server.seen] == [BASIC, BASIC]


def test_a_gzip_encoded_index(server: Server) -> None:
    server.answers["/index.yaml"] = fixed(200, gzip.compress(INDEX), Content_Encoding="gzip")
    assert repository(server).fetch_index().raw == INDEX


def test_an_archive_with_its_digest(server: Server) -> None:
    server.answers["/demo.tgz"] = fixed(200, ARCHIVE)
    digest = hashlib.sha256(ARCHIVE).hexdigest()
    for expected in (None, "", digest, f"sha256:{digest.upper()}"):
        url = f"{server.url}/demo.tgz"
        assert repository(server).fetch_archive(url, expected) == ARCHIVE


def test_without_credentials_none_are_sent(server: Server) -> None:
    server.answers["/index.yaml"] = fixed(200, INDEX)
    HttpRepository(server.url, policy=POLICY).fetch_index()
    assert "Authorization" not in server.seen[0][1]


def test_cookies_are_not_kept(server: Server) -> None:
    server.answers["/index.yaml"] = fixed(302, Location="/b", Set_Cookie="a=b")
    server.answers["/b"] = fixed(200, INDEX)
    repository(server).fetch_index()
    assert "Cookie" not in server.seen[1][1]


BOMB = gzip.compress(bytes(50 * 2**20), 9)
BAD: list[tuple[str, str, Answer]] = [
    ("404", C.NOT_FOUND, fixed(404)),
    ("410", C.NOT_FOUND, fixed(410)),
    ("401", C.UNAUTHORIZED, fixed(401)),
    ("403", C.FORBIDDEN, fixed(403)),
    ("400", C.STATUS, fixed(400)),
    ("204", C.STATUS, fixed(204)),
    ("206", C.STATUS, fixed(206, INDEX)),
    ("304 unasked", C.CONTENT, fixed(304)),
    ("500", C.SERVER_ERROR, fixed(500)),
    ("503", C.SERVER_ERROR, fixed(503, Retry_After="7")),
    ("429", C.RATE_LIMITED, fixed(429, Retry_After="7")),
    ("408", C.SERVER_ERROR, fixed(408)),
    ("HTML with 200", C.HTML, fixed(200, b"\n<!doctype html>", Content_Type="text/html")),
    ("HTML called YAML", C.HTML, fixed(200, b"<html>", Content_Type="text/yaml")),
    ("text called HTML", C.HTML, fixed(200, b"login", Content_Type="text/html; charset=x")),
    ("endless stream", C.TOO_LARGE, Stream()),
    ("announced too large", C.TOO_LARGE, fixed(200, b"x" * 300_000)),
    ("slow drip", C.TIMEOUT, Stream(b"x", pause=0.02)),
    ("slow headers", C.TIMEOUT, chart_server.drip_headers),
    ("hangs", C.TIMEOUT, chart_server.hang),
    ("truncated", C.UNREACHABLE, chart_server.cut),
    ("reset", C.UNREACHABLE, chart_server.reset),
    ("not HTTP", C.UNREACHABLE, chart_server.junk),
    ("redirect loop", C.TOO_MANY_REDIRECTS, fixed(302, Location="/x/index.yaml")),
    ("redirect nowhere", C.REDIRECT, fixed(302)),
    ("endless error", C.SERVER_ERROR, lambda handler: handler.reply(502, b"x" * 500_000)),
]
BOTH = ["index", "archive"]
TRANSIENT = {C.UNREACHABLE, C.TIMEOUT, C.SERVER_ERROR, C.RATE_LIMITED}


def fetch(server: Server, what: str, limits: FetchLimits = QUICK) -> None:
    if what == "index":
        repository(server, "/x", limits).fetch_index()
    else:
        repository(server, "/x", limits).fetch_archive(f"{server.url}/x/index.yaml")


@pytest.mark.parametrize("what", BOTH)
@pytest.mark.parametrize(("code", "answer"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_behaviour(server: Server, what: str, code: str, answer: Answer) -> None:
    server.answers["/x/index.yaml"] = answer
    with pytest.raises(RepositoryError) as caught:
        fetch(server, what)
    assert caught.value.code == code
    kind = RepositoryTransientError if code in TRANSIENT else RepositoryTerminalError
    assert type(caught.value) is kind
    assert caught.value.data["host"] == "127.0.0.1"
    assert "s3cret" not in repr(caught.value) + str(caught.value.data)
    assert server.seen  # the fault happened


def test_retry_after_is_passed_on(server: Server) -> None:
    server.answers["/x/index.yaml"] = fixed(429, Retry_After="7")
    with pytest.raises(RepositoryTransientError) as caught:
        fetch(server, "index")
    assert caught.value.data["retry_after"] == 7


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0), ("99999", 3600), ("-1", None), ("Wed, 21 Oct 2026", None), (None, None),
     ("9" * 20, None), ("²", None)],
)  # fmt: skip
def test_retry_after(value: str | None, seconds: int | None) -> None:
    assert chart_fetch.retry_after(value) == seconds


def test_a_compressed_bomb_as_index(server: Server) -> None:
    server.answers["/x/index.yaml"] = fixed(200, BOMB, Content_Encoding="gzip")
    with pytest.raises(RepositoryTerminalError) as caught:
        fetch(server, "index")
    assert caught.value.code == C.TOO_LARGE


@pytest.mark.parametrize(
    "answer",
    [
        fixed(200, b"not gzip at all", Content_Encoding="gzip"),
        fixed(200, INDEX, Content_Encoding="br"),
    ],
    ids=["damaged", "encoding nobody asked for"],
)
def test_a_bad_encoding(server: Server, answer: Answer) -> None:
    server.answers["/x/index.yaml"] = answer
    with pytest.raises(RepositoryTerminalError) as caught:
        fetch(server, "index")
    assert caught.value.code == C.CONTENT


def test_wrong_digest(server: Server) -> None:
    server.answers["/demo.tgz"] = fixed(200, ARCHIVE)
    with pytest.raises(RepositoryTerminalError) as caught:
        repository(server).fetch_archive(f"{server.url}/demo.tgz", "0" * 64)
    assert caught.value.code == C.DIGEST


def test_a_zip_called_tgz(server: Server) -> None:
    server.answers["/demo.tgz"] = fixed(200, b"PK\x03\x04")
    with pytest.raises(RepositoryTerminalError) as caught:
        repository(server).fetch_archive(f"{server.url}/demo.tgz")
    assert caught.value.code == C.CONTENT


def test_five_redirects_and_no_more(server: Server) -> None:
    for step in range(6):
        server.answers[f"/{step}"] = fixed(302, Location=f"/{step + 1}")
    server.answers["/5"] = fixed(200, ARCHIVE)
    assert repository(server).fetch_archive(f"{server.url}/0") == ARCHIVE
    server.answers["/5"] = fixed(302, Location="/6")
    server.answers["/6"] = fixed(200, ARCHIVE)
    with pytest.raises(RepositoryTerminalError) as caught:
        repository(server).fetch_archive(f"{server.url}/0")
    assert caught.value.code == C.TOO_MANY_REDIRECTS


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_credentials_do_not_follow_a_redirect(server: Server, other: Server, status: int) -> None:
    server.answers["/index.yaml"] = fixed(status, Location=f"{other.url}/index.yaml")
    other.answers["/index.yaml"] = fixed(200, INDEX)
    assert repository(server).fetch_index().raw == INDEX
    assert server.seen[0][1]["Authorization"] == BASIC
    assert "Authorization" not in other.seen[0][1]


def test_credentials_come_back_home(server: Server, other: Server) -> None:
    server.answers["/index.yaml"] = fixed(302, Location=f"{other.url}/a")
    other.answers["/a"] = fixed(302, Location=f"{server.url}/b")
    server.answers["/b"] = fixed(200, INDEX)
    repository(server).fetch_index()
    assert "Authorization" not in other.seen[0][1]
    assert server.seen[1][1]["Authorization"] == BASIC


def test_credentials_do_not_go_to_an_archive_elsewhere(server: Server, other: Server) -> None:
    other.answers["/demo.tgz"] = fixed(200, ARCHIVE)
    assert repository(server).fetch_archive(f"{other.url}/demo.tgz") == ARCHIVE
    assert "Authorization" not in other.seen[0][1]


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://169.254.169.254/latest/meta-data/", AddressCode.FORBIDDEN),
        ("http://2852039166/", AddressCode.FORBIDDEN),
        ("http://[::ffff:a9fe:a9fe]/", AddressCode.FORBIDDEN),
        ("http://[fd00:ec2::254]/", AddressCode.FORBIDDEN),
        ("file:///etc/passwd", AddressCode.INVALID),
        ("gopher://127.0.0.1/", AddressCode.INVALID),
        ("http://u:p@127.0.0.1/", AddressCode.INVALID),
    ],
)
def test_a_redirect_to_a_forbidden_address(server: Server, location: str, code: str) -> None:
    server.answers["/index.yaml"] = fixed(302, Location=location)
    with pytest.raises(AddressError) as caught:
        repository(server).fetch_index()
    assert caught.value.code == code


def test_own_services_are_closed_to_redirects(server: Server, other: Server) -> None:
    server.answers["/index.yaml"] = fixed(302, Location=f"{other.url}/")
    policy = Policy(allow_loopback=True, denied=frozenset({("127.0.0.1", other.port)}))
    with pytest.raises(AddressError):
        HttpRepository(server.url, policy=policy).fetch_index()
    assert other.seen == []


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1", "http://localhost:1", "ftp://x.test", "http://u:p@x.test", "", "x"],
)
def test_a_bad_address(url: str) -> None:
    with pytest.raises(AddressError):
        HttpRepository(url, "ann", "s3cret").fetch_index()


def test_a_refused_connection_and_an_unknown_name() -> None:
    with chart_server.running() as gone:
        url = gone.url
    with pytest.raises(RepositoryTransientError) as caught:
        HttpRepository(url, policy=POLICY).fetch_index()
    assert caught.value.code == C.UNREACHABLE
    with pytest.raises(UnresolvableError):
        HttpRepository("https://name.invalid").fetch_index()


def test_https_never_leads_to_http() -> None:
    reply = chart_fetch.Reply(302, {"location": "http://x.test/"}, b"", "https://x.test/")
    with pytest.raises(RepositoryTerminalError) as caught:
        chart_fetch._redirect(reply.url, reply)
    assert caught.value.code == C.REDIRECT


def test_a_query_stays_in_the_index_address(server: Server) -> None:
    server.answers["/a/index.yaml"] = fixed(200, INDEX)
    repository(server, "/a/?token=x").fetch_index()
    assert server.seen[0][0] == "/a/index.yaml?token=x"


@pytest.mark.parametrize("etag", ["a\r\nX: y", "x" * 1000, "é"])
def test_an_etag_that_would_break_the_request_is_not_sent(server: Server, etag: str) -> None:
    server.answers["/index.yaml"] = fixed(200, INDEX, ETag="x" * 1000)
    assert repository(server).fetch_index(etag).etag == ""
    assert "If-None-Match" not in server.seen[0][1]


def test_secrets_are_not_shown() -> None:
    shown = repr(HttpRepository("https://x.test", "ann", "s3cret", "pem"))
    assert "s3cret" not in shown
    assert "ann" not in shown
    assert "s3cret" not in repr(chart_fetch.Credentials("ann", "s3cret"))
