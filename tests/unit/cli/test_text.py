"""The pure parts: cleaning, ages, cells, YAML, values, URLs, global options."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubecarrier.cli import __version__, session, tables, values, yamlio
from kubecarrier.cli.app import hoisted
from kubecarrier.cli.clean import clean, escape_unsafe, one_line
from kubecarrier.cli.errors import CliError
from kubecarrier.cli.main import program_name
from kubecarrier.cli.options import seconds
from kubecarrier.cli.output import as_json, as_yaml

# Nine times nine times nine ...: a few hundred bytes that would become gigabytes.
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
_NO_CONTROLS = frozenset(chr(c) for c in (*range(9), *range(11, 32), *range(127, 160)))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("\x1bPdcs\x1b\\after", "after"),
        ("\x1b]0;never ended\nnext", "\nnext"),
        ("a\rb\x08c\x00d\x7fe\x85f", "abcdef"),
        ("safe\u202eevil", "safeevil"),
        ("tab\tnewline\r\nü日", "tab\tnewline\nü日"),
        ("\ud800", "?"),
    ],
)
def test_clean(text: str, wanted: str) -> None:
    assert clean(text) == wanted


@given(st.text())
def test_nothing_that_a_terminal_obeys_survives(text: str) -> None:
    assert not _NO_CONTROLS & set(clean(text))
    assert "\n" not in one_line(text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(_JSON)
def test_data_formats_are_safe_and_lose_nothing(value: Any) -> None:
    import json

    text = as_json(value)
    assert json.loads(text) == value
    assert not _NO_CONTROLS & set(text)


@given(
    st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
)
def test_yaml_is_safe_and_loses_nothing(value: dict[str, str]) -> None:
    text = as_yaml(value)
    assert yamlio.load(text, "test") == value
    assert not _NO_CONTROLS & set(text)


def test_escape_unsafe_is_valid_inside_json() -> None:
    assert escape_unsafe('"\x1b\u202e"') == '"\\u001b\\u202e"'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("y", True),
        ("off", False),
        ("022", 18),
        ("0x1F", 31),
        ("089", 89.0),
        ("1e3", 1000.0),
        ("1_000", 1000),
        ("-5", -5),
        ("12e4567", "12e4567"),
        ("~", None),
        ("'y'", "y"),
    ],
)
def test_scalars_are_read_as_helm_reads_them(text: str, wanted: object) -> None:
    assert yamlio.load(f"a: {text}", "test") == {"a": wanted}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2", "twice"),
        ("a: .nan", "NaN"),
        ("a: [", "line"),
        ("\x00", "not YAML"),
        ("a: !!python/object:os.system x", "tag"),
        ("[" * 5000, "deeply"),
        ("&a [" + "x," * 500 + "]\n", ""),
        (BOMB, "too large"),
    ],
)  # fmt: skip
def test_bad_yaml_is_refused(text: str, words: str) -> None:
    if not words:
        yamlio.load_all(text, "f.yaml")
        return
    with pytest.raises(CliError, match=r"Document 1 of f\.yaml") as caught:
        yamlio.load_all(text, "f.yaml")
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("passed", "wanted"),
    [
        (0, "0s"), (119, "119s"), (120, "2m"), (309, "5m9s"), (3600, "60m"), (4 * 3600, "4h"),
        (5 * 3600 + 60, "5h1m"), (30 * 3600, "30h"), (51 * 3600, "2d3h"), (48 * 3600, "2d"),
        (30 * 86400, "30d"), (800 * 86400, "2y70d"), (4000 * 86400, "10y"), (-5, "0s"),
    ],
)  # fmt: skip
def test_ages_are_kubectls(passed: int, wanted: str) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    assert tables.age((now - timedelta(seconds=passed)).isoformat(), now) == wanted


def test_cells_and_widths() -> None:
    assert tables.cell(None) == "<none>"
    assert tables.cell(None, "ready") == "<unknown>"
    assert tables.cell({"a": True, "b": [1, 2]}) == "a=true,b=1,2"
    assert tables.cell("junk", "date") == "<unknown>"
    lines = tables.table(("a", "b"), [("日本", "x\ny"), ("é", "z")]).splitlines()
    assert lines == ["A      B", "日本   x y", "é      z"]
    assert tables.at_path({"metadata": {"labels": {"a.b/c": 1}}}, "metadata.labels.a.b/c") == 1
    assert tables.at_path({"a": [1]}, "a.b") is None


@pytest.mark.parametrize(
    ("sets", "wanted"),
    [
        (["a.b=1,c=x"], {"a": {"b": 1}, "c": "x", "keep": 1}),
        (["l[1].n=v"], {"l": [None, {"n": "v"}], "keep": 1}),
        (["l={a,2}"], {"l": ["a", 2], "keep": 1}),
        (["l={}"], {"l": [], "keep": 1}),
        ([r"a\.b=x\,y"], {"a.b": "x,y", "keep": 1}),
        (["t=true,n=null,z=007,e="], {"t": True, "n": None, "z": "007", "e": "", "keep": 1}),
        (["u=a=b"], {"u": "a=b", "keep": 1}),
        (["keep=2"], {"keep": 2}),
    ],
)
def test_set_follows_helm(sets: list[str], wanted: dict[str, Any]) -> None:
    assert values.with_sets({"keep": 1}, sets, []) == wanted


@pytest.mark.parametrize("item", ["a", "=1", "a..b=1", "a[x]=1", "a[1=2", "a[99999999]=1"])
def test_bad_set_is_a_usage_error(item: str) -> None:
    with pytest.raises(CliError) as caught:
        values.with_sets({}, [item], [])
    assert caught.value.exit_code == 2


def test_set_string_keeps_text_and_base_is_untouched() -> None:
    base: dict[str, Any] = {"a": {"b": 1}}
    assert values.with_sets(base, [], ["a.c=1"]) == {"a": {"b": 1, "c": "1"}}
    assert base == {"a": {"b": 1}}


def test_merge_patch_turns_one_into_the_other() -> None:
    old = {"a": 1, "b": {"c": 1, "d": 2}, "same": [1]}
    new = {"b": {"c": 1, "d": 3}, "same": [1], "e": {}}
    assert values.merge_patch(old, new) == {"a": None, "b": {"d": 3}, "e": {}}


@pytest.mark.parametrize(
    ("url", "insecure", "code"),
    [
        ("https://portal.example", False, None),
        ("http://127.0.0.1:8000", False, None),
        ("http://localhost", False, None),
        ("http://[::1]:1", False, None),
        ("http://portal.example", True, None),
        ("http://portal.example", False, "url_insecure"),
        ("http://localhost.evil.example", False, "url_insecure"),
        ("https://user:secret@portal.example", False, "url_invalid"),
        ("ftp://portal.example", False, "url_invalid"),
        ("portal.example", False, "url_invalid"),
        ("https://portal.example/?q=1", False, "url_invalid"),
        ("https://portal.example\n", False, "url_invalid"),
        ("https://portal.example:bad", False, "url_invalid"),
        ("https://[::1", False, "url_invalid"),
    ],
)
def test_urls(url: str, insecure: bool, code: str | None) -> None:
    if code is None:
        assert session.check_url(url, insecure_http=insecure) == url
        return
    with pytest.raises(CliError) as caught:
        session.check_url(url, insecure_http=insecure)
    assert (caught.value.code, caught.value.exit_code) == (code, 2)
    assert "secret" not in caught.value.message


def test_reason_is_one_safe_header_line() -> None:
    assert session.reason_header("a\r\nX-Evil: 1") == "a X-Evil: 1"
    assert session.reason_header("100% für") == "100%25 f%C3%BCr"


@pytest.mark.parametrize("token", ["a b", "a\nb", "ü", ""])
def test_tokens_that_could_smuggle_a_header_are_refused(token: str) -> None:
    with pytest.raises(CliError):
        session.check_token(token)


@pytest.mark.parametrize(
    ("args", "wanted"),
    [
        (["app", "list", "--context", "a"], ["--context", "a", "app", "list"]),
        (["get", "x", "--reason=why"], ["--reason=why", "get", "x"]),
        (["cluster", "import", "--context", "a"], ["cluster", "import", "--context", "a"]),
        (["--context", "p", "cluster", "import", "--context", "a"],
         ["--context", "p", "cluster", "import", "--context", "a"]),
        (["get", "--", "--context", "a"], ["get", "--", "--context", "a"]),
        (["get", "--context"], ["--context", "get"]),
    ],
)  # fmt: skip
def test_global_options_stand_anywhere(args: list[str], wanted: list[str]) -> None:
    assert hoisted(args) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"), [("90s", 90.0), ("1h30m", 5400.0), ("45", 45.0), ("0", None), ("0s", None)]
)
def test_durations(text: str, wanted: float | None) -> None:
    assert seconds(text) == wanted


@pytest.mark.parametrize("text", ["", "soon", "1d", "-5s", "5m3h"])
def test_bad_durations(text: str) -> None:
    with pytest.raises(CliError):
        seconds(text)


def test_version_is_the_projects() -> None:
    project = Path(__file__).parents[3] / "pyproject.toml"
    assert tomllib.loads(project.read_text())["project"]["version"] == __version__


def test_kubectl_names_its_plugins() -> None:
    assert program_name("/bin/kubectl-kubecarrier") == "kubectl kubecarrier"
    assert program_name("kubecarrier") == "kubecarrier"
