"""A watch over a group: the changes that it sees, and the failures that it survives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from stanlocal.errors import EngineError, WaitTimeout
from stanlocal.faults import healing, injection
from stanlocal.faults.kill import Kill
from stanlocal.faults.pause import Pause
from stanlocal.group.core import Group
from stanlocal.group.watch import Pace, Watch
from stanlocal.history.occurrences import Logged
from stanlocal.logs.event_types import StreamingReady
from stanlocal.logs.follow import Follower
from stanlocal.logs.merge import NodeLine
from stanlocal.model.instance import RawLine
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import GroupState, GroupStatus, LockFacts
from stanlocal.monitor.client import MonitorAnswer
from tests.support.interrupting import Interruptions
from tests.support.world import World


async def reached(group: Group, state: GroupState) -> GroupStatus:
    return await group.wait(lambda status: status.state is state, timeout=3, waiting_for=state.value)


async def test_a_watch_sees_a_failover_as_it_happens(world: World) -> None:
    look = await world.up()
    store = world.machine.stores[look.plan.store_dir]
    seen: list[GroupState] = []
    async with await world.group().watch() as watch, aclosing(watch.changes()) as changes:
        store.held_back = True
        async for status in changes:
            seen.append(status.state)
            match status.state:
                case GroupState.HEALTHY:
                    await injection.inject(world.group(), Kill(), ["t-0"])
                case GroupState.FAILOVER:
                    store.held_back = False
                case GroupState.DEGRADED:
                    break
    assert [state for state in seen if state is not GroupState.RECOVERING] == [
        GroupState.HEALTHY,
        GroupState.FAILOVER,
        GroupState.DEGRADED,
    ]
    assert status.states == {"t-0": "stopped", "t-1": "active"}


async def test_nodes_that_come_and_go_are_followed(world: World) -> None:
    look = await world.up(nodes=3)
    async with await world.group().watch() as watch:
        await world.engine.remove("t-2")
        gone = await watch.until(lambda status: len(status.nodes) == 2, timeout=3, waiting_for="two nodes")
        assert gone.state is GroupState.DEGRADED  # its plan has three nodes
        await world.engine.create(look.plan, look.plan.nodes[2], "")
        await world.engine.start(look.plan, "t-2")
        await watch.until(
            lambda status: status.states == {"t-0": "active", "t-1": "standby", "t-2": "standby"},
            timeout=3,
            waiting_for="three nodes",
        )


async def test_a_node_that_is_replaced_while_its_past_is_read_holds_no_one_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = await world.up()
    begun = asyncio.Event()

    async def endless(follower: Follower, woken: asyncio.Event) -> AsyncGenerator[Sequence[RawLine]]:
        begun.set()
        await asyncio.Event().wait()
        yield ()

    async with await world.group().watch() as watch:
        await watch.caught_up()
        with monkeypatch.context() as patch:
            patch.setattr(Follower, "batches", endless)
            await replaced(world, look.plan)
            await asyncio.wait_for(begun.wait(), 3)
            waiting = asyncio.create_task(watch.caught_up())
            await asyncio.sleep(0)
        await replaced(world, look.plan)
        status = await asyncio.wait_for(waiting, 3)
    assert status.node("t-1").instance.running


async def replaced(world: World, plan: GroupPlan) -> None:
    """Replace the second node by a new one."""
    await world.engine.remove("t-1")
    await world.engine.create(plan, plan.nodes[1], "")
    await world.engine.start(plan, "t-1")


async def test_a_cut_from_outside_is_seen_and_its_end(world: World) -> None:
    """The journal has no record of it, and the servers' logs are silent."""
    look = await world.up()
    async with await world.group().watch() as watch:
        await world.engine.disconnect_routes(look.plan, "t-1")
        await watch.until(lambda status: status.node("t-1").partitioned, timeout=3, waiting_for="the cut")
        await world.engine.rejoin(look.plan, "t-1")
        await watch.until(lambda status: status.state is GroupState.HEALTHY, timeout=3, waiting_for="its end")


async def test_a_record_in_the_journal_makes_the_watch_look_at_the_engine(world: World) -> None:
    """An engine need not send events for what only stanlocal itself can have done."""
    await world.up()
    async with await world.group().watch() as watch:
        world.machine.nodes["t-1"].networks.clear()
        world.home.journal.lock_file_lost("removed")
        await watch.until(lambda status: status.node("t-1").partitioned, timeout=3, waiting_for="the cut")


async def test_events_during_the_engines_absence_are_known_when_it_is_back(world: World) -> None:
    await world.up()
    async with await world.group().watch() as watch:
        with world.machine.losing_engine():
            server = world.machine.nodes["t-0"].server
            assert server is not None
            server.signal("SIGKILL")
            with pytest.raises(WaitTimeout, match="connection to the engine was lost"):
                await watch.until(lambda status: False, timeout=0.02, waiting_for="the engine")
        status = await watch.until(lambda status: status.active == "t-1", timeout=3, waiting_for="t-1")
    assert status.states == {"t-0": "failed", "t-1": "active"}
    assert watch.engine_lost is None


async def test_news_include_faults_and_the_engine_where_no_state_changes(world: World) -> None:
    await world.up()
    async with await world.group().watch() as watch, aclosing(watch.news()) as news:
        await anext(news)
        world.home.journal.lock_file_lost("removed")
        assert (await asyncio.wait_for(anext(news), 3)).state is GroupState.HEALTHY
        with world.machine.losing_engine("the engine is away"):
            while watch.engine_lost is None:
                await asyncio.wait_for(anext(news), 3)
        while watch.engine_lost is not None:
            await asyncio.wait_for(anext(news), 3)


async def test_news_of_an_engine_that_goes_away_do_not_wait_for_the_nodes_output(world: World) -> None:
    await world.up()
    async with await world.group().watch() as watch, aclosing(watch.news()) as news:
        with world.machine.losing_engine("the engine is away"):
            await asyncio.wait_for(anext(news), 3)
            assert str(watch.engine_lost) == "the engine is away"
        while watch.engine_lost is not None:
            status = await asyncio.wait_for(anext(news), 3)
    assert status.state is GroupState.HEALTHY


async def test_every_line_is_reported_once_though_engine_and_nodes_come_and_go(world: World) -> None:
    await world.up()
    seen_lines: list[NodeLine] = []
    ready = asyncio.Event()

    async def follow() -> None:
        async for batch in world.group().follow_logs():
            seen_lines.extend(batch)
            if sum(isinstance(line.line.event, StreamingReady) for line in seen_lines) == 3:
                ready.set()

    follower = asyncio.create_task(follow())
    await injection.inject(world.group(), Kill(), ["t-0"])
    await reached(world.group(), GroupState.DEGRADED)
    with world.machine.losing_engine():
        await asyncio.sleep(0.01)
    await healing.start(world.group(), ["t-0"])
    await reached(world.group(), GroupState.HEALTHY)
    await injection.inject(world.group(), Kill(), ["t-1"])
    await asyncio.wait_for(ready.wait(), 3)
    follower.cancel()
    await asyncio.wait([follower])
    for name, node in world.machine.nodes.items():
        written = [line.text for line in node.output]
        assert [line.line.text for line in seen_lines if line.node == name] == written


async def test_a_wait_that_runs_out_says_how_the_nodes_were(world: World) -> None:
    await world.up()
    await injection.inject(world.group(), Pause(), ["@active"])
    with pytest.raises(WaitTimeout) as caught:
        await world.group().wait(lambda status: False, timeout=0.05, waiting_for="a miracle")
    message = str(caught.value)
    assert message.startswith(
        "a miracle: not reached after 0.05 s (t-0 active, t-1 standby; t-0 is paused and "
    )
    assert caught.value.states == {"t-0": "active", "t-1": "standby"}
    assert any(line.startswith("t-1: ") and "standby mode" in line for line in caught.value.log_tail)


async def test_a_wait_without_engine_says_so(world: World) -> None:
    await world.up()
    async with await world.group().watch() as watch:
        with world.machine.losing_engine("the engine is away"), pytest.raises(WaitTimeout, match="is away"):
            await watch.until(lambda status: False, timeout=0.05, waiting_for="a node")


async def test_a_failure_behind_a_watch_reaches_all_waiters(world: World) -> None:
    await world.up()

    def fail() -> None:
        raise EngineError("the engine refused: no more inspecting")

    broken = Interruptions(world.engine, 4, "before", fail, lasting=True)
    async with await world.group(broken.engine).watch(with_history=True) as watch:
        with pytest.raises(EngineError, match="no more inspecting"):
            await watch.until(lambda status: False, timeout=3, waiting_for="a miracle")
        with pytest.raises(EngineError, match="no more inspecting"):
            async for _ in watch.changes():
                pass
        with pytest.raises(EngineError, match="no more inspecting"):
            async for _ in watch.occurrences():
                pass


async def test_a_watch_that_cannot_begin_leaves_nothing_running(world: World) -> None:
    await world.up()
    watch = await world.group().watch()
    before = asyncio.all_tasks()
    with world.machine.losing_engine("the engine is away"), pytest.raises(EngineError, match="is away"):
        async with watch:
            pass
    assert asyncio.all_tasks() == before


async def test_the_history_is_in_order_and_goes_on(world: World) -> None:
    await world.up()
    await injection.inject(world.group(), Kill(), ["t-0"])
    await reached(world.group(), GroupState.DEGRADED)
    await healing.start(world.group(), ["t-0"])
    await reached(world.group(), GroupState.HEALTHY)
    took_over: list[str] = []
    async with aclosing(world.group().follow_events()) as events:
        last = None
        async for event in events:
            if last is not None and len(took_over) < 1:
                assert event.time >= last
            last = event.time
            if event.type == "failover":
                took_over.append(event.detail["to"])
                if len(took_over) == 1:
                    await injection.inject(world.group(), Kill(), ["t-1"])
                else:
                    break
    assert took_over == ["t-1", "t-0"]


async def test_a_watched_history_holds_occurrences_not_lines(world: World) -> None:
    await world.up()
    async with (
        await world.group().watch(with_history=True) as watch,
        aclosing(watch.occurrences()) as occurrences,
    ):
        kinds = []
        async for occurrence in occurrences:
            kinds.append(type(occurrence.what))
            if isinstance(occurrence.what, Logged) and isinstance(occurrence.what.event, StreamingReady):
                break
    lines = sum(len(node.output) for node in world.machine.nodes.values())
    assert 0 < len(kinds) < lines


async def test_a_run_is_known_although_its_start_was_recorded_late(world: World) -> None:
    """A busy engine records a start after the server has written its first lines."""
    await world.up()
    for node in world.machine.nodes.values():
        node.started_at = datetime.now(UTC)
    status = await reached(world.group(), GroupState.HEALTHY)
    assert status.states == {"t-0": "active", "t-1": "standby"}


async def test_a_restarted_node_is_starting_until_its_log_shows_the_new_run(world: World) -> None:
    """A node's earlier state does not count after a restart, even before the new run's first line."""
    await world.up()
    node = world.machine.nodes["t-0"]
    node.begun_after = datetime.now(UTC)
    status = (await world.group().look()).status
    assert status.states == {"t-0": "starting", "t-1": "standby"}
    assert status.active is None


class Monitors:
    """The monitors of a world's nodes, and the names of those that were asked."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, str | None] = {}
        self.asked: list[str] = []
        self.turns: list[str] = []
        self._world = world
        monkeypatch.setattr("stanlocal.group.observation.ask_role", self._probe)

    async def _probe(self, url: str, timeout: float) -> MonitorAnswer:
        [name] = [
            name
            for name, node in self._world.machine.nodes.items()
            if node.plan is not None and url == node.plan.monitor_url(node.plan.node(name))
        ]
        self.asked.append(name)
        self.turns.append(f"{name} asked")
        await asyncio.sleep(0)
        self.turns.append(f"{name} answers")
        state = self.answers.get(name)
        return MonitorAnswer("answered", state) if state else MonitorAnswer("silent")


@pytest.fixture
def monitors(world: World, monkeypatch: pytest.MonkeyPatch) -> Monitors:
    return Monitors(world, monkeypatch)


def roll_off(world: World, *names: str) -> None:
    """Make these nodes write more than is kept since their last milestones."""
    for name in names:
        node = world.machine.nodes[name]
        time = world.machine.clock()
        node.output[:] = [RawLine(time, f"[1] {time:%Y/%m/%d %H:%M:%S.%f} [DBG] chatter")]


async def test_nodes_that_have_written_more_than_is_kept_are_what_their_monitors_say(
    world: World, monitors: Monitors
) -> None:
    look = await world.up()
    roll_off(world, "t-0", "t-1")
    monitors.answers = {"t-0": "FT_ACTIVE", "t-1": "FT_STANDBY"}
    async with await world.group().watch() as watch:
        status = await watch.caught_up()
        assert (status.states, status.state) == ({"t-0": "active", "t-1": "standby"}, GroupState.HEALTHY)
        assert sorted(monitors.asked) == ["t-0", "t-1"]
        store = world.machine.nodes["t-0"].server
        assert store is not None
        store.store.held_back = True
        await world.engine.signal("t-0", "SIGKILL")
        failover = await watch.until(
            lambda status: not status.node("t-0").instance.running, timeout=3, waiting_for="the end"
        )
        assert failover.state is GroupState.FAILOVER
        store.store.held_back = False
        await watch.until(lambda status: status.active == "t-1", timeout=3, waiting_for="the failover")
        await world.engine.start(look.plan, "t-0")
        await watch.until(lambda status: status.state is GroupState.HEALTHY, timeout=3, waiting_for="both")
    assert watch.status.states == {"t-0": "standby", "t-1": "active"}
    assert watch.status.problem is None


async def test_a_failover_from_a_node_that_has_written_more_than_is_kept_is_found(
    world: World, monitors: Monitors
) -> None:
    """A later look finds it, too: its ready line is gone, but the fault is on record."""
    await world.up()
    roll_off(world, "t-0")
    monitors.answers = {"t-0": "FT_ACTIVE"}
    fault = await injection.inject(world.group(), Kill(), ["@active"])
    seen = await world.group().wait_failover(since=fault.since, timeout=3)
    assert (seen.cause, seen.from_node, seen.to_node) == ("kill", "t-0", "t-1")
    assert await world.group().failovers() == [seen]


async def test_monitors_are_not_asked_where_the_log_shows_the_role(world: World, monitors: Monitors) -> None:
    look = await world.up()
    async with await world.group().watch() as watch:
        await watch.caught_up()
        await world.engine.signal("t-0", "SIGKILL")
        await watch.until(lambda status: status.active == "t-1", timeout=3, waiting_for="the failover")
        await world.engine.start(look.plan, "t-0")
        await watch.until(lambda status: status.state is GroupState.HEALTHY, timeout=3, waiting_for="both")
    assert monitors.asked == []


async def test_a_monitor_that_does_not_answer_is_asked_again(world: World, monitors: Monitors) -> None:
    plan = (await world.up()).plan
    pace = Pace(monitor_s=0.005)
    roll_off(world, "t-0")
    await world.engine.pause("t-0")
    async with Watch(world.engine, plan, world.home.journal, pace=pace) as watch:
        assert (await watch.caught_up()).states == {"t-0": "starting", "t-1": "standby"}
        assert monitors.asked == [], "a frozen node is not asked"
        monitors.answers = {"t-0": "FT_ACTIVE"}
        await world.engine.unpause("t-0")
        await watch.until(lambda status: status.active == "t-0", timeout=3, waiting_for="its answer")
        roll_off(world, "t-1")
    async with Watch(world.engine, plan, world.home.journal, pace=pace) as watch:
        assert (await watch.caught_up()).states == {"t-0": "active", "t-1": "starting"}
        monitors.answers["t-1"] = "FT_STANDBY"
        await watch.until(lambda status: status.state is GroupState.HEALTHY, timeout=3, waiting_for="t-1")


async def test_a_frozen_standby_is_one_although_its_milestones_are_not_kept(world: World) -> None:
    """A node is `starting` after a restart, until a line of its new run is kept."""

    def lock(*_: object) -> LockFacts:
        return LockFacts(visible=True, holder="t-0")

    plan = (await world.up()).plan
    roll_off(world, "t-1")
    await world.engine.pause("t-1")
    async with Watch(world.engine, plan, world.home.journal, lock=lock) as watch:
        status = await watch.caught_up()
        assert (status.states, status.state) == ({"t-0": "active", "t-1": "standby"}, GroupState.DEGRADED)
        world.machine.nodes["t-1"].begun_after = world.machine.clock()
        await watch.refresh()
        assert watch.status.states == {"t-0": "active", "t-1": "starting"}


async def test_a_monitors_answer_does_not_wait_until_the_other_nodes_output_is_read(
    world: World, monitors: Monitors
) -> None:
    plan = (await world.up()).plan
    roll_off(world, "t-0", "t-1")
    world.machine.nodes["t-1"].output *= 500
    monitors.answers = {"t-0": "FT_ACTIVE", "t-1": "FT_STANDBY"}

    def read(lines: Sequence[NodeLine]) -> None:
        monitors.turns.append(f"{lines[0].node} read")

    pace = Pace(monitor_s=60, lines=10)
    async with Watch(world.engine, plan, world.home.journal, on_lines=read, pace=pace) as watch:
        assert (await watch.caught_up()).state is GroupState.HEALTHY
    last_read = len(monitors.turns) - monitors.turns[::-1].index("t-1 read")
    assert monitors.turns.index("t-0 answers") < last_read - 1
    assert monitors.turns.index("t-1 asked") >= last_read


async def test_a_monitors_answer_in_one_run_does_not_count_in_the_next(
    world: World, monitors: Monitors
) -> None:
    await world.up()
    roll_off(world, "t-0")
    monitors.answers = {"t-0": "FT_ACTIVE"}
    async with await world.group().watch() as watch:
        assert (await watch.caught_up()).active == "t-0"
        monitors.answers = {}
        node = world.machine.nodes["t-0"]
        node.started_at = world.machine.clock()  # started again, and has not written a line yet
        await watch.refresh()
        assert watch.status.states == {"t-0": "starting", "t-1": "standby"}
