"""Options that go together, written once: a dataclass as a parameter becomes an option per field."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, cast, get_type_hints

Command = Callable[..., None]


def spread(*, without: Collection[str] = ()) -> Callable[[Command], Command]:
    """For typer: each parameter that is a dataclass stands for its fields, but those in `without`.

    The fields are annotated like options; their defaults are those of the parameter's default.
    """

    def decorated(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        bundles: dict[str, tuple[Any, list[str]]] = {}
        shown: list[inspect.Parameter] = []
        for parameter in signature.parameters.values():
            if not dataclasses.is_dataclass(parameter.annotation):
                shown.append(parameter)
                continue
            default: Any = parameter.default
            if default is parameter.empty:
                default = cast(Any, parameter.annotation)()
            options = _options(default, without)
            bundles[parameter.name] = (default, [one.name for one in options])
            shown += options

        @wraps(command)
        def run(*args: Any, **given: Any) -> None:
            for name, (default, fields) in bundles.items():
                given[name] = dataclasses.replace(default, **{f: given.pop(f) for f in fields})
            command(*args, **given)

        run.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in shown}
        return run

    return decorated


def _options(default: Any, without: Collection[str]) -> list[inspect.Parameter]:
    hints = get_type_hints(type(default), include_extras=True)
    return [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=getattr(default, one.name),
            annotation=hints[one.name],
        )
        for one in dataclasses.fields(default)
        if one.name not in without
    ]
