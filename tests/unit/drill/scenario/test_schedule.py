"""Schedules: everything random is decided by the seed."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.drill.scenario.scenario import Inject, Span
from stanlocal.drill.scenario.scenario_file import load_scenario, shipped
from stanlocal.drill.scenario.schedule import length, schedule
from tests.unit.drill.scenarios import scenario

MANY = 200
SEEDS = st.integers(0, 2**64)


@given(SEEDS, st.sampled_from(shipped()))
def test_the_same_seed_gives_the_same_schedule(seed: int, name: str) -> None:
    found = load_scenario(name)
    assert [*islice(schedule(found, seed), MANY)] == [*islice(schedule(found, seed), MANY)]


def test_another_seed_gives_another_schedule() -> None:
    found = load_scenario("chaos-monkey")
    drawn = {tuple(map(str, islice(schedule(found, seed), 20))) for seed in range(10)}
    assert len(drawn) == 10


@given(SEEDS)
def test_repeats_are_unrolled_in_their_order(seed: int) -> None:
    beats = [*schedule(load_scenario("kill-loop"), seed)]
    assert [beat.number for beat in beats] == [*range(1, 41)]
    assert [str(beat.act) for beat in beats] == ["kill @active", "heal"] * 20


@given(SEEDS)
def test_a_range_of_time_is_drawn_from_and_a_fixed_time_is_kept(seed: int) -> None:
    kills = [beat for beat in schedule(load_scenario("kill-loop"), seed) if isinstance(beat.act, Inject)]
    assert all(0.3 <= beat.after_s <= 1.0 for beat in kills)
    freezes = [beat for beat in schedule(load_scenario("pause-active"), seed) if beat.lasts_s is not None]
    assert all(2 <= beat.lasts_s <= 5 for beat in freezes if beat.lasts_s)
    assert {beat.after_s for beat in freezes} == {1.0}


@given(SEEDS)
def test_any_node_is_one_of_the_group_s_and_drawn_each_time(seed: int) -> None:
    beats = islice(schedule(load_scenario("chaos-monkey"), seed), MANY)
    hit = {target for beat in beats if isinstance(beat.act, Inject) for target in beat.act.targets}
    assert hit == {"@active", "@standby", "0", "1", "2"}


def test_a_random_block_draws_by_weight(tmp_path: Path) -> None:
    found = scenario(
        tmp_path,
        """
        [[step]]
        random = true
        repeat = 1000
        [[step.step]]
        do = "wait"
        weight = 9
        [[step.step]]
        do = "heal"
        """,
    )
    heals = sum(str(beat.act) == "heal" for beat in schedule(found, 1))
    assert 50 < heals < 150


@pytest.mark.parametrize("name", shipped())
def test_the_length_is_that_of_the_schedule_where_it_is_known(name: str) -> None:
    found = load_scenario(name)
    steps = length(found.steps)
    if steps is None:
        assert len([*islice(schedule(found, 1), MANY)]) == MANY
    else:
        assert len([*schedule(found, 1)]) == steps


def test_the_length_of_a_random_block_is_known_where_all_it_can_draw_are_as_long(tmp_path: Path) -> None:
    text = "[[step]]\nrandom = true\nrepeat = 5\n[[step.step]]\ndo = 'wait'\n[[step.step]]\ndo = 'heal'\n"
    found = scenario(tmp_path, text)
    assert length(found.steps) == 5
    longer = scenario(tmp_path, f"{text}repeat = 2\n")
    assert length(longer.steps) is None


def test_a_span_of_one_moment_draws_nothing() -> None:
    assert Span(1, 1).fixed
    assert not Span(1, 2).fixed
