"""The YAML editor of the console: where its script is, what it says, and who checks its text.

The script is bundled at set-up (tools/frontend). Where it is not there, a text area is all there is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldAdminTextareaWidget

from kubecarrier.lib import strict_yaml
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.lib.yaml_places import Places

_SCRIPT = "built/editor.js"
_MAX_BYTES = 3 * 1024 * 1024
_MAX_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """A complaint about a text: line and column from 1, or 0 where nobody knows them."""

    message: str
    line: int = 0
    column: int = 0
    severity: str = "error"


Check = Callable[[HttpRequest, str], list[Problem]]
_checks: dict[str, Check] = {}


def add_check(name: str, check: Check) -> None:
    """Texts of editors with `check=name` are asked of `check(request, text)` while they are typed."""
    _checks[name] = check


def check_view(request: HttpRequest, name: str) -> JsonResponse:
    """What is wrong with the text as it stands; nothing is stored."""
    check = _checks.get(name)
    if check is None or request.method != "POST":
        raise Http404
    return answer(check(request, request.POST.get("yaml", "")))


def answer(problems: list[Problem]) -> JsonResponse:
    """As the editor reads it."""
    return JsonResponse({"problems": [asdict(one) for one in problems[:_MAX_PROBLEMS]]})


def read(text: str, shape: type | tuple[type, ...] = dict) -> tuple[Any, list[Problem]]:
    """The document, or why it is none."""
    try:
        found = strict_yaml.load(text, max_bytes=_MAX_BYTES)
    except KubeCarrierError as error:
        return None, [refusal(error)]
    if found is not None and not isinstance(found, shape):
        wanted = _("a list (- item)") if shape is list else _("a mapping (key: value)")
        return None, [Problem(_("Write %(wanted)s.") % {"wanted": wanted}, 1, 1)]
    return found, []


def refusal(error: KubeCarrierError, text: str = "") -> Problem:
    """An error at the line it names, or at that of the field it names in a text that can be read."""
    line, column = int(error.data.get("line") or 0), int(error.data.get("column") or 0)
    if not line and error.field and text:
        place = Places(text).named(error.field)
        line, column = place.line, place.column
    message = error.message.removesuffix(f" (line {line}, column {column})")
    return Problem(message, line, column)


def attributes(
    *, check: str = "", sends: Sequence[str] = (), problems: Sequence[Problem] = ()
) -> dict[str, str]:
    """What makes a text area an editor: none where set-up made no script.

    `check` is an address; `sends` names fields of the same form that go there too.
    """
    if not finders.find(_SCRIPT):
        return {}
    found = {"data-editor": static(_SCRIPT), "data-texts": _texts(get_language() or "")}
    if check:
        found |= {"data-check": check, "data-sends": " ".join(sends)}
    if problems:
        found["data-problems"] = json.dumps([asdict(one) for one in problems])
    return found


class YamlArea(UnfoldAdminTextareaWidget):  # type: ignore[misc]
    """A text area that becomes an editor. `check` names a check, by default the reader's own."""

    def __init__(self, rows: int = 6, *, check: str = "mapping", sends: Sequence[str] = ()) -> None:
        plain = {"spellcheck": "false", "autocapitalize": "off", "autocomplete": "off"}
        super().__init__(attrs={"rows": rows, "class": "kc-code", **plain})
        self.check, self.sends = check, sends

    def build_attrs(self, base_attrs: Any, extra_attrs: Any = None) -> Any:
        url = reverse("admin:editor_check", args=[self.check])
        more = attributes(check=url, sends=self.sends)
        return super().build_attrs({**base_attrs, **more}, extra_attrs)


def _mapping(request: HttpRequest, text: str) -> list[Problem]:
    return read(text)[1]


def _list(request: HttpRequest, text: str) -> list[Problem]:
    return read(text, list)[1]


add_check("mapping", _mapping)
add_check("list", _list)


@cache
def _texts(language: str) -> str:
    """The editor's words; the keys are CodeMirror's own where they are English words."""
    return json.dumps(
        {
            "leave": _("Escape, then Tab leaves the editor. Ctrl-F finds."),
            "line": _("Line $"),
            "before": _("Before"),
            "after": _("After"),
            "Find": _("Find"),
            "Replace": _("Replace"),
            "next": _("next"),
            "previous": _("previous"),
            "all": _("all"),
            "match case": _("match case"),
            "regexp": _("regular expression"),
            "by word": _("by word"),
            "replace": _("replace"),
            "replace all": _("replace all"),
            "close": _("close"),
            "Go to line": _("Go to line"),
            "go": _("go"),
            "Diagnostics": _("Problems"),
            "No diagnostics": _("No problems"),
            "Fold line": _("Fold line"),
            "Unfold line": _("Unfold line"),
            "folded code": _("folded lines"),
            "unfold": _("unfold"),
            "$ unchanged lines": _("$ unchanged lines"),
        }
    )
