"""The faults that a command line asks for while a command runs."""

from __future__ import annotations

from random import Random

import pytest

from stanlocal.errors import SettingsError
from stanlocal.testing.run.planned_fault import PlannedFault, draws, plan_faults


def plan(*given: tuple[str, str | float]) -> list[PlannedFault]:
    return plan_faults(given)


def test_each_time_belongs_to_the_fault_before_it() -> None:
    kill, pause = plan(("fault", "kill:@active"), ("every", 5.0), ("fault", "pause::2s"), ("after", 3.0))
    assert (str(kill), kill.lasts_s, kill.first_s, kill.every_s) == ("kill @active", None, 5.0, 5.0)
    assert (str(pause), pause.lasts_s, pause.first_s, pause.every_s) == ("pause @active", 2.0, 3.0, None)


def test_after_says_when_a_repeated_fault_is_first_injected() -> None:
    (kill,) = plan(("fault", "kill"), ("every", 5.0), ("after", 1.0))
    assert (kill.first_s, kill.every_s) == (1.0, 5.0)
    assert kill.next_s(1.0, 2.0) == 6.0


def test_missed_times_are_left_out() -> None:
    (kill,) = plan(("fault", "kill"), ("every", 2.0))
    assert kill.next_s(2.0, 2.1) == 4.0
    assert kill.next_s(2.0, 7.9) == 8.0
    (once,) = plan(("fault", "kill"), ("after", 2.0))
    assert once.next_s(2.0, 3.0) is None


def test_several_targets_are_named_with_commas_and_any_node_is_drawn_by_the_seed() -> None:
    kill, drawn = plan(("fault", "kill:0,@standby"), ("after", 1.0), ("fault", "kill:@any"), ("after", 2.0))
    assert kill.drawn_targets(3, Random(1)) == ("0", "@standby")
    nodes = [drawn.drawn_targets(3, Random(seed)) for seed in range(20)]
    assert nodes == [drawn.drawn_targets(3, Random(seed)) for seed in range(20)]
    assert {node for (node,) in nodes} == {"0", "1", "2"}
    assert (draws([kill]), draws([kill, drawn])) == (False, True)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ([("every", 5.0)], "--every belongs to a fault"),
        ([("fault", "kill"), ("every", 5.0), ("every", 6.0)], "--every is given twice for 'kill'"),
        ([("fault", "kil"), ("every", 5.0)], "no fault 'kil'; did you mean 'kill'?"),
        ([("fault", "kill:@activ"), ("every", 5.0)], "no target '@activ'; did you mean '@active'?"),
        (
            [("fault", "kill:"), ("after", 1.0), ("fault", "pause:@active:two"), ("after", 1.0)],
            "'two' is not a",
        ),
        ([("fault", "pause:@active:-2s"), ("after", 1.0)], "is negative"),
        ([("fault", "restart:@active:2s"), ("after", 1.0)], "restart ends by itself"),
        ([("fault", "kill")], "say when"),
        ([("fault", "kill"), ("every", 0.0)], "at least 0.1 s"),
        ([("fault", "pause"), ("every", 5.0)], "say for how long, as in 'pause:@active:2s'"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    given: list[tuple[str, str | float]], problem: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        plan_faults(given)
    (said,) = refused.value.problems
    assert problem in said


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        plan(("fault", "kil"), ("after", 1.0), ("fault", "pause:@x"))
    assert len(refused.value.problems) == 3
