"""Scenarios from what was done by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from stanlocal.drill.record import recorded_scenario
from stanlocal.drill.scenario.conditions import Condition
from stanlocal.drill.scenario.scenario import NOW, Inject, Span, Step
from stanlocal.errors import Refused
from stanlocal.faults.kill import Kill
from stanlocal.faults.pause import Pause
from stanlocal.faults.stop import RollingRestart
from stanlocal.model.assessment import assess
from stanlocal.model.fault_record import FaultRecord
from stanlocal.model.states import GroupState, GroupStatus, LockFacts, NodeState
from tests.support.facts import at, group_plan, node
from tests.unit.drill.scenarios import scenario

HEALTHY = Condition(GroupState.HEALTHY)


def status(active: str, *others: str, running: bool = True) -> GroupStatus:
    """`active` serves, the others stand by, or do not run."""
    standbys = [
        node(name, NodeState.STANDBY) if running else node(name, status="exited", exit_code=137)
        for name in others
    ]
    facts = sorted([node(active, NodeState.ACTIVE), *standbys], key=lambda each: each.instance.name)
    return assess(facts, LockFacts())


def fault(name: str, *targets: str, since: float, until: float | None, **notes: object) -> FaultRecord:
    """Return a fault that hit a tenth of a second after its request."""
    leaves = None if name == "rolling-restart" else "ended"
    over = None if until is None else at(until)
    return FaultRecord(
        id=f"{name}-{since}",
        name=name,
        targets=targets,
        runs={},
        since=at(since),
        until=None,
        expected=None,
        ends_run=True,
        leaves=leaves,  # type: ignore[arg-type]
        notes=dict(notes),
        effective=True,
        times={target: at(since + 0.1) for target in targets},
        healed=dict.fromkeys(targets, over) if over else {},
        healed_at=over,
    )


def recorded(
    folder: Path,
    faults: Sequence[FaultRecord],
    told: Sequence[tuple[datetime, GroupStatus]],
    nodes: int = 2,
    since: datetime | None = None,
) -> tuple[Step, ...]:
    """The steps of the scenario, read back."""
    steps = scenario(folder, recorded_scenario(group_plan(nodes), faults, told, since)).steps
    assert all(isinstance(step, Step) for step in steps)
    return tuple(step for step in steps if isinstance(step, Step))


HEALTHY_AT_FIRST = (at(0), status("stan-0", "stan-1"))


def test_a_kill_and_its_heal_are_one_step_that_hits_the_role(tmp_path: Path) -> None:
    told = [
        HEALTHY_AT_FIRST,
        (at(5), status("stan-1", "stan-0", running=False)),
        (at(9), status("stan-1", "stan-0")),
    ]
    steps = recorded(tmp_path, [fault("kill", "stan-0", since=4, until=8.1)], told)
    assert steps == (Step(Inject(Kill(), ("@active",), Span(4, 4)), until=HEALTHY),)


def test_the_pause_between_faults_counts_from_when_the_group_was_healthy_again(tmp_path: Path) -> None:
    degraded = status("stan-1", "stan-0", running=False)
    told = [HEALTHY_AT_FIRST, (at(5), degraded), (at(9), status("stan-1", "stan-0")), (at(11.1), degraded)]
    faults = [fault("kill", "stan-0", since=4, until=8.1), fault("kill", "stan-0", since=11, until=None)]
    first, second = recorded(tmp_path, faults, told)
    assert (first.after, first.until) == (NOW, HEALTHY)
    assert second == Step(Inject(Kill(), ("@standby",)), after=Span(2, 2), until=None)


def test_faults_that_overlap_are_ended_by_steps_of_their_own_on_the_nodes_that_they_hit(
    tmp_path: Path,
) -> None:
    faults = [fault("pause", "stan-0", since=1, until=5), fault("kill", "stan-1", since=2, until=7)]
    degraded = (at(1.5), status("stan-0", "stan-1", running=False))
    steps = recorded(tmp_path, faults, [HEALTHY_AT_FIRST, degraded])
    assert [str(step.act) for step in steps] == ["pause 0", "kill 1", "heal 0", "heal 1"]
    assert [step.after.low for step in steps] == [0, 0.9, 2.9, 2]
    assert not any(isinstance(step.act, Inject) and step.act.lasts for step in steps)


def test_a_fault_that_ends_by_itself_has_no_end(tmp_path: Path) -> None:
    told = [HEALTHY_AT_FIRST]
    (step,) = recorded(tmp_path, [fault("rolling-restart", "stan-0", "stan-1", since=1, until=6)], told)
    assert step.act == Inject(RollingRestart(), ("@all",))


def test_nodes_that_were_not_all_of_their_role_are_named_by_index(tmp_path: Path) -> None:
    told = [(at(0), status("stan-0", "stan-1", "stan-2"))]
    (step,) = recorded(tmp_path, [fault("pause", "stan-2", since=1, until=None)], told, nodes=3)
    assert step.act == Inject(Pause(), ("2",))


def test_a_parameter_that_was_given_is_kept(tmp_path: Path) -> None:
    faults = [fault("kill", "stan-0", since=1, until=None, parameters={"signal": "SIGTERM"})]
    (step,) = recorded(tmp_path, faults, [HEALTHY_AT_FIRST])
    assert step.act == Inject(Kill("SIGTERM"), ("@active",))


def test_only_what_was_done_since_then_and_had_an_effect_is_recorded(tmp_path: Path) -> None:
    faults = [
        fault("kill", "stan-0", since=1, until=2),
        replace(fault("kill", "stan-0", since=4, until=5), effective=False),
        fault("pause", "stan-0", since=6, until=None),
    ]
    (step,) = recorded(tmp_path, faults, [HEALTHY_AT_FIRST], since=at(3))
    assert step.act == Inject(Pause(), ("@active",))


def test_where_nothing_was_done_nothing_can_be_recorded() -> None:
    with pytest.raises(Refused, match="no fault on 'stan' to record"):
        recorded_scenario(group_plan(), [], [])
