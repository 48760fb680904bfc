"""Everything that can be asked of the portal: REST routes, pages of the console, commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

_CONVERTER = re.compile(r"(?<!\?P)<(?:\w+:)?(\w+)>")
_GROUP = re.compile(r"\(\?P<(\w+)>")
METHODS = ("get", "post", "put", "patch", "delete")


def patterns(listed: Any = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every URL with `{variable}` parts, and its pattern."""
    for one in get_resolver().url_patterns if listed is None else listed:
        path = prefix + readable(str(one.pattern))
        if isinstance(one, URLResolver):
            yield from patterns(one.url_patterns, path)
        else:
            yield path, one


def readable(text: str) -> str:
    """A path or a regular expression as `a/{name}/b`."""
    found = _CONVERTER.sub(r"{\1}", text)
    while match := _GROUP.search(found):
        end = _closing(found, match.start())
        found = f"{found[: match.start()]}{{{match[1]}}}{found[end + 1 :]}"
    return found.replace("^", "").replace("$", "").replace(r"\Z", "")


def _closing(text: str, start: int) -> int:
    """Where the bracket that opens at `start` is closed, passing over classes of characters."""
    depth, in_class = 0, False
    for at in range(start, len(text)):
        char = text[at]
        if in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth == 0:
                return at
    raise ValueError(text)


def rest() -> set[str]:
    """`GET applications/{name}`: every route below /api/v1 with each of its methods."""
    found = set()
    for path, pattern in patterns():
        if path.startswith("api/v1/") and path != "api/v1/":
            found |= {f"{method.upper()} {path[7:]}" for method in methods_of(pattern.callback)}
    return found


def methods_of(view: Any) -> list[str]:
    """The methods that a view answers."""
    named = getattr(view, "actions", None)
    kind = getattr(view, "cls", None) or getattr(view, "view_class", None)
    listed = getattr(kind, "http_method_names", METHODS)
    return [m for m in METHODS if m in listed and (m in named if named else hasattr(kind, m))]


def console() -> dict[str, set[str]]:
    """By `app/model`, what lies below it: `{id}/change/`; pages of no model are below `""`."""
    from django.contrib import admin

    models = {f"{m._meta.app_label}/{m._meta.model_name}/" for m in admin.site._registry}
    found: dict[str, set[str]] = {"": set()}
    for path, _ in patterns():
        if not path.startswith("admin/"):
            continue
        below = path[6:]
        model = next((one for one in models if below.startswith(one)), "")
        page = below.removeprefix(model)
        page = page.replace("{object_id}", "{id}") if model else page
        found.setdefault(model.rstrip("/"), set()).add(page)
    return found


def beside() -> set[str]:
    """What is neither below /api/v1 nor the console."""
    return {path for path, _ in patterns() if not path.startswith(("admin/", "api/v1/"))}


def commands() -> set[str]:
    """`app rollback`: every command of the command line."""
    import typer

    from kubecarrier.cli.app import app

    found: set[str] = set()

    def walk(command: Any, words: tuple[str, ...]) -> None:
        inner = getattr(command, "commands", None)
        if inner is None:
            found.add(" ".join(words))
            return
        for name, one in inner.items():
            walk(one, (*words, name))

    walk(typer.main.get_command(app), ())
    return found
