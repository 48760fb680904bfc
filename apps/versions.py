"""Chart versions and Helm's constraint language, which is Masterminds semver 3.

Python's semver libraries follow other grammars (npm's, PEP 440). The rules
here are the documented ones of Masterminds semver v3, the library inside Helm:
an `x`, `*` or missing part opens a range, a space or comma is "and", `||` is
"or", `a - b` is inclusive, and a pre-release satisfies an "and" group only if
a constraint of that group names a pre-release itself.

Two choices beyond it: an empty constraint means `*`, as Helm treats an absent
version, and texts are bounded so that no input costs more than microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kubecarrier.lib.errors import InvalidError

MAX_VERSION_LENGTH: Final = 256
MAX_CONSTRAINT_LENGTH: Final = 512
_UINT64_MAX: Final = 2**64 - 1

type PrePart = tuple[int, int, str]
type SortKey = tuple[int, int, int, int, tuple[PrePart, ...]]


class VersionCode(StrEnum):
    """Why a text was refused."""

    VERSION = "version_invalid"
    CONSTRAINT = "constraint_invalid"


class VersionError(InvalidError):
    """Not a version, or not a constraint; `data["text"]` is the start of it."""


_TAIL: Final = (
    r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
    r"(?:\+(?P<meta>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)
_VERSION: Final = re.compile(
    r"v?(?P<major>[0-9]+)(?:\.(?P<minor>[0-9]+))?(?:\.(?P<patch>[0-9]+))?" + _TAIL
)
_STRICT: Final = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}([-+].*)?")
# The library's class has a `|` in it, so that `1 ||2 - 3` (no space) is refused; so do we.
_PARTIAL: Final = r"v?[0-9|xX*]+(?:\.[0-9|xX*]+)?(?:\.[0-9|xX*]+)?" + re.sub(
    r"\?P<\w+>", "?:", _TAIL
)
_SPACE: Final = r"[ \t\n\f\r]"
_TERM: Final = re.compile(
    rf"(?P<op>!=|>=|=>|<=|=<|~>|[=<>~^])?{_SPACE}*"
    r"v?(?P<major>[0-9xX*]+)(?:\.(?P<minor>[0-9xX*]+))?(?:\.(?P<patch>[0-9xX*]+))?" + _TAIL
)
_BETWEEN: Final = re.compile(rf"{_SPACE}*,{_SPACE}*|{_SPACE}+")
_RANGE: Final = re.compile(rf"({_PARTIAL}){_SPACE}+-{_SPACE}+({_PARTIAL}){_SPACE}*")
_WILD: Final = frozenset("xX*")


@dataclass(frozen=True, slots=True)
class Version:
    """A parsed version; missing parts are 0, build metadata does not compare."""

    major: int
    minor: int
    patch: int
    pre: str = ""
    metadata: str = ""

    @property
    def key(self) -> SortKey:
        """Orders versions; a release sorts above its pre-releases."""
        release = 0 if self.pre else 1
        return (self.major, self.minor, self.patch, release, _pre_key(self.pre))


def _pre_key(pre: str) -> tuple[PrePart, ...]:
    return tuple(_pre_part(part) for part in pre.split(".")) if pre else ()


def _pre_part(part: str) -> PrePart:
    """Numbers sort below words; a number over 64 bits counts as a word, as in Go."""
    if part.isdigit() and int(part) <= _UINT64_MAX:
        return (0, int(part), "")
    return (1, 0, part)


def parse_version(text: str) -> Version:
    """A version as Helm reads it: a leading v, one or two missing parts, leading zeros.

    Raises `VersionError` (`version_invalid`).
    """
    match = _VERSION.fullmatch(text) if len(text) <= MAX_VERSION_LENGTH else None
    if match is None:
        raise _version_error(text)
    numbers = [int(match[name] or 0) for name in ("major", "minor", "patch")]
    pre = match["pre"] or ""
    if max(numbers) > _UINT64_MAX or _has_leading_zero(pre):
        raise _version_error(text)
    return Version(numbers[0], numbers[1], numbers[2], pre, match["meta"] or "")


def _has_leading_zero(pre: str) -> bool:
    return any(part.isdigit() and len(part) > 1 and part[0] == "0" for part in pre.split("."))


def _version_error(text: str) -> VersionError:
    shown = text[:80]
    return VersionError(VersionCode.VERSION, f"{shown!r} is not a version.", text=shown)


def is_strict(text: str) -> bool:
    """Whether the text is a full semantic version (three parts, no v, no leading zeros)."""
    try:
        parse_version(text)
    except VersionError:
        return False
    return _STRICT.fullmatch(text) is not None


def sort_key(version: str) -> SortKey:
    """A key that orders version texts. Raises `VersionError`."""
    return parse_version(version).key


# -- constraints ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison. `parts` is how many parts were written: 0 (`*`) to 3."""

    op: str
    version: Version
    parts: int

    @property
    def open(self) -> bool:
        """Some part was missing or a wildcard."""
        return self.parts < 3

    def allows(self, version: Version) -> bool:
        """The comparison alone, without the rule about pre-releases."""
        return _CHECKS[self.op](version, self)


@dataclass(frozen=True, slots=True)
class Constraint:
    """Groups of terms: all terms of one of the groups must hold."""

    text: str
    groups: tuple[tuple[Term, ...], ...]

    def allows(self, version: str | Version) -> bool:
        """Whether the version satisfies it; a text that is no version does not."""
        try:
            parsed = parse_version(version) if isinstance(version, str) else version
        except VersionError:
            return False
        return any(_group_allows(group, parsed) for group in self.groups)


def _group_allows(group: tuple[Term, ...], version: Version) -> bool:
    if version.pre and not any(term.version.pre for term in group):
        return False
    return all(term.allows(version) for term in group)


def parse_constraint(text: str) -> Constraint:
    """Helm's constraint syntax. Raises `VersionError` (`constraint_invalid`)."""
    if len(text) > MAX_CONSTRAINT_LENGTH:
        raise _constraint_error(text)
    rewritten = _RANGE.sub(r">= \1, <= \2 ", text if text.strip() else "*")
    groups = tuple(_parse_group(part, text) for part in rewritten.split("||"))
    return Constraint(text, groups)


def _parse_group(part: str, text: str) -> tuple[Term, ...]:
    part = part.strip(" \t\n\f\r")
    terms: list[Term] = []
    position = 0
    while True:
        match = _TERM.match(part, position)
        if match is None:
            raise _constraint_error(text)
        terms.append(_term(match, text))
        position = match.end()
        if position == len(part):
            return tuple(terms)
        between = _BETWEEN.match(part, position)
        if between is None:
            raise _constraint_error(text)
        position = between.end()


def _term(match: re.Match[str], text: str) -> Term:
    written = [match["major"], match["minor"] or "x", match["patch"] or "x"]
    parts = next((index for index, part in enumerate(written) if part in _WILD), 3)
    # Parts after the first wildcard are ignored, whatever they say.
    numbers = ".".join(written[:parts] + ["0"] * (3 - parts))
    pre = f"-{match['pre']}" if match["pre"] else ""
    try:
        version = parse_version(numbers + pre)
    except VersionError:
        raise _constraint_error(text) from None
    return Term(match["op"] or "=", version, parts)


def _constraint_error(text: str) -> VersionError:
    shown = text[:80]
    message = f"{shown!r} is not a version constraint."
    return VersionError(VersionCode.CONSTRAINT, message, text=shown)


def _equal(version: Version, term: Term) -> bool:
    return _tilde(version, term) if term.open else version.key == term.version.key


def _not_equal(version: Version, term: Term) -> bool:
    limit = term.version
    # `!=*` differs from nothing but majors other than 0: the library's own reading.
    if not term.open:
        return version.key != limit.key
    if version.major != limit.major:
        return True
    if term.parts == 1:
        return False
    if version.minor != limit.minor:
        return True
    if term.parts == 0:
        return version.key != limit.key
    return _pre_key(version.pre) != _pre_key(limit.pre)


def _greater(version: Version, term: Term) -> bool:
    limit = term.version
    if not term.open:
        return version.key > limit.key
    if version.major != limit.major:
        return version.major > limit.major
    if term.parts == 0:
        return version.key > limit.key
    return term.parts == 2 and version.minor > limit.minor


def _less(version: Version, term: Term) -> bool:
    return version.key < term.version.key


def _greater_equal(version: Version, term: Term) -> bool:
    return version.key >= term.version.key


def _less_equal(version: Version, term: Term) -> bool:
    limit = term.version
    if not term.open:
        return version.key <= limit.key
    if version.major != limit.major:
        return version.major < limit.major
    return term.parts == 1 or version.minor <= limit.minor


def _tilde(version: Version, term: Term) -> bool:
    limit = term.version
    if version.key < limit.key:
        return False
    if term.parts in (0, 3) and (limit.major, limit.minor, limit.patch) == (0, 0, 0):
        return True
    if version.major != limit.major:
        return False
    return term.parts == 1 or version.minor == limit.minor


def _caret(version: Version, term: Term) -> bool:
    limit = term.version
    if version.key < limit.key or version.major != limit.major:
        return False
    if limit.major > 0 or term.parts == 1:
        return True
    if limit.minor > 0 or term.parts == 2:
        return version.minor == limit.minor
    return version.minor == 0 and version.patch == limit.patch


_CHECKS: Final[dict[str, Callable[[Version, Term], bool]]] = {
    "=": _equal,
    "!=": _not_equal,
    ">": _greater,
    "<": _less,
    ">=": _greater_equal,
    "=>": _greater_equal,
    "<=": _less_equal,
    "=<": _less_equal,
    "~": _tilde,
    "~>": _tilde,
    "^": _caret,
}


def best(versions: Iterable[str], constraint: Constraint) -> str | None:
    """The version that Helm would take: the very text if it is there, else the highest.

    Of two that differ only in build metadata the first is taken; texts that
    are no versions are passed over.
    """
    candidates = list(versions)
    if constraint.text in candidates:
        return constraint.text
    allowed = [
        (parsed.key, text) for text, parsed in _parsed(candidates) if constraint.allows(parsed)
    ]
    return max(allowed, key=lambda pair: pair[0])[1] if allowed else None


def _parsed(texts: Iterable[str]) -> Iterable[tuple[str, Version]]:
    for text in texts:
        try:
            yield text, parse_version(text)
        except VersionError:
            continue


def allows_kube_version(constraint: str, server_version: str) -> bool:
    """Whether a chart's kubeVersion accepts a server's gitVersion, as `helm install` decides.

    Against a live cluster Helm compares the gitVersion as it is: a vendor
    suffix after `-` (`v1.29.3-eks-1234`) makes it a pre-release, which
    `>=1.25` refuses and `>=1.25-0` accepts; one after `+` (`v1.29.3+k3s1`) is
    build metadata and does not matter. An absent constraint accepts anything;
    one that cannot be read accepts nothing (Helm refuses such an install).
    """
    if constraint == "":
        return True
    try:
        return parse_constraint(constraint).allows(server_version)
    except VersionError:
        return False
