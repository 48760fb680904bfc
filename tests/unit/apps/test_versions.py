"""Helm's version constraints.

Expected results are those of Masterminds semver v3.4.0 (its documented tables,
and its own answers for the combinations).
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps import versions
from apps.versions import VersionCode, VersionError

# constraint → versions that satisfy it | versions that do not
CHECKS: list[tuple[str, str, str]] = [
    ("=2.0.0", "2.0.0", "1.2.3"),
    ("=2.0", "2.0.0 2.0.1", "1.2.3"),
    ("4.1", "4.1.0 4.1.7", "4.2.0"),
    ("4.1.x", "4.1.3", "4.2.0"),
    ("1.x", "1.4", "2.0.0"),
    ("!=4.1.0", "4.1.1", "4.1.0 5.1.0-alpha.1"),
    ("!=4.1", "5.1.0", "4.1.0 4.1.1 5.1.0-alpha.1"),
    ("!=4.x", "5.1.0", "4.1.0"),
    ("!=4.2.x", "4.1.0", "4.2.3"),
    ("!=4.1-alpha", "4.1.0", "4.1.0-alpha 4.1.1-alpha"),
    ("<11", "0.1.0", "11.1.0"),
    ("<1.1", "0.1.0", "1.1.0 1.1.1"),
    ("<1.x", "0.1.1", "1.1.1 2.0.0"),
    ("<1.1.x", "1.0.500", "1.1.500 1.2.1"),
    ("<=11", "1.2.3 11.2.3", "12.2.3"),
    ("<=1.1", "0.1.0 1.1.0 1.1.1", "1.2.3 0.1.0-alpha"),
    ("<=1.1-a", "0.1.0-alpha", ""),
    ("<=1.1.x", "1.1.9", "1.2.500"),
    (">1.1", "4.1.0", "1.1.0"),
    (">0", "1", "0 0.0.1-alpha"),
    (">0.0.0-0", "0.0.0-alpha", ""),
    (">0-0", "", "0.0.1-alpha 0.0.0-alpha"),
    (">1.2.3-alpha.1", "1.2.3-alpha.2 1.3.3-alpha.2", ""),
    (">11", "12.0.0", "11.1.0"),
    (">11.1", "11.2.1", "11.1.0 11.1.1"),
    (">=11", "11.1.2", "10.9.9"),
    (">=11.1", "11.1.2", "11.0.2"),
    (">=1.1", "4.1.0 1.1.0", "0.0.9 4.1.0-beta"),
    (">=0-0", "0.0.1-alpha 0.0.0-alpha", ""),
    (">=0.0.0-0", "1.2.3 3.4.5-beta.1", ""),
    ("<0-z", "0.0.0-alpha", ""),
    ("*", "1 4.5.6", "1.2.3-alpha.1"),
    ("*-0", "1.2.3-alpha.1", ""),
    ("", "1 4.5.6", "1.2.3-alpha.1"),
    ("2.*", "2.1.1", "1 3.4.5"),
    ("2", "2.1.1", "1 3.4.5"),
    ("~1.2.3", "1.2.4", "1.3.4 1.2.2"),
    ("~1.2", "1.2.4", "1.3.4"),
    ("~1", "1.2.4", "2.3.4 1.3.5-beta"),
    ("~0.0.0", "1.2.3", ""),
    ("~*", "2.1.1", ""),
    ("~1.2.3-beta.2", "1.2.3-beta.4 1.2.4-beta.2", "1.3.4-beta.2"),
    ("~1.1.1-beta", "1.1.1", "1.1.1-alpha"),
    ("^1.2.3", "1.8.9", "2.8.9 1.2.1"),
    ("^1.2.0", "1.2.1", "2.2.1 1.2.1-alpha.1"),
    ("^1.2.0-alpha.2", "1.2.1-alpha.0", "1.2.0-alpha.1"),
    ("^1.2", "1.8.9", "2.8.9"),
    ("^1", "1.8.9", "2.8.9"),
    ("^0.2.3", "0.2.5", "0.5.6"),
    ("^0.2", "0.2.5", "0.5.6"),
    ("^0.0.3", "0.0.3", "0.0.4"),
    ("^0.0", "0.0.3", "0.1.4 1.0.4"),
    ("^0", "0.2.3", "1.1.4"),
    ("^0.0.0", "", "1.2.3"),
    ("0.x.x", "", "1.2.3"),
    ("^1.2.x-alpha", "", "1.1.1-beta1"),
    (">1.1, <2", "1.2.1", "1.1.1"),
    (">1.1 <2", "1.2.1", "1.1.1"),
    (">=1.1,<2,!=1.2.3", "1.3.0", "1.2.3"),
    (">=1.1, <2, !=1.2.3 || > 3", "4.1.2", "3.1.2 3.0.0 1.2.3"),
    (">= 1.0.0  <= 2.0.0-beta || > 3", "1.0.1-beta", "3.0.1-beta"),
    ("1.1 - 2", "1.1.1", "3.0.0"),
    ("1.5.0 - 4.5", "3.7.0 4.5.9", "4.6.0"),
    ("1.1-3", "1.1.0-3", "4.3.2"),
    ("1.0.0 - 2.0.0 <=2.0.0", "1.5.0", ""),
    ("v1.2", "1.2.9 v1.2.3", "1.3.0"),
    ("=> 1.2, =< 1.4", "1.3.0 1.4.9", "1.5.0"),
    ("~> 1.2", "1.2.9", "1.3.0"),
    ("1.2.3", "1.2.3+build.7", "1.2.4"),
    ("v2.3.5-20161202202307-sha.e8fc5e5", "2.3.5-20161202202307-sha.e8fc5e5", "2.3.5"),
]
CASES = [
    pytest.param(constraint, version, expected, id=f"{constraint} : {version}")
    for constraint, good, bad in CHECKS
    for expected, texts in ((True, good), (False, bad))
    for version in texts.split()
]


@pytest.mark.parametrize(("constraint", "version", "expected"), CASES)
def test_constraint(constraint: str, version: str, expected: bool) -> None:
    assert versions.parse_constraint(constraint).allows(version) is expected


@pytest.mark.parametrize(
    "text",
    [
        "foo", ">= bar", "BAR >= 1.2.3", "v1.2.3-beta.01", "12.3.4.1234", "12.3.34~ 1.2.3",
        "1.2.3 ||", "|| 1", ">", ">>1", "1,,2", "1.2,", "1x.2", "1 ||2 - 3", "1\x0b2",
        "9" * 30, "1." * 400, " " * 600,
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_bad_constraint(text: str) -> None:
    with pytest.raises(VersionError) as caught:
        versions.parse_constraint(text)
    assert caught.value.code == VersionCode.CONSTRAINT


@pytest.mark.parametrize(
    "text", ["", "x", "1.2.3.4", "1.2.3-", "1.2.3-01", "1.2.3+", "-1", "1..2", "1.2.3 ", "٣.0.0",
             "99999999999999999999.0.0", "1.0.0-" + "a" * 300],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_bad_version(text: str) -> None:
    with pytest.raises(VersionError) as caught:
        versions.parse_version(text)
    assert caught.value.code == VersionCode.VERSION
    assert not versions.parse_constraint("*").allows(text)


def test_order_is_that_of_the_semver_specification() -> None:
    pres = ["1", "9", "10", "alpha", "alpha.1", "alpha.beta", "beta", "beta.2", "beta.11", "rc.1"]
    ordered = ["0.9.0", *(f"1.0.0-{pre}" for pre in pres), "1.0.0", "1.0.1", "1.2.0", "1.10.0"]
    shuffled = ordered[::2] + ordered[1::2]
    assert sorted(shuffled, key=versions.sort_key) == ordered


def test_build_metadata_does_not_order() -> None:
    assert versions.sort_key("1.0.0+a") == versions.sort_key("v1.0.0+b")


def test_best() -> None:
    there = ["1.0.0", "nonsense", "1.10.0", "1.2.0", "2.0.0-rc.1", "1.10.0+b"]
    assert versions.best(there, versions.parse_constraint("^1")) == "1.10.0"
    assert versions.best(there, versions.parse_constraint("1.10.0+b")) == "1.10.0+b"
    assert versions.best(there, versions.parse_constraint(">=2-0")) == "2.0.0-rc.1"
    assert versions.best(there, versions.parse_constraint(">3")) is None


@pytest.mark.parametrize(
    ("constraint", "server", "expected"),
    [
        ("", "v1.37.2", True),
        (">=1.25", "v1.37.2", True),
        (">=1.25", "v1.24.0", False),
        (">=1.25", "v1.29.3-eks-1234", False),
        (">=1.25-0", "v1.29.3-eks-1234", True),
        (">=1.25.0-0", "v1.33.4-gke.1245000", True),
        (">=1.25", "v1.29.3+k3s1", True),
        (">=1.22.0 <1.40.0", "v1.37.2", True),
        ("not one", "v1.37.2", False),
        (">=1.25", "", False),
        (">=1.25", "v1.28+", False),
    ],
)
def test_kube_version_as_helm_install(constraint: str, server: str, expected: bool) -> None:
    assert versions.allows_kube_version(constraint, server) is expected


@pytest.mark.parametrize(
    ("text", "strict"),
    [("1.2.3", True), ("1.2.3-a+b", True), ("v1.2.3", False), ("1.2", False), ("01.2.3", False)],
)
def test_is_strict(text: str, strict: bool) -> None:
    assert versions.is_strict(text) is strict


@given(st.text(alphabet="0123456789.xX*^~<>=!|, -+vab", max_size=40) | st.text(max_size=40))
def test_any_text_is_a_constraint_or_refused(text: str) -> None:
    try:
        constraint = versions.parse_constraint(text)
    except VersionError:
        return
    assert constraint.allows("1.2.3") in (True, False)


PARTS = st.tuples(*[st.integers(0, 30)] * 3)


@given(PARTS, PARTS)
def test_ranges_equal_their_definition(limit: tuple[int, ...], version: tuple[int, ...]) -> None:
    text = ".".join(map(str, version))
    written = ".".join(map(str, limit))

    def allows(constraint: str) -> bool:
        return versions.parse_constraint(constraint).allows(text)

    assert allows(f">={written}") is (version >= limit)
    assert allows(f"<{written}") is (version < limit)
    assert allows(f"{written} - {written}") is (version == limit)
    if limit[0]:
        assert allows(f"^{written}") is (version >= limit and version[0] == limit[0])
        assert allows(f"~{written}") is (version >= limit and version[:2] == limit[:2])
