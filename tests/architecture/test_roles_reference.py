"""The catalogue of permissions: complete, closed, and described."""

from __future__ import annotations

import re
from pathlib import Path

from django.urls import get_resolver

from accounts.roles_text import reference
from kubecarrier.lib import catalogue
from kubecarrier.lib.manifests import kinds

_CHECKOUT = Path(__file__).parents[2]
_ASKED = re.compile(
    r"""(?:require(?:_somewhere|_reach)?|demand|may(?:_somewhere)?|denied|on_platform|visible)\(
        [^()"]*"([a-z]+\.[a-z]+)\"""",
    re.VERBOSE,
)


def test_the_page_is_what_the_catalogue_says() -> None:
    assert (_CHECKOUT / "docs" / "roles.md").read_text() == reference()


def test_every_kind_is_in_the_catalogue() -> None:
    assert get_resolver().url_patterns
    listed = {subject.plural for subject in catalogue.subjects()}
    assert {kind.plural for kind in kinds()} - listed == set()


def test_nobody_asks_for_a_permission_that_is_not_in_it() -> None:
    asked = {
        permission
        for app in ("accounts", "fleet", "apps", "monitoring", "kubecarrier")
        for file in (_CHECKOUT / app).rglob("*.py")
        for permission in _ASKED.findall(file.read_text())
    }
    assert len(asked) > 20
    assert asked - set(catalogue.known()) == set()
