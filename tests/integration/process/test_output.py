"""Output is kept over runs and tools, and followed without a loss."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from stanlocal.engine.process.engine import ProcessEngine
from stanlocal.engine.process.supervisor.segments import segment_numbers
from tests.support.output import output_of
from tests.support.processes import IDLE, scripted_group, write_script

COUNT = 400_000


@pytest.mark.parametrize("pause_s", [0.0, 0.005], ids=["fast reader", "slow reader"])
async def test_a_flood_is_followed_without_a_loss_over_rotations(
    engine: ProcessEngine, home: Path, pause_s: float
) -> None:
    plan = await scripted_group(engine, home, "g", f"exec seq -f 'line %.0f {'x' * 60}' 1 {COUNT}")
    numbers: list[int] = []
    async with asyncio.timeout(60), aclosing(engine.attach("g-0")) as batches:
        assert await anext(batches) == []
        await engine.start(plan, "g-0")
        async for batch in batches:
            numbers += [int(line.text.split()[1]) for line in batch]
            await asyncio.sleep(pause_s)
    assert numbers == list(range(1, COUNT + 1))
    log = home / "g" / "processes" / "g-0" / "log"
    assert segment_numbers(str(log))[-1] > 3, "it was rotated"
    last = await engine.tail("g-0", 3)
    assert [int(line.text.split()[1]) for line in last] == [COUNT - 2, COUNT - 1, COUNT]


async def test_a_follower_waits_for_the_next_run_and_ends_with_it(engine: ProcessEngine, home: Path) -> None:
    plan = await scripted_group(engine, home, "g", "echo one")
    await engine.start(plan, "g-0")
    await engine.wait_exit("g-0")
    write_script(plan, plan.nodes[0], "echo two; printf unfinished")
    told: list[str] = []
    async with asyncio.timeout(20), aclosing(engine.attach("g-0")) as batches:
        assert await anext(batches) == []
        await ProcessEngine(home).start(plan, "g-0")
        async for batch in batches:
            told += [line.text for line in batch]
    assert told == ["two", "unfinished"]
    assert [line.text for line in await output_of(engine, "g-0")] == ["one", "two", "unfinished"]


@pytest.mark.parametrize("end", ["remove", "kill"])
async def test_a_follower_ends_with_its_node(engine: ProcessEngine, home: Path, end: str) -> None:
    plan = await scripted_group(engine, home, "g", IDLE)
    await engine.start(plan, "g-0")
    async with asyncio.timeout(20), aclosing(engine.attach("g-0")) as batches:
        assert await anext(batches) == []
        await (engine.remove("g-0") if end == "remove" else engine.signal("g-0", "SIGKILL"))
        async for _ in batches:
            pass


async def test_lines_carry_the_time_at_which_they_came(engine: ProcessEngine, home: Path) -> None:
    plan = await scripted_group(engine, home, "g", "echo early; sleep 0.2; echo late")
    await engine.start(plan, "g-0")
    end = (await engine.wait_exit("g-0")).time
    [instance] = await engine.instances("g")
    early, late = await output_of(engine, "g-0")
    assert instance.started_at is not None
    assert instance.started_at <= early.time <= late.time <= end
    assert (late.time - early.time).total_seconds() > 0.19
