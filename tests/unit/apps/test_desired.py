"""What a release should be: layers, nulls, registry and environment, and a digest that keeps still."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.desired import (
    DIGEST_LENGTH,
    ChartFacts,
    Context,
    Desired,
    desire,
    effective_values,
    env_values,
    registry_values,
)
from kubecarrier.lib import strict_yaml
from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.strict_yaml import YamlError

CHART = ChartFacts(
    "web", "1.0.0", "d" * 64, {"replicaCount": 1, "image": {"repository": "nginx"}, "env": []}
)


def want(
    text: str = "",
    *,
    chart: ChartFacts = CHART,
    override: Any = None,
    redeploy: int = 0,
    **context: Any,
) -> Desired:
    return desire(
        release_name="shop",
        namespace="ns",
        owner="application/1",
        chart=chart,
        values_text=text,
        context=Context(**context),
        override=override or {},
        redeploy=redeploy,
    )


class TestLayers:
    def test_the_chart_s_defaults_are_helm_s_own_business(self) -> None:
        assert want().values == {}

    def test_a_cluster_wins_over_context_over_application(self) -> None:
        found = want(
            "a: app\nimage: {registry: app}\nonly: app\n",
            image_registry="context",
            override={"image": {"registry": "cluster"}, "a": "cluster"},
        )
        assert found.values["a"] == "cluster"
        assert found.values["image"]["registry"] == "cluster"
        assert found.values["only"] == "app"

    def test_nulls_are_kept_for_helm(self) -> None:
        assert want("a: null", override={"b": None}).values == {"a": None, "b": None}

    def test_lists_replace(self) -> None:
        assert want("a: [1, 2]", override={"a": [3]}).values == {"a": [3]}

    def test_shown_values_say_where_they_come_from(self) -> None:
        merged = effective_values(CHART, "a: 1\nenv: null", Context(), {"replicaCount": 5})
        assert merged.values == {"replicaCount": 5, "image": {"repository": "nginx"}, "a": 1}
        assert merged.origins == {
            "replicaCount": "cluster",
            "image.repository": "chart",
            "a": "application",
        }

    @pytest.mark.parametrize("text", ["- a", "text", "a: 1\na: 2", "a: *x", "a: ["])
    def test_bad_values(self, text: str) -> None:
        with pytest.raises((InvalidError, YamlError)):
            want(text)


plain = st.recursive(
    st.none() | st.integers(0, 3) | st.text(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=8,
)
maps = st.dictionaries(st.sampled_from("abc"), plain, max_size=3)


@given(maps, maps)
def test_given_values_are_the_layers_combined(own: Any, override: Any) -> None:
    """As Helm combines several files: nulls stay, maps merge, the later wins."""
    found = want(strict_yaml.dump(own), override=override).values
    assert want(strict_yaml.dump(found)).values == found
    for key, value in override.items():
        if not isinstance(value, dict):
            assert found[key] == value
    assert set(found) == set(own) | set(override)


@pytest.mark.parametrize(
    ("known", "values", "keys"),
    [
        ({}, {}, ()),
        ({"image": "nginx"}, {}, ()),
        (
            {"global": {"imageRegistry": ""}},
            {"global": {"imageRegistry": "r"}},
            ("global.imageRegistry",),
        ),
        (
            {"global": {"x": 1}, "image": {"registry": ""}},
            {"image": {"registry": "r"}},
            ("image.registry",),
        ),
        (
            {"global": {"imageRegistry": None}, "image": {"registry": "x", "repository": "y"}},
            {"global": {"imageRegistry": "r"}, "image": {"registry": "r"}},
            ("global.imageRegistry", "image.registry"),
        ),
        (
            {"image": {"repository": "nginx"}},
            {"image": {"repository": "r/nginx"}},
            ("image.repository",),
        ),
        (
            {"image": {"repository": "lib/nginx"}},
            {"image": {"repository": "r/lib/nginx"}},
            ("image.repository",),
        ),
        (
            {"image": {"repository": "h.io/a/b"}},
            {"image": {"repository": "r/a/b"}},
            ("image.repository",),
        ),
        (
            {"image": {"repository": "h:5000/a"}},
            {"image": {"repository": "r/a"}},
            ("image.repository",),
        ),
        (
            {"image": {"repository": "localhost/a"}},
            {"image": {"repository": "r/a"}},
            ("image.repository",),
        ),
        (
            {"global": {"imageRegistry": ""}, "image": {"repository": "a"}},
            {"global": {"imageRegistry": "r"}},
            ("global.imageRegistry",),
        ),
        ({"image": {"repository": 5}}, {}, ()),
    ],
)
def test_image_registry(
    known: dict[str, Any], values: dict[str, Any], keys: tuple[str, ...]
) -> None:
    assert registry_values(known, "r") == (values, keys)
    assert registry_values(known, "") == ({}, ())


@pytest.mark.parametrize(
    ("known", "key", "values"),
    [
        ({}, "env", {"env": [{"name": "A", "value": "1"}]}),
        ({"env": []}, "env", {"env": [{"name": "A", "value": "1"}]}),
        ({"env": {}}, "env", {"env": {"A": "1"}}),
        ({"env": {"B": "2"}}, "env", {"env": {"A": "1"}}),
        (
            {"env": [{"name": "B", "value": "2"}, {"name": "A", "value": "0"}]},
            "env",
            {"env": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]},
        ),
        ({"env": ["odd"]}, "env", {"env": ["odd", {"name": "A", "value": "1"}]}),
        ({"web": {"extraEnv": {"B": 1}}}, "web.extraEnv", {"web": {"extraEnv": {"A": "1"}}}),
        ({"web": "text"}, "web.env", {"web": {"env": [{"name": "A", "value": "1"}]}}),
    ],
)
def test_environment(known: dict[str, Any], key: str, values: dict[str, Any]) -> None:
    assert env_values(known, {"A": "1"}, key) == values
    assert env_values(known, {}, key) == {}


class TestObjects:
    CONFIG = {"name": "c", "data": {"k": "v"}}
    SECRET = {"name": "s", "data": {"p": "x"}, "type": "kubernetes.io/tls"}

    def test_made_beside_the_release_with_their_owner(self) -> None:
        config, secret = want(config_maps=(self.CONFIG,), secrets=(self.SECRET,)).objects
        assert config["metadata"] == {
            "name": "c",
            "namespace": "ns",
            "labels": {"app.kubernetes.io/managed-by": "kubecarrier"},
            "annotations": {"kubecarrier.io/owner": "application/1"},
        }
        assert (config["kind"], config["data"]) == ("ConfigMap", {"k": "v"})
        assert (secret["kind"], secret["type"], secret["stringData"]) == (
            "Secret",
            "kubernetes.io/tls",
            {"p": "x"},
        )

    def test_existing_ones_are_references(self) -> None:
        found = want(
            config_maps=({"name": "c", "existing": True},),
            secrets=({"name": "s", "existing": True},),
        )
        assert (found.objects, found.references) == ((), (("ConfigMap", "c"), ("Secret", "s")))


class TestDigest:
    def test_is_a_label_value(self) -> None:
        assert len(want().digest) == DIGEST_LENGTH <= 63
        assert want().digest.isalnum()

    def test_stays(self) -> None:
        """Written down: another digest would deploy every release anew on the next start."""
        assert (
            want("a: 1\nb: [x, {c: null}]", env={"A": "1"}).digest
            == "8575062576586ec20e9d5821d6b80877"
        )

    @pytest.mark.parametrize(
        "text", ["b: 2\na: 1", "a: 1 # said\nb: 2", "{a: 1, b: 2}", "a: 0x1\nb: 2"]
    )
    def test_spelling_does_not_matter(self, text: str) -> None:
        assert want(text).digest == want("a: 1\nb: 2").digest

    @pytest.mark.parametrize(
        "other",
        [
            want("a: 2"),
            want("a: '1'"),
            want("a: 1.5"),
            want("a: 1\nb: null"),
            want("a: 1", override={"b": 1}),
            want("a: 1", redeploy=1),
            want("a: 1", env={"A": "1"}),
            want("a: 1", image_registry="r"),
            want("a: 1", config_maps=({"name": "c"},)),
            want("a: 1", secrets=({"name": "c"},)),
            want("a: 1", chart=ChartFacts("web", "1.0.0", "e" * 64, CHART.defaults)),
        ],
        ids=range(11),
    )
    def test_every_difference_matters(self, other: Desired) -> None:
        assert other.digest != want("a: 1").digest

    def test_a_secret_s_data_matters(self) -> None:
        one, two = ({"name": "s", "data": {"p": text}} for text in "ab")
        assert want(secrets=(one,)).digest != want(secrets=(two,)).digest

    def test_what_only_helm_s_bookkeeping_needs_does_not(self) -> None:
        renumbered = ChartFacts("web", "9.9.9", CHART.digest, CHART.defaults)
        assert want(chart=renumbered).digest == want().digest
