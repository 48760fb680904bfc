"""Kinds as they are described and found."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import kubecarrier.urls  # noqa: F401 - registers every kind
from kubecarrier.lib.errors import NotFoundError, PreconditionError
from kubecarrier.lib.manifests import Kind, Wish, find_kind, kinds


@pytest.mark.parametrize("word", ["Cluster", "clusters", "cluster", "cl", "CLUSTERS"])
def test_found_by_every_name(word: str) -> None:
    assert find_kind(word).kind == "Cluster"


@pytest.mark.parametrize("word", ["", "clust", "clusters ", "x" * 500])
def test_unknown(word: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        find_kind(word)
    assert caught.value.code == "kind_unknown"
    assert len(caught.value.message) < 120


def test_no_word_means_two_kinds() -> None:
    words = [w for kind in kinds() for w in {kind.plural, kind.singular, *kind.short_names}]
    assert len(words) == len(set(words))
    assert [kind.plural for kind in kinds()] == sorted(kind.plural for kind in kinds())


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.plural)
def test_description(kind: Kind) -> None:
    assert kind.description.endswith(".")
    fields = {field.name for field in kind.model._meta.get_fields()}
    assert {lookup.split("__")[0] for lookup in kind.search} <= fields
    assert {lookup.split("__")[0] for lookup in kind.filters.values()} <= fields
    assert kind.order.lstrip("-") in fields
    assert ("apply" in kind.verbs) == (kind.spec_serializer is not None)


def row(generation: int) -> Any:
    return SimpleNamespace(generation=generation)


def test_a_wish_for_another_generation() -> None:
    Wish("a", {}, {}).check(row(9))
    Wish("a", {}, {}, generation=9).check(row(9))
    with pytest.raises(PreconditionError):
        Wish("a", {}, {}, generation=8).check(row(9))
