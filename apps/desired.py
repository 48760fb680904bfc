"""What a release should be, computed from a revision, a cluster's override and the chart.

Pure: the same inputs give the same values and the same digest, in any process.
The layers, lowest first: chart defaults, the application's values, its context
(image registry, environment), the cluster's override. The chart's defaults
are Helm's own business at deploy time and are merged here for showing only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from apps.values import Layer, Merged, merge, parse_values

Json = dict[str, Any]

OWNER_ANNOTATION = "kubecarrier.io/owner"
KEPT_ANNOTATION = "kubecarrier.io/kept"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
DIGEST_LABEL = "kubecarrier.io/digest"
# Another value at each attempt: Helm carries labels over to a revision made by hand.
ATTEMPT_LABEL = "kubecarrier.io/attempt"
FIELD_MANAGER = "kubecarrier"
DIGEST_LENGTH = 32

LAYER_CHART = "chart"
LAYER_APPLICATION = "application"
LAYER_CONTEXT = "context"
LAYER_CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class ChartFacts:
    """What of a chart decides about values: its digest and its defaults."""

    name: str
    version: str
    digest: str
    defaults: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Context:
    """What an application brings beside its values."""

    config_maps: tuple[Json, ...] = ()
    secrets: tuple[Json, ...] = ()
    image_registry: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    env_key: str = "env"


@dataclass(frozen=True, slots=True)
class Desired:
    """One release as it should be.

    `values` is what Helm is given (without the chart's defaults, nulls kept:
    they delete a default). `objects` are the config maps and secrets created
    beside the release; `references` must exist already, as (kind, name).
    """

    release_name: str
    namespace: str
    owner: str
    chart: ChartFacts
    values: Json
    objects: tuple[Json, ...]
    references: tuple[tuple[str, str], ...]
    registry_keys: tuple[str, ...]
    digest: str


def desire(
    *,
    release_name: str,
    namespace: str,
    owner: str,
    chart: ChartFacts,
    values_text: str,
    context: Context,
    override: Json,
    redeploy: int,
) -> Desired:
    """The desired release; raises InvalidError for values that are no mapping."""
    layers, keys = _layers(chart, values_text, context, override)
    values = merge(layers, keep_nulls=True).values
    objects = tuple(_objects(context, namespace, owner))
    payload = {
        "chart": chart.digest,
        "release": [namespace, release_name],
        "values": values,
        "objects": objects,
        "redeploy": redeploy,
    }
    digest = hashlib.sha256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return Desired(
        release_name=release_name,
        namespace=namespace,
        owner=owner,
        chart=chart,
        values=values,
        objects=objects,
        references=tuple(_references(context)),
        registry_keys=keys,
        digest=digest[:DIGEST_LENGTH],
    )


def effective_values(
    chart: ChartFacts, values_text: str, context: Context, override: Json
) -> Merged:
    """All layers merged, with the layer that set each key, for showing."""
    layers, _ = _layers(chart, values_text, context, override)
    return merge([Layer(LAYER_CHART, chart.defaults), *layers])


def _layers(
    chart: ChartFacts, values_text: str, context: Context, override: Json
) -> tuple[list[Layer], tuple[str, ...]]:
    own = parse_values(values_text)
    known = merge([Layer(LAYER_CHART, chart.defaults), Layer(LAYER_APPLICATION, own)]).values
    registry, keys = registry_values(known, context.image_registry)
    layers = [
        Layer(LAYER_APPLICATION, own),
        Layer(LAYER_CONTEXT, registry),
        Layer(LAYER_CONTEXT, env_values(known, context.env, context.env_key)),
        Layer(LAYER_CLUSTER, override),
    ]
    return layers, keys


def registry_values(known: Json, registry: str) -> tuple[Json, tuple[str, ...]]:
    """The values that make a chart pull from `registry`, and the keys they set.

    The usual three places, in the order charts document them:
    `global.imageRegistry`, `image.registry`, and, for charts that have neither,
    the host in front of `image.repository`.
    """
    if not registry:
        return {}, ()
    values: Json = {}
    keys = []
    image = known.get("image")
    shared = known.get("global")
    if isinstance(shared, Mapping) and "imageRegistry" in shared:
        values["global"] = {"imageRegistry": registry}
        keys.append("global.imageRegistry")
    if isinstance(image, Mapping) and "registry" in image:
        values["image"] = {"registry": registry}
        keys.append("image.registry")
    elif isinstance(image, Mapping) and isinstance(image.get("repository"), str) and not keys:
        values["image"] = {"repository": f"{registry}/{_without_host(image['repository'])}"}
        keys.append("image.repository")
    return values, tuple(keys)


def _without_host(repository: str) -> str:
    """Docker's rule: the first part is a host when it has a dot or a port or is localhost."""
    first, found, rest = repository.partition("/")
    if found and ("." in first or ":" in first or first == "localhost"):
        return rest
    return repository


def env_values(known: Json, env: Mapping[str, str], key: str) -> Json:
    """The environment in the chart's own form: a list of name and value, or a mapping."""
    if not env:
        return {}
    parts = key.split(".")
    present: Any = known
    for part in parts:
        present = present.get(part) if isinstance(present, Mapping) else None
    value: Any
    if isinstance(present, Mapping):
        value = dict(env)
    else:
        listed = present if isinstance(present, list) else []
        kept = [e for e in listed if not (isinstance(e, Mapping) and e.get("name") in env)]
        value = [*kept, *({"name": name, "value": text} for name, text in env.items())]
    for part in reversed(parts):
        value = {part: value}
    return dict(value)


def _objects(context: Context, namespace: str, owner: str) -> list[Json]:
    made = []
    for item in context.config_maps:
        if not item.get("existing"):
            made.append(
                {**_head("ConfigMap", item, namespace, owner), "data": item.get("data", {})}
            )
    for item in context.secrets:
        if not item.get("existing"):
            body = {"type": item.get("type", "Opaque"), "stringData": item.get("data", {})}
            made.append({**_head("Secret", item, namespace, owner), **body})
    return made


def _head(kind: str, item: Json, namespace: str, owner: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {
            "name": item["name"],
            "namespace": namespace,
            "labels": {MANAGED_BY_LABEL: "kubecarrier"},
            "annotations": {OWNER_ANNOTATION: owner},
        },
    }


def _references(context: Context) -> list[tuple[str, str]]:
    maps = [("ConfigMap", item["name"]) for item in context.config_maps if item.get("existing")]
    return maps + [("Secret", item["name"]) for item in context.secrets if item.get("existing")]
