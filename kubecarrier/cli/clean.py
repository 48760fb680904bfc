"""Text from the server, made safe for a terminal.

A cluster's label, a chart's README or a Helm message is written by strangers;
printed raw it could recolour, retitle or overwrite the reader's terminal.
Escape sequences are ECMA-48 (CSI, OSC, DCS and the two-byte forms); the
bidirectional controls are removed because they reorder what a person reads.
"""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    r"""
    (?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?              # CSI: colours, cursor
  | (?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])        # OSC, DCS, SOS, PM, APC ...
        [^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?      # ... to their end or the line's
  | \x1b[ -/]*[0-~]?                               # the two-byte forms
    """,
    re.VERBOSE,
)
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_CONTROLS = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff{_BIDI}]")
_UNSAFE = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff{_BIDI}\ud800-\udfff]")


def clean(text: str) -> str:
    """`text` without escape sequences and control characters; newlines and tabs stay."""
    text = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    return _CONTROLS.sub("", text).encode("utf-8", "replace").decode("utf-8")


def one_line(text: str) -> str:
    """`clean`, and on one line: for table cells and messages."""
    return " ".join(clean(text).split())


def is_unsafe(text: str) -> bool:
    """Whether `escape_unsafe` would change it."""
    return bool(_UNSAFE.search(text))


def escape_unsafe(text: str) -> str:
    """Control characters as `\\uXXXX`: for the inside of JSON and of quoted YAML, without loss."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
