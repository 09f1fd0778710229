"""Scenarios from TOML: what can be written, and every problem at once."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stanlocal.drill.scenario.conditions import Condition
from stanlocal.drill.scenario.parameters import field_name
from stanlocal.drill.scenario.scenario import (
    Block,
    Heal,
    Inject,
    Span,
    Step,
    Subscribers,
    all_steps,
    with_kills,
)
from stanlocal.drill.scenario.scenario_file import load_scenario, shipped
from stanlocal.errors import SettingsError
from stanlocal.faults.kill import Kill
from stanlocal.faults.registry import FAULTS
from stanlocal.faults.stop import Stop
from stanlocal.model.states import GroupState
from tests.unit.drill.scenarios import scenario

ROOT = Path(__file__).resolve().parents[4]
SHIPPED = {
    "chaos-monkey",
    "disk-full",
    "expire-lock",
    "flaky-network",
    "kill-loop",
    "partition",
    "pause-active",
    "rolling-restart",
}


def problems(folder: Path, text: str) -> list[str]:
    """Return the problems of a scenario that is invalid, without the file's name."""
    with pytest.raises(SettingsError) as refused:
        scenario(folder, text)
    return [problem.removeprefix("mine.toml: ") for problem in refused.value.problems]


@pytest.mark.parametrize("name", shipped())
def test_each_shipped_scenario_can_be_read_and_says_what_it_teaches(name: str) -> None:
    found = load_scenario(name)
    assert found.name == name
    assert found.title
    assert found.teaches
    assert not found.title.endswith(".")


def test_the_promised_scenarios_are_shipped() -> None:
    assert set(shipped()) >= SHIPPED


def test_a_step_has_its_fault_targets_times_and_condition(tmp_path: Path) -> None:
    found = scenario(
        tmp_path,
        """
        [[step]]
        do = "stop"
        targets = ["@standby", "0"]
        grace = "1500ms"
        at = 2
        after = [0.5, "2s"]
        for = "1m"
        until = { state = "healthy", failovers = 1, acked = 10 }
        within = 5
        """,
    )
    (step,) = found.steps
    assert step == Step(
        Inject(Stop(1.5), ("@standby", "0"), Span(60, 60)),
        at=Span(2, 2),
        after=Span(0.5, 2),
        until=Condition(GroupState.HEALTHY, failovers=1, acked=10),
        within_s=5,
    )


def test_a_step_that_repeats_is_a_block_and_steps_can_be_in_steps(tmp_path: Path) -> None:
    found = scenario(
        tmp_path,
        """
        [[step]]
        do = "kill"
        repeat = 3
        [[step]]
        random = true
        [[step.step]]
        do = "heal"
        weight = 4
        [[step.step]]
        do = "stop-subscribers"
        kind = "plain"
        """,
    )
    assert found.steps == (
        Block((Step(Inject(Kill())),), repeat=3),
        Block((Step(Heal(), weight=4), Step(Subscribers(False, "plain"))), random=True),
    )


def test_group_load_and_budget_are_taken_over(tmp_path: Path) -> None:
    found = scenario(
        tmp_path,
        """
        title = "mine"
        teaches = "this\\n and that"
        duration = "1m30s"
        [group]
        nodes = 3
        store_size = "32mb"
        proxied = true
        secure = true
        [load]
        channels = ["a", "b"]
        publishers = 4
        rate = 10
        sizes = 64
        [budget]
        max_outage = 2.5
        max_duplicates = 7
        [[step]]
        do = "wait"
        """,
    )
    assert (found.title, found.teaches, found.duration_s) == ("mine", "this and that", 90)
    assert (found.nodes, found.store_size, found.proxied, found.secure) == (3, "32mb", True, True)
    assert (found.load.channels, found.load.publishers, found.load.rate) == (("a", "b"), 4, 10)
    assert found.load.sizes == (64,)
    assert (found.budget.max_outage, found.budget.max_duplicates, found.budget.max_lost) == (2.5, 7, 0)


def test_the_example_of_the_documentation_can_be_drilled(tmp_path: Path) -> None:
    text = (ROOT / "docs/drills.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    found = scenario(tmp_path, example)
    assert [str(step.act) for step in all_steps(found.steps)] == [
        "stop 2",
        "kill @active",
        "heal",
        "pause @any",
        "restart @active",
    ]


def test_every_shipped_scenario_is_in_the_documentation() -> None:
    text = (ROOT / "docs/drills.md").read_text()
    assert all(f"| `{name}` |" in text for name in shipped())


def test_all_problems_are_reported_at_once_each_with_its_place_and_the_nearest_name(tmp_path: Path) -> None:
    assert problems(
        tmp_path,
        """
        titel = "x"
        [group]
        nodes = 2
        [load]
        publishers = 0
        [budget]
        max_losst = 1
        [[step]]
        do = "kil"
        [[step]]
        do = "kill"
        targets = ["@activ", "7"]
        signal = "SIGHUP"
        untill = "healthy"
        [[step]]
        do = "restart"
        for = 3
        [[step]]
        [[step.step]]
        do = "wait"
        until = "helthy"
        """,
    ) == [
        "load: publishers is 0: give a whole number from 1 to 1000",
        "load: publishers is 0 for 1 channels: each channel needs one",
        "budget: 'max_losst' is not known here; did you mean 'max_lost'?",
        "step 1: no step or fault 'kil'; did you mean 'kill'?",
        "step 2: no target '@activ'; did you mean '@active'?",
        "step 2: no node 7 in a group of 2: they are 0 to 1",
        "step 2: 'untill' is not known here; did you mean 'until'?",
        "step 3: restart ends by itself: leave 'for' out",
        "step 4.1: no state 'helthy' of a group; did you mean 'healthy'?",
        "'titel' is not known here; did you mean 'title'?",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it has no step; write one under [[step]]"),
        ("step = 3", "'step' must be a list of tables, each under [[step]], not 3"),
        ("step = [4]", "step 1: must be a table, not 4"),
        ("[[step]]\nafter = 1", "step 1: it says nothing to do; there are "),
        ("[[step]]\ndo = 'wait'\nafter = -1", "step 1: 'after' must be seconds, or a range such as [0.5, 2]"),
        ("[[step]]\ndo = 'wait'\nafter = [3, 1]", "step 1: 'after' must be seconds, or a range"),
        ("[[step]]\ndo = 'wait'\nrepeat = 0", "step 1: 'repeat' must be a whole number from 1 to 1000000"),
        ("[[step]]\ndo = 'wait'\nuntil = {}", "step 1: 'until' asks for nothing"),
        ("[[step]]\ndo = 'wait'\nuntil = { acked = 'x' }", "step 1 until: 'acked' must be a whole number"),
        ("[[step]]\ndo = 'wait'\nrandom = true", "step 1: 'random' is not known here"),
        ("[[step]]\ndo = 'kill'\nrepeat = 'forever'", "repeat = 'forever' needs a 'duration'"),
        ("[[step]]\ndo = 'kill'\nsignal = 'SIGHUP'", "step 1: SIGHUP does not end a server"),
        ("[group]\nnodes = 1\n[[step]]\ndo = 'kill'\ntargets = '@standby'", "step 1: no node is ever"),
        ("[group]\nnodes = 65\n[[step]]\ndo = 'kill'", "group: 'nodes' must be a whole number from 1 to 64"),
        ("[group]\nstore_size = 'big'\n[[step]]\ndo = 'kill'", "group: 'store_size' is not a size such as"),
        ("[group]\nimage = 'evil'\n[[step]]\ndo = 'kill'", "group: 'image' is not known here"),
    ],
)  # fmt: skip
def test_an_invalid_scenario_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = problems(tmp_path, text)
    assert found.startswith(problem)


def test_steps_nested_too_deeply_are_refused(tmp_path: Path) -> None:
    nested = "".join(f"[[step{'.step' * depth}]]\n" for depth in range(20))
    assert any("nested more than" in problem for problem in problems(tmp_path, f"{nested}do = 'wait'"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("kil-loop", "no scenario 'kil-loop'; did you mean 'kill-loop'?"),
        ("./none.toml", "none.toml: cannot be read: no such file"),
    ],
)
def test_a_scenario_that_there_is_not_is_said_so(name: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_scenario(name)
    assert refused.value.problems[0].startswith(said)


def test_a_file_that_does_not_parse_is_refused_with_line_and_column(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "[[step]]\ndo = ")
    assert ":2:" in found


NAMES = st.sampled_from(
    ("step", "do", "targets", "for", "until", "repeat", "random", "weight", "after", "at", "within", "load",
     "group", "budget", "nodes", "duration", "state", "acked", "kind", "rate", "sizes", "channels", "signal")
)  # fmt: skip
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.sampled_from(("kill", "@any", "healthy", "forever", "5s"))),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(NAMES, ANYTHING, max_size=5))
def test_whatever_a_file_says_it_is_a_scenario_or_refused_with_its_problems(
    tmp_path: Path, values: dict[str, Any]
) -> None:
    said: tuple[str, ...] = ()
    steps: list[Step] = []
    try:
        steps = all_steps(scenario(tmp_path, toml(values)).steps)
    except SettingsError as refused:
        said = refused.problems
    assert bool(said) != bool(steps)


def toml(values: dict[str, Any]) -> str:
    """Format the value as inline TOML."""
    return "\n".join(f"{name} = {_inline(value)}" for name, value in values.items())


def _inline(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case list():
            return f"[{', '.join(map(_inline, value))}]"
        case dict():
            return "{" + ", ".join(f"{name} = {_inline(each)}" for name, each in value.items()) + "}"
    return f"'{value}'"


@pytest.mark.parametrize("name", FAULTS)
def test_every_parameter_of_every_fault_can_be_written_in_a_scenario(tmp_path: Path, name: str) -> None:
    kind = FAULTS[name]
    values = {each.name: each.default for each in fields(kind)}  # type: ignore[arg-type]
    written = {field_name(each): value for each, value in values.items() if value is not None}
    found = scenario(tmp_path, f"[[step]]\ndo = '{name}'\n{toml(written)}")
    assert found.steps == (Step(Inject(kind())),)


def test_no_parameter_of_a_fault_has_the_name_of_a_step_s_own_field() -> None:
    own = {"do", "targets", "for", "at", "after", "until", "within", "repeat", "random", "weight", "step"}
    names = {field_name(each.name) for kind in FAULTS.values() for each in fields(kind)}  # type: ignore[arg-type]
    assert not own & names


def test_the_number_of_kills_of_a_kill_loop_can_be_set() -> None:
    (block,) = with_kills(load_scenario("kill-loop"), 3).steps
    assert isinstance(block, Block)
    assert block.repeat == 3


def test_kills_cannot_be_counted_where_a_scenario_does_not_kill_over_and_over() -> None:
    with pytest.raises(SettingsError, match="does not kill @active over and over"):
        with_kills(load_scenario("partition"), 3)
