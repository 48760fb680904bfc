"""A selector in SQL chooses what `Selector.matches` chooses."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.models import Cluster
from kubecarrier.lib.audit import unaudited
from kubecarrier.lib.placement import filter_by_labels, parse_selector

pytestmark = pytest.mark.django_db

# Few and nasty: keys that JSON paths, list indexes and LIKE could misread.
KEYS = ["a", "b", "5", "0", "a.b", "x.io/a", "x.io/a.b", "A", "a_b", "a-b"]
VALUES = ["", "1", "a", "A", "true", "null", "1.0", "a_b", "a-b"]
keys, values = st.sampled_from(KEYS), st.sampled_from(VALUES)
labels = st.dictionaries(keys, values, max_size=4)
several = st.lists(values, min_size=1, max_size=3).map(", ".join).filter(lambda text: text.strip())
requirement = st.one_of(
    keys,
    keys.map("!{}".format),
    st.builds("{}={}".format, keys, values),
    st.builds("{}=={}".format, keys, values),
    st.builds("{}!={}".format, keys, values),
    st.builds("{} in ({})".format, keys, several),
    st.builds("{} notin ({})".format, keys, several),
)
selectors = st.lists(requirement, max_size=3).map(",".join)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(labels, min_size=1, max_size=5), selectors)
def test_sql_equals_python(rows: list[dict[str, str]], text: str) -> None:
    with unaudited("test"):
        Cluster.objects.all().delete()
        Cluster.objects.bulk_create(
            Cluster(name=f"c{number}", server="https://x.example.org", labels=found)
            for number, found in enumerate(rows)
        )
    selector = parse_selector(text)
    wanted = {f"c{number}" for number, found in enumerate(rows) if selector.matches(found)}
    got = set(filter_by_labels(Cluster.objects.all(), text).values_list("name", flat=True))
    assert got == wanted
