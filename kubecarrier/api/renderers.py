"""JSON out, by orjson: several times faster on long lists than the standard library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer

from kubecarrier.lib import strict_yaml


class JSONRenderer(BaseRenderer):
    """UUIDs and datetimes are native to orjson; lazy texts and decimals become strings."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        return orjson.dumps(data, default=str, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


class YamlRenderer(BaseRenderer):
    """YAML for those who ask for it: objects of clusters, and errors about them."""

    media_type = "application/yaml"
    format = "yaml"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        plain = orjson.loads(JSONRenderer().render(data))
        return strict_yaml.dump(plain).encode()
