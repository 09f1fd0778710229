"""A drill while it runs, as lines for a terminal."""

from __future__ import annotations

from collections import deque

import pytest
from rich.console import Console

from stanlocal.cli.drill_live import picture
from stanlocal.drill.load.load_meter import LoadStats
from stanlocal.drill.progress import Progress
from stanlocal.model.assessment import assess
from stanlocal.model.states import LockFacts, NodeState
from tests.support.facts import node

STATUS = assess([node("stan-0", NodeState.ACTIVE, "paused"), node("stan-1", NodeState.STANDBY)], LockFacts())


def shown(progress: Progress, *lines: str) -> list[str]:
    """Render on a terminal of 80 columns without colour."""
    console = Console(width=80, no_color=True)
    with console.capture() as capture:
        console.print(picture(progress, deque(lines)))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_step_roles_fault_rates_and_worst_outage_are_shown_without_colour_within_80_columns() -> None:
    load = LoadStats(
        acked=12345,
        delivered=24690,
        ack_rate=200.4,
        delivery_rate=401,
        outage=1.25,
        worst_outage=3.5,
        missing=7,
    )
    progress = Progress(
        "pause @active for 3 s", 65, 3, 10, status=STATUS, faults=("pause stan-0",), failovers=2, load=load
    )
    assert shown(progress, "step 2: heal", "step 3: pause @active for 3 s") == [
        "██████░░░░░░░░░░░░░░░░░░░░░░░░  20%  1:05  step 3 of 10",
        "pause @active for 3 s",
        "stan-0 active paused   stan-1 standby",
        "fault in force: pause stan-0",
        "acked 12,345 (200/s)   delivered 24,690 (401/s)   missing 7",
        "failovers 2   worst outage 3.50 s   no ack for 1.25 s",
        "  step 2: heal",
        "  step 3: pause @active for 3 s",
    ]


def test_before_the_group_is_up_only_the_current_work_is_shown() -> None:
    assert shown(Progress("starting stan-0"), "starting 2 nodes", "starting stan-0") == [
        "starting stan-0",
        "  starting 2 nodes",
    ]


@pytest.mark.parametrize(
    ("progress", "share"),
    [
        (Progress("x", elapsed_s=30, duration_s=60), 0.5),
        (Progress("x", elapsed_s=90, duration_s=60), 1.0),
        (Progress("x", steps=3, of_steps=4), 0.5),
        (Progress("x", steps=0, of_steps=4), 0.0),
        (Progress("x", steps=3), None),
    ],
)
def test_progress_is_shown_by_time_or_steps_where_it_is_known(
    progress: Progress, share: float | None
) -> None:
    assert progress.share == share
