"""READMEs: nothing that runs, loads or points into the portal comes out."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps import readme

PIXEL = "data:image/png;base64,iVBORw0KGgo="


def test_what_a_readme_needs() -> None:
    html = readme.to_html(
        "# Demo\n\nA *chart* with `code`, ~~old~~ **new**.\n\n"
        "| key | default |\n|:---|---:|\n| a | 1 |\n\n"
        "```yaml\na: <b>\n```\n\n- one\n- two\n\n3. three\n\n> said\n\n---\n"
    )
    for part in (
        "<h3>Demo</h3>", "<em>chart</em>", "<code>code</code>", "<s>old</s>",
        "<strong>new</strong>", '<th style="text-align:right">default</th>',
        '<code class="language-yaml">a: &lt;b&gt;', "<li>one</li>", '<ol start="3">',
        "<blockquote>", "<hr>",
    ):  # fmt: skip
        assert part in html


def test_links_leave_safely() -> None:
    html = readme.to_html('[x](https://x.test/a "t") <https://y.test> [m](mailto:a@b.test)')
    assert html.count('rel="nofollow noopener noreferrer"') == 3
    assert 'href="https://x.test/a"' in html
    assert 'href="mailto:a@b.test"' in html


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java&#115;cript:alert(1)",
        "&#x6A;avascript:alert(1)", "vbscript:x", "data:text/html;base64,PHM=", "file:///etc/x",
        PIXEL, "../admin/logout/", "/admin/", "admin/", "//x.test/", "#top", "ftp://x.test/",
        "<javascript:alert(1)>", "\x01javascript:alert(1)", "java\tscript:alert(1)",
    ],
)  # fmt: skip
def test_links_that_are_dropped(url: str) -> None:
    assert "href" not in readme.to_html(f"[x]({url})")
    assert "href" not in readme.to_html(f"[x]\n\n[x]: {url}")


@pytest.mark.parametrize(
    "source",
    [
        "https://x.test/i.png", "http://169.254.169.254/", "i.png", "//x.test/i.png",
        "javascript:alert(1)", "data:image/svg+xml;base64,PHN2Zz4=", "data:text/html;base64,PHM=",
        "data:image/png,x",
    ],
)  # fmt: skip
def test_images_become_their_text(source: str) -> None:
    html = readme.to_html(f"![the *alt* <b>]({source})")
    assert "<img" not in html
    assert "alt" in html


def test_embedded_images_stay() -> None:
    assert f'<img src="{PIXEL}" alt="p">' in readme.to_html(f"![p]({PIXEL})")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<a href='javascript:x'>y</a>",
        "<svg/onload=alert(1)>", "<iframe src=//x>", "<style>*{}</style>", "<!-- c -->",
        "<form action=/admin/><input name=x>", "<div hx-get=/x hx-trigger=load>", "<b x-data=1>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>", "<a\nhref=x>",
        "</pre><script>1</script>", "```\n</code></pre><script>1</script>\n```",
        "``` \"onclick=x\n```", "```x-data=1 @click\n```",
    ],
)  # fmt: skip
def test_html_is_text(text: str) -> None:
    _check(readme.to_html(text))


class _Checker(HTMLParser):
    """Fails on any tag or attribute outside the short list."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in readme._TAGS
        for name, value in attrs:
            assert name in {"href", "title", "rel", "src", "alt", "class", "start", "style"}
            if name == "href":
                assert re.match(r"(https?://|mailto:)", value or "", re.IGNORECASE)
            if name == "src":
                assert (value or "").startswith("data:image/")
            if name == "style":
                assert re.fullmatch(r"text-align:(left|right|center)", value or "")

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment came through")


def _check(html: str) -> None:
    checker = _Checker()
    checker.feed(html)
    checker.close()


def test_long_and_deep_texts() -> None:
    for text in ("[" * 50_000, "> " * 20_000, "- " * 20_000, "*a_ " * 20_000, "x" * 10**6):
        assert len(readme.to_html(text)) < 2 * 10**6
    assert len(readme.to_html("x" * 10**6)) <= readme.MAX_CHARACTERS + 10


def test_nul_and_surrogates() -> None:
    _check(readme.to_html("a\0b"))
    _check(readme.to_html("a\ud800b"))


MARKDOWN = st.text(alphabet="[]()!<>:/\\\"'`*_#|-~ \nabjscript=&;x0", max_size=80)
PIECES = st.lists(
    st.sampled_from(
        ["[a](", "javascript:", "data:image/png;base64,", ")", "<script>", "![", "](", "onload=",
         "\n", "```", "|", "|-|", "\n\n", "<a href=", "https://x.test", "&#106;", "'", '"', ">"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@given(MARKDOWN | PIECES | st.text(max_size=60))
def test_nothing_dangerous_ever_comes_out(text: str) -> None:
    _check(readme.to_html(text))
