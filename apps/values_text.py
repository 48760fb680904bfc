"""Change one value in a person's values text and leave the rest as it was written.

Only the characters of that value are replaced, so that comments, order and
quotes stay. The result is read again: where it does not mean exactly what was
wanted, the whole text is written anew instead.
"""

from __future__ import annotations

from typing import Any

import yaml

from apps.values import Step, parse_path, parse_values, set_path
from kubecarrier.lib import strict_yaml
from kubecarrier.lib.errors import InvalidError


def text_with(text: str, path: str, value: int) -> str:
    """`text` with `value` at `path`; raises what `parse_values` and `set_path` raise."""
    wanted = set_path(parse_values(text), path, value)
    edited = _edited(text, parse_path(path), str(value))
    try:
        if edited is not None and parse_values(edited) == wanted:
            return edited
    except InvalidError:  # what came out is no YAML, or no values
        pass
    return strict_yaml.dump(wanted)


def _edited(text: str, steps: tuple[Step, ...], word: str) -> str | None:
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    for step in steps:
        if not isinstance(node, yaml.MappingNode):
            return None
        node, around = _below(node, step), node
        if node is None:
            return _appended(text, around, steps, word)
    if not isinstance(node, yaml.ScalarNode):
        return None
    return text[: node.start_mark.index] + word + text[node.end_mark.index :]


def _below(mapping: yaml.MappingNode, step: Step) -> Any:
    return next((value for key, value in mapping.value if key.value == step), None)


def _appended(
    text: str, mapping: yaml.MappingNode, steps: tuple[Step, ...], word: str
) -> str | None:
    """A key at the top that was not there yet goes to the end."""
    if len(steps) > 1 or mapping.flow_style:
        return None
    return f"{text.rstrip()}\n{strict_yaml.dump({steps[0]: int(word)})}"
