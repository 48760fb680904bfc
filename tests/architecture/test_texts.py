"""What people read in the console goes through gettext; names and what Kubernetes says do not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest

_CHECKOUT = Path(__file__).parents[2]
_TEMPLATES = sorted((_CHECKOUT / "templates").rglob("*.html"))
_APPS = ("accounts", "apps", "fleet", "monitoring")
_CODE = sorted(
    file
    for app in _APPS
    for part in ("admin", "forms", "models")
    for file in [*_CHECKOUT.glob(f"{app}/{part}.py"), *_CHECKOUT.glob(f"{app}/{part}/*.py")]
) + sorted((_CHECKOUT / "kubecarrier" / "console").glob("*.py"))

#: Attributes that are read out or shown.
_SHOWN: Final = frozenset({"alt", "aria-label", "placeholder", "title"})
#: Examples of what one types, and words that are the same in every language.
_AS_IT_IS: Final = re.compile(r"KubeCarrier|YAML|[\w./-]+[=:/][\w./=-]*|^[\d\W]*$")
_WORD: Final = re.compile(r"[A-Za-z]{2,}")
_BLOCK: Final = re.compile(
    r"\{% *comment *%\}.*?\{% *endcomment *%\}|\{#.*?#\}"
    r"|\{% *blocktrans(?:late)?\b.*?\{% *endblocktrans(?:late)? *%\}",
    re.DOTALL,
)
_TAG: Final = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)


class _Texts(HTMLParser):
    """Texts and shown attributes of a template from which Django's own tags were taken."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0
        self._icon = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._icon = "material-symbols-outlined" in (dict(attrs).get("class") or "")
        self._silent += tag in {"script", "style"}
        self.found += [value for name, value in attrs if name in _SHOWN and value]

    def handle_endtag(self, tag: str) -> None:
        self._icon = False
        self._silent -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self._silent and not self._icon:  # an icon is named by a word that nobody reads
            self.found.append(data.strip())


def unmarked(template: str) -> list[str]:
    """The texts of a template that no `trans` surrounds."""
    parser = _Texts()
    parser.feed(_TAG.sub("", _BLOCK.sub("", template)))
    return [text for text in parser.found if _WORD.search(_AS_IT_IS.sub("", text))]


@pytest.mark.parametrize("file", _TEMPLATES, ids=lambda file: file.stem)
def test_templates(file: Path) -> None:
    assert unmarked(file.read_text()) == []


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("<p>Hello</p>", ["Hello"]),
        ('<p title="Hello">{% trans "Yes" %}</p>', ["Hello"]),
        ('{% trans "Hello" %}{% blocktrans %}Hello{% endblocktrans %}{# Hello #}', []),
        ('<input placeholder="team=shop"> {{ hello }} · 3', []),
        ("<script>var hello;</script>", []),
        ("{% if hello %}Hello{% endif %}", ["Hello"]),
    ],
)
def test_what_is_found(template: str, expected: list[str]) -> None:
    assert unmarked(template) == expected


# --- Python ----------------------------------------------------------------------------------

_KEYWORDS: Final = frozenset(
    {"description", "help_text", "label", "text", "title", "verbose_name", "verbose_name_plural"}
)
#: Calls whose argument at this position is shown.
_POSITIONS: Final = {"BulkAction": 1, "Done": 0, "ObjectAction": 1, "success": 1, "warning": 1}


def bare_texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """String constants where a marked text belongs: line and text."""
    for node in ast.walk(tree):
        shown: list[ast.expr] = []
        if isinstance(node, ast.Call):
            shown = [one.value for one in node.keywords if one.arg in _KEYWORDS]
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            position = _POSITIONS.get(name, len(node.args))
            shown += node.args[position : position + 1]
        elif isinstance(node, ast.Assign):
            names = {target.id for target in node.targets if isinstance(target, ast.Name)}
            shown = [node.value] if names & _KEYWORDS else []
        for value in shown:
            texts = [value, *getattr(value, "values", [])]  # an f-string holds its parts
            for one in texts:
                text = one.value if isinstance(one, ast.Constant) else None
                if isinstance(text, str) and _WORD.search(_AS_IT_IS.sub("", text)):
                    yield one.lineno, text


@pytest.mark.parametrize("file", _CODE, ids=lambda file: file.relative_to(_CHECKOUT).as_posix())
def test_python(file: Path) -> None:
    assert list(bare_texts(ast.parse(file.read_text()))) == []


def test_python_is_looked_at() -> None:
    tree = ast.parse(
        'x = CharField(label="Name", help_text=_("Fine"))\nDone("It is done.")\n'
        'class Meta:\n    verbose_name = "thing"\nActions(f"{x} done", title=f"{x} gone")\n'
    )
    assert [text for _, text in bare_texts(tree)] == ["Name", "It is done.", "thing", " gone"]
