"""A chart's README as HTML that is safe inside the portal's pages.

Two walls: the Markdown parser takes no raw HTML, and its output passes an
allow-list sanitizer. Remote images are replaced by their alternative text:
the page's content security policy forbids them, and they would tell the
chart's author who reads. Relative links are dropped, as they would point into
the portal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

MAX_CHARACTERS: Final = 192 * 1024
_DATA_IMAGE: Final = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+")
_LINK: Final = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_TEXT_TAGS: Final = ("a", "br", "code", "del", "em", "img", "p", "pre", "s", "strong")
_BLOCK_TAGS: Final = ("blockquote", "dd", "dl", "dt", "hr", "li", "ol", "ul")
_HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
_TABLE_TAGS: Final = ("table", "tbody", "td", "th", "thead", "tr")
_TAGS: Final = frozenset((*_TEXT_TAGS, *_BLOCK_TAGS, *_HEADINGS, *_TABLE_TAGS))
_ATTRIBUTES: Final = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "code": {"class"},
    "ol": {"start"},
    "td": {"style"},
    "th": {"style"},
}
_CODE_CLASS: Final = re.compile(r"language-[a-z0-9+-]{1,30}")
_ALIGN: Final = re.compile(r"text-align:(?:left|right|center)")


class _Renderer(RendererHTML):
    """Images only where the browser needs no request for them."""

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        if _DATA_IMAGE.fullmatch(str(token.attrGet("src") or "")):
            return str(super().image(tokens, idx, options, env))
        alt = self.renderInlineAsText(token.children or [], options, env)
        return nh3.clean_text(alt)


def _attribute(tag: str, name: str, value: str) -> str | None:
    """The attribute's value, or None to drop it."""
    rules = {"href": _LINK.match, "src": _DATA_IMAGE.fullmatch, "class": _CODE_CLASS.fullmatch}
    if name == "style":
        return value if _ALIGN.fullmatch(value) else None
    rule = rules.get(name)
    return value if rule is None or rule(value) else None


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}, renderer_cls=_Renderer)
    return parser.enable(["table", "strikethrough"])


def to_html(markdown: str) -> str:
    """Sanitized HTML of at most the first 192 Ki characters; never raises for any text."""
    text = markdown[:MAX_CHARACTERS].replace("\0", "").encode("utf-8", "replace").decode()
    parser = _parser()
    tokens = parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):  # below the page's own two levels
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
    return nh3.clean(
        parser.renderer.render(tokens, parser.options, {}),
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="nofollow noopener noreferrer",
        strip_comments=True,
    )
