"""The reference of permissions and built-in roles, out of the catalogue: docs/roles.md."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import translation

from accounts.builtin import DESCRIPTIONS, LEVELS, RULES
from accounts.policy_rules import dangers
from kubecarrier.lib import catalogue

_HEAD = """# Roles and permissions

Written by `manage.py roles_reference > docs/roles.md`; a test keeps it equal to the catalogue.

A permission is a kind's plural and a verb. It can be held on the platform, in a project, on a cluster or in a
namespace of one: [kinds/binding.md](kinds/binding.md). A role holds permissions and rules for the clusters:
[kinds/role.md](kinds/role.md). Verbs marked with * are a part of `edit`: who holds one may change that and nothing
else, whichever way the change comes (console, REST, CLI, git).

- `applications.scale` changes the values `replicaCount` and `replicas`, everywhere or per cluster, to a whole number.
- `applications.image` changes values called `tag` below something called like an image, to a tag or a digest.
- `applications.upgrade` changes the chart's version.

Who holds what, where, and by which binding and group: [access-review.md](access-review.md).
"""


def reference() -> str:
    """The whole page, in English."""
    with translation.override("en"):
        return "\n".join([_HEAD, *_roles(), *_permissions()]) + "\n"


def _roles() -> Iterator[str]:
    yield "## Built-in roles\n"
    yield "| role | holds | rules in clusters | dangerous because it |"
    yield "|---|---|---|---|"
    for name, text in DESCRIPTIONS.items():
        held = catalogue.up_to(LEVELS[name])
        why = "; ".join(dangers(RULES[name], held)) or "–"
        yield f"| `{name}` | {len(held)} permissions. {text} | {len(RULES[name])} | {why} |"
    yield ""


def _permissions() -> Iterator[str]:
    yield "## Permissions\n"
    yield "| permission | may | held on | viewer | editor | cluster-admin |"
    yield "|---|---|---|---|---|---|"
    for name, (subject, verb) in catalogue.known().items():
        part = " *" if verb.partial else ""
        where = ", ".join(subject.anchors_of(verb))
        ticks = " | ".join("✓" if verb.level <= LEVELS[r] else "" for r in reversed(DESCRIPTIONS))
        yield f"| `{name}`{part} | {verb.title} | {where} | {ticks} |"
