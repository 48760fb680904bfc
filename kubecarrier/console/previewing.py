"""A form that is asked what saving it would change, instead of being saved."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from kubecarrier.lib.errors import KubeCarrierError


class PreviewAsked(KubeCarrierError):  # noqa: N818 - not an error
    """Raised in the place of a save, so that nothing is saved; carries what was found."""

    def __init__(self, groups: list[Any]) -> None:
        super().__init__("preview", "")
        self.groups = groups


def is_asked(request: HttpRequest) -> bool:
    """Whether the form was sent by its preview button."""
    return "_preview" in request.POST


def groups_of(request: HttpRequest) -> list[Any] | None:
    """What the form's page shows of the preview; None where none was asked for."""
    refused = getattr(request, "refused", None)
    return refused.groups if isinstance(refused, PreviewAsked) else None
