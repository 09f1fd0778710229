"""The clock of a replay, on a time that the test moves."""

from __future__ import annotations

import asyncio

from stanlocal.tui.replay.clock import ReplayClock


class Time:
    """A time that passes only when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_position_follows_time_and_speed_and_ends_with_the_drill() -> None:
    time = Time()
    clock = ReplayClock(60.0, now=time)
    time.now += 2
    assert clock.position == 2
    clock.change_speed(1)
    time.now += 2
    assert (clock.speed, clock.position) == (2, 6)
    clock.go_or_stop()
    time.now += 50
    assert (clock.running, clock.position) == (False, 6)
    clock.go_or_stop()
    time.now += 50
    assert clock.position == 60
    clock.begin_again()
    assert clock.position == 0


def test_speeds_end_at_the_slowest_and_at_the_fastest() -> None:
    clock = ReplayClock(1.0)
    for _ in range(20):
        clock.change_speed(-1)
    assert clock.speed == 0.1
    for _ in range(20):
        clock.change_speed(1)
    assert clock.speed == 60


async def test_a_step_leads_to_the_moment_that_is_waited_for_and_stops_there() -> None:
    clock = ReplayClock(3600.0, now=Time())
    waiting = asyncio.create_task(clock.until(600.0))
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.step()
    async with asyncio.timeout(30):
        await waiting
    assert (clock.position, clock.running) == (600.0, False)
    clock.step()
    assert clock.position == 600.0, "nothing is waited for"


async def test_a_faster_clock_ends_a_wait_that_began_slowly() -> None:
    clock = ReplayClock(3600.0)
    clock.change_speed(-3)
    waiting = asyncio.create_task(clock.until(30.0))
    await asyncio.sleep(0)
    for _ in range(7):
        clock.change_speed(1)
    async with asyncio.timeout(30):
        await waiting
    assert clock.position >= 30.0
