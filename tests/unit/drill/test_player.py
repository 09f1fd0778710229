"""Steps taken one by one, on a group and a load that only say what was asked of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from stanlocal.api import FTGroup
from stanlocal.drill.ledger.entries import Header
from stanlocal.drill.ledger.reader import read
from stanlocal.drill.ledger.writer import Ledger
from stanlocal.drill.load.load import Load
from stanlocal.drill.load.load_meter import LoadStats
from stanlocal.drill.player import Player
from stanlocal.drill.scenario.schedule import schedule
from stanlocal.drill.scenario.spec import LoadSpec
from stanlocal.drill.witness import Witness
from stanlocal.errors import GroupError, StanError, StanlocalError
from stanlocal.faults.base import Fault
from stanlocal.model.states import GroupState, GroupStatus
from tests.unit.drill.scenarios import scenario


@dataclass
class Stage:
    """Stands for group, injected fault, load and witness at once, and remembers what it was asked."""

    asked: list[str] = field(default_factory=list)
    stats_now: LoadStats = field(default_factory=LoadStats)
    status: GroupStatus = field(default_factory=lambda: GroupStatus((), GroupState.HEALTHY, None, None, None))
    failovers: int = 0
    failure: StanlocalError | None = None
    refuses: GroupError | None = None
    looked: asyncio.Event = field(default_factory=asyncio.Event)

    async def inject(self, fault: Fault, *targets: str, for_s: float | None = None) -> Stage:
        if self.refuses is not None:
            raise self.refuses
        self.asked.append(
            " ".join([fault.name, *targets, *([f"for {for_s:g}"] if for_s is not None else [])])
        )
        return self

    async def heal(self, *targets: str) -> None:
        self.asked.append(" ".join(["heal", *targets]))

    def stats(self) -> LoadStats:
        return self.stats_now

    async def look(self) -> GroupStatus:
        self.asked.append("look")
        self.looked.set()
        return self.status

    def start_publishers(self) -> None:
        self.asked.append("start-publishers")

    async def stop_publishers(self) -> None:
        self.asked.append("stop-publishers")

    async def start_subscribers(self, kind: str) -> None:
        self.asked.append(f"start-subscribers {kind}")

    async def stop_subscribers(self, kind: str) -> None:
        self.asked.append(f"stop-subscribers {kind}")


@pytest.fixture
def stage() -> Stage:
    return Stage()


@dataclass
class Playing:
    """A player on the stage, and its ledger."""

    folder: Path
    stage: Stage
    ledger: Ledger

    async def play(self, text: str, duration_s: float | None = None) -> None:
        part: Any = self.stage
        player = Player(
            cast(FTGroup, part), cast(Load, part), cast(Witness, part), self.ledger, lambda line: None
        )
        await player.play(schedule(scenario(self.folder, text), 1), duration_s)

    def noted(self, kind: str) -> list[dict[str, Any]]:
        return [dict(note.fields) for note in read(self.ledger.path).notes() if note.kind == kind]


@pytest.fixture
async def playing(tmp_path: Path, stage: Stage) -> AsyncIterator[Playing]:
    with Ledger.create(tmp_path / "ledger", Header(LoadSpec())) as ledger:
        yield Playing(tmp_path, stage, ledger)


async def test_steps_are_taken_in_order_and_noted(playing: Playing) -> None:
    await playing.play(
        """
        [[step]]
        do = "pause"
        targets = ["@active", "1"]
        for = 0
        [[step]]
        do = "stop-publishers"
        [[step]]
        do = "stop-subscribers"
        kind = "plain"
        [[step]]
        do = "start-subscribers"
        kind = "plain"
        [[step]]
        do = "start-publishers"
        [[step]]
        do = "heal"
        targets = "0"
        [[step]]
        do = "wait"
        until = "healthy"
        """
    )
    assert playing.stage.asked == [
        "pause @active 1 for 0",
        "heal",
        "stop-publishers",
        "stop-subscribers plain",
        "start-subscribers plain",
        "start-publishers",
        "heal 0",
        "look",
    ]
    assert [note["number"] for note in playing.noted("step")] == [*range(1, 8)]
    assert playing.noted("step")[0]["step"] == "pause @active 1 for 0 s"
    assert playing.noted("problem") == []


async def test_a_condition_counts_from_the_beginning_of_its_step(playing: Playing, stage: Stage) -> None:
    stage.stats_now = LoadStats(acked=1000)
    task = asyncio.create_task(playing.play("[[step]]\ndo = 'kill'\nuntil = { acked = 5, failovers = 1 }"))
    await stage.looked.wait()
    stage.stats_now, stage.failovers = LoadStats(acked=1004), 1
    done, _ = await asyncio.wait([task], timeout=0.05)
    assert not done
    stage.stats_now = LoadStats(acked=1005)
    await asyncio.wait_for(task, 1)
    assert playing.noted("problem") == []


async def test_a_condition_that_is_not_reached_ends_the_drill_as_a_problem(playing: Playing) -> None:
    await playing.play("[[step]]\ndo = 'kill'\nuntil = 'blocked'\nwithin = 0.01\n[[step]]\ndo = 'heal'\n")
    assert playing.noted("problem") == [
        {
            "text": "step 1 (kill @active): blocked: not reached within 0.01 s "
            "(the group is healthy, not blocked)"
        }
    ]
    assert "heal" not in playing.stage.asked


async def test_a_fault_that_cannot_be_ends_the_drill_as_a_problem(playing: Playing, stage: Stage) -> None:
    stage.refuses = GroupError("no node is active now")
    await playing.play("[[step]]\ndo = 'kill'\n[[step]]\ndo = 'heal'\n")
    assert playing.noted("problem") == [{"text": "step 1 (kill @active): no node is active now"}]
    assert stage.asked == []


async def test_a_load_that_cannot_go_on_ends_a_wait_at_once(playing: Playing, stage: Stage) -> None:
    stage.failure = StanError("client 'p' of the load is lost")
    await playing.play("[[step]]\ndo = 'wait'\nuntil = { acked = 1 }\nwithin = '1h'")
    assert playing.noted("problem") == [{"text": "step 1 (wait): client 'p' of the load is lost"}]


async def test_no_step_is_taken_after_the_drill_s_duration(playing: Playing, stage: Stage) -> None:
    await playing.play("[[step]]\ndo = 'kill'\n[[step]]\ndo = 'kill'\nafter = 100\n", duration_s=0.5)
    assert stage.asked == ["kill"]


async def test_a_step_waits_for_its_moment_and_a_moment_that_has_passed_is_now(playing: Playing) -> None:
    clock = asyncio.get_running_loop().time
    begun = clock()
    await playing.play("[[step]]\ndo = 'wait'\nat = 0.1\n[[step]]\ndo = 'wait'\nat = 0.05\nafter = 0.02\n")
    assert 0.12 <= clock() - begun < 1


async def test_steps_without_end_are_taken_until_the_time_is_over(playing: Playing, stage: Stage) -> None:
    text = "duration = 0.5\n[[step]]\ndo = 'heal'\nafter = 0.1\nrepeat = 'forever'\n"
    await playing.play(text, duration_s=0.5)
    assert 1 <= len(stage.asked) <= 5
