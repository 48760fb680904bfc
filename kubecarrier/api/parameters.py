"""Query parameters as the OpenAPI document shows them."""

from __future__ import annotations

from collections.abc import Mapping

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter


def query_parameter(name: str, text: str) -> OpenApiParameter:
    """One of text."""
    return OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.QUERY, description=text)


def query_parameters(texts: Mapping[str, str]) -> list[OpenApiParameter]:
    """Several: what each means, by name."""
    return [query_parameter(name, text) for name, text in texts.items()]
