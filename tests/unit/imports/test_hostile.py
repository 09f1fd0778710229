"""Files made to hang their reader: each is read or refused at once, in one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.drill.scenario.scenario_file import load_scenario
from stanlocal.errors import SettingsError
from stanlocal.imports.reading import read
from stanlocal.imports.yamltree import YamlText, YamlTree
from stanlocal.natsconf import ConfError, Limits, Value, parse
from stanlocal.settings import load, resolve
from tests.support.cost import processor_time_below
from tests.support.hostile import NATS, TOML, YAML, Make
from tests.support.hostile_manifests import MANIFESTS

pytestmark = pytest.mark.huge

AT_MOST_S = 1.0
"""Limit of processor time, so that a busy machine changes nothing."""
LONGEST_LINE = 2_500
_VALUES = 10_000


def cases(of: dict[str, Make]) -> list[pytest.param]:  # type: ignore[valid-type]
    return [pytest.param(make, id=name.replace(" ", "-").replace(",", "")) for name, make in of.items()]


def problems_at_once(act: Callable[[], object]) -> Sequence[str]:
    """Return why the act is refused, if it is; fail if that takes too long or raises anything else."""
    with processor_time_below(AT_MOST_S):
        try:
            act()
            problems: Sequence[str] = ()
        except SettingsError as error:
            problems = error.problems
    assert not any("\n" in problem or len(problem) > LONGEST_LINE for problem in problems)
    return problems


def _run(path: Path, environ: dict[str, str]) -> None:
    imported = read(path, environ)
    assert all(len(str(finding)) < LONGEST_LINE for finding in imported.findings)
    resolve([imported.layer])


@pytest.mark.parametrize("make", cases(dict(NATS)))
def test_a_hostile_configuration_is_read_or_refused_at_once(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "stan.conf"
    path.write_text(make())
    (tmp_path / "a").write_text("")
    (tmp_path / "deep").write_text("b: {" * 60 + "include 'deeper'" + "}" * 60)
    (tmp_path / "deeper").write_text("c: {" * 60 + "}" * 60)
    problems_at_once(lambda: _run(path, {"LONG": "[" + "1," * 9_000 + "1 ]"}))


@pytest.mark.parametrize("make", cases(dict(YAML)))
def test_hostile_documents_are_read_or_refused_at_once(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "stan.yaml"
    path.write_text(make())
    problems_at_once(lambda: _run(path, {}))


@pytest.mark.parametrize("make", cases(dict(MANIFESTS)))
def test_hostile_manifests_are_read_or_refused_at_once(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "stan.yaml"
    path.write_text(make())
    problems_at_once(lambda: _run(path, {}))


@pytest.mark.parametrize("make", cases(dict(TOML)))
def test_hostile_settings_are_read_or_refused_at_once(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "stanlocal.toml"
    path.write_text(make())
    problems_at_once(lambda: load({}, {}, path, tmp_path))


@pytest.mark.parametrize("make", cases(dict(TOML)))
def test_hostile_scenarios_are_refused_at_once(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "hostile.toml"
    path.write_text(make())
    assert problems_at_once(lambda: load_scenario(path))


@pytest.mark.parametrize(
    "text",
    [
        f"[[step]]\ndo = 'kill'\ntargets = ['{'1' * 100_000}']\n",
        f"[load]\nwindow = 0x{'f' * 100_000}\n",
        f"[load]\nrate = 0x{'f' * 100_000}\n",
        f"duration = 0x{'f' * 100_000}\n",
        "[[step]]\ndo = 'kill'\nx = 1\n" * 3_000,
    ],
    ids=["target", "window", "rate", "duration", "names"],
)
def test_a_scenario_with_numbers_without_end_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.toml"
    path.write_text(text)
    assert problems_at_once(lambda: load_scenario(path))


def test_a_billion_values_are_refused_where_they_are_named() -> None:
    with pytest.raises(ConfError) as caught:
        parse(NATS["doubling lists"]())
    assert str(caught.value) == (f"stan.conf:14:13: with its variables there are more than {_VALUES} values")


def test_variables_do_not_nest_deeper_than_brackets() -> None:
    with pytest.raises(ConfError, match="with its variables tables and lists are nested too deeply"):
        parse(NATS["nesting through lists"]())


def _values(value: Value) -> int:
    if isinstance(value, dict):
        return 1 + sum(_values(entry.value) for entry in value.values())
    return 1 + sum(map(_values, value)) if isinstance(value, list) else 1


_LINKS = st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=4), min_size=1, max_size=30)


@given(_LINKS, st.booleans())
def test_the_size_of_variables_is_within_the_limits(links: list[list[int]], in_tables: bool) -> None:
    lines = []
    for number, targets in enumerate(links):
        words = [f"$v{target}" if target < number else "x" for target in targets]
        items = (f"{{{', '.join(f'k{at}: {word}' for at, word in enumerate(words))}}}") if in_tables else None
        lines.append(f"v{number}: {items or '[' + ', '.join(words) + ' ]'}\n")
    limits = Limits(values=500)
    try:
        tree = parse("".join(lines), limits=limits)
    except ConfError:
        return
    assert _values(tree) - 1 <= limits.values


@given(_LINKS, st.sampled_from(["[{}]", "{{<<: [{}]}}", "{{a: {{}}, <<: [{}]}}"]))
def test_the_size_of_aliases_is_within_the_limits(links: list[list[int]], form: str) -> None:
    lines = []
    for number, targets in enumerate(links):
        words = [f"*a{target}" if target < number else "{x: y}" for target in targets]
        lines.append(f"v{number}: &a{number} {form.format(', '.join(words))}\n")
    try:
        (document,) = YamlTree(YamlText("".join(lines), "f")).documents()
    except SettingsError:
        return
    assert _values(document.value) <= _VALUES


def test_a_variable_of_the_environment_is_read_once_and_counted_each_time() -> None:
    text = "a: [" + "$E," * 20 + "1 ]"
    with pytest.raises(ConfError, match="with its variables there are more than 100 values"):
        parse(text, environ={"E": "[1, 1, 1, 1, 1, 1 ]"}, limits=Limits(values=100))


def test_a_login_in_a_long_word_is_hidden() -> None:
    from stanlocal.settings import redacted

    assert redacted({"a": "x" * 100_000 + "://user:word@host"})["a"].endswith("x://user:********@host")
