"""Every model is audited, or says why it is not."""

from __future__ import annotations

from auditlog.registry import auditlog
from django.apps import apps as django_apps

from accounts.audited import NOT_AUDITED

_MODELS = {model._meta.label: model for model in django_apps.get_models(include_swapped=True)}
# A model that settings replaced has no table: nothing of it can change.
_PRESENT = {label: model for label, model in _MODELS.items() if not model._meta.swapped}


def test_every_model_is_audited_or_has_a_reason() -> None:
    audited = {label for label, model in _PRESENT.items() if auditlog.contains(model)}
    assert set(_PRESENT) - audited - set(NOT_AUDITED) == set()
    assert audited & set(NOT_AUDITED) == set()


def test_no_entry_is_stale() -> None:
    assert set(NOT_AUDITED) - set(_MODELS) == set()


def test_reasons_say_something() -> None:
    assert [label for label, reason in NOT_AUDITED.items() if len(reason.split()) < 3] == []
