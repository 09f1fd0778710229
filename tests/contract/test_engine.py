"""The promises of `stanlocal.engine.base`, tested on every engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from stanlocal.engine.base import Engine
from stanlocal.errors import EngineError, ImageNotFound, NameConflict, NodeNotFound, NodePaused, PortInUse
from stanlocal.model.instance import EngineEvent, Instance, RawLine
from stanlocal.model.plan import GroupPlan, fingerprint
from tests.contract.rigs import Rig, stream
from tests.support.output import output_of

CLOCKS = timedelta(seconds=1)
"""Tolerated difference between the engine's clock and the test's."""


async def only(rig: Rig) -> Instance:
    (instance,) = await rig.engine.instances(rig.group)
    return instance


def needs_names(rig: Rig) -> None:
    if not rig.shares_names:
        pytest.skip("nothing else has names here")


# Information


async def test_an_engine_describes_itself(rig: Rig) -> None:
    info = await rig.engine.info()
    assert (info.name, rig.engine.placement.engine) == (rig.engine.name, rig.engine.name)
    assert info.version
    assert info.address
    assert info.architecture in ("amd64", "arm64", "arm", "386")


async def test_a_group_that_does_not_exist_has_no_nodes(rig: Rig) -> None:
    assert rig.group not in await rig.engine.groups()
    assert await rig.engine.instances(rig.group) == []


@pytest.mark.needs("apart")
async def test_a_group_is_known_from_its_networks_on_until_it_is_cleaned_up(rig: Rig) -> None:
    plan = rig.plan()
    for _ in range(2):
        await rig.engine.prepare(plan)
        assert rig.group in await rig.engine.groups()
        assert await rig.engine.instances(rig.group) == []
    for _ in range(2):
        await rig.engine.clean(rig.group)
        assert rig.group not in await rig.engine.groups()


async def test_the_last_nodes_go_with_what_they_shared(rig: Rig) -> None:
    plan = rig.plan(2)
    await rig.start(plan)
    for _ in range(2):
        await rig.engine.clean(rig.group, [node.name for node in plan.nodes])
        assert rig.group not in await rig.engine.groups()
        assert await rig.engine.instances(rig.group) == []


async def test_only_pods_of_a_cluster_are_reached_through_ports_that_are_opened_first(rig: Rig) -> None:
    assert (rig.engine.forwarding(rig.plan(), {}) is None) == (rig.engine.name != "kubernetes")


@pytest.mark.needs("apart")
async def test_a_node_that_was_made_does_not_run(rig: Rig) -> None:
    plan = rig.plan()
    await rig.create(plan)
    node = await only(rig)
    assert (node.group, node.name, node.index) == (rig.group, plan.nodes[0].name, 0)
    assert (node.status, node.running, node.pid, node.error) == ("created", False, None, None)
    assert (node.started_at, node.finished_at, node.exit_code) == (None, None, None)
    assert (node.routes_connected, node.clients_connected) == (True, True)
    assert node.id


@pytest.mark.needs("apart")
async def test_plan_and_fingerprint_are_found_by_any_later_process(rig: Rig) -> None:
    plan = rig.plan(2)
    await rig.create(plan)
    later = rig.connect()
    found = await later.instances(rig.group)
    await later.close()
    assert [node.plan for node in found] == [plan, plan]
    assert [node.fingerprint for node in found] == [fingerprint(plan, node, "") for node in plan.nodes]


@pytest.mark.needs("apart")
async def test_nodes_are_listed_in_the_order_of_their_index(rig: Rig) -> None:
    plan = rig.plan(11)
    first, second, last = (plan.nodes[index].name for index in (0, 2, 10))
    for name in (last, first, second):
        await rig.create(plan, name)
    assert [node.name for node in await rig.engine.instances(rig.group)] == [first, second, last]


async def test_another_user_sees_and_touches_nothing(rig: Rig) -> None:
    if not rig.shares_users:
        pytest.skip("every user has an engine of their own")
    plan = await rig.started()
    before = await only(rig)
    other = rig.connect_as_another_user()
    assert rig.group not in await other.groups()
    assert await other.instances(rig.group) == []
    with pytest.raises(NodeNotFound):
        await other.signal(before.name, "SIGKILL")
    with pytest.raises(NodeNotFound):
        await other.stop(before.name, 0)
    with pytest.raises(NameConflict):
        await other.create(plan, plan.nodes[0], "")
    with pytest.raises(NameConflict):
        await other.prepare(plan)
    await other.remove(before.name)
    await other.clean(rig.group)
    await other.close()
    assert await only(rig) == before
    assert rig.group in await rig.engine.groups()


# Names, images and ports


async def test_a_foreign_container_of_the_same_name_is_left_as_it_is(rig: Rig) -> None:
    needs_names(rig)
    plan = rig.plan()
    name = plan.nodes[0].name
    await rig.engine.prepare(plan)
    async with rig.foreign_container(name) as seen:
        before = seen()
        with pytest.raises(NameConflict, match=f"'{name}'") as caught:
            await rig.engine.create(plan, plan.nodes[0], "")
        assert caught.value.name == name
        with pytest.raises(NodeNotFound):
            await rig.engine.signal(name, "SIGKILL")
        await rig.engine.remove(name)
        assert seen() == before
        assert await rig.engine.instances(rig.group) == []


async def test_a_foreign_network_of_the_same_name_is_left_as_it_is(rig: Rig) -> None:
    needs_names(rig)
    plan = rig.plan()
    for name in (plan.client_network, plan.cluster_network):
        async with rig.foreign_network(name) as seen:
            before = seen()
            with pytest.raises(NameConflict) as caught:
                await rig.engine.prepare(plan)
            assert caught.value.name == name
            await rig.engine.clean(rig.group)
            assert seen() == before


@pytest.mark.needs("apart")
async def test_a_node_that_is_there_already_is_not_made_again(rig: Rig) -> None:
    plan = rig.plan()
    await rig.create(plan)
    before = await only(rig)
    with pytest.raises(NameConflict):
        await rig.engine.create(plan, plan.nodes[0], "other")
    assert await only(rig) == before


async def test_an_image_that_is_gone_makes_no_node(rig: Rig) -> None:
    needs_names(rig)
    plan = replace(rig.plan(), image="stanlocal.invalid/none:1")
    if hasattr(rig, "machine"):
        rig.machine.missing_images.add(plan.image)
    await rig.engine.prepare(plan)
    with pytest.raises(ImageNotFound):
        await rig.engine.create(plan, plan.nodes[0], "")
    assert await rig.engine.instances(rig.group) == []


@pytest.mark.needs("apart")
async def test_a_port_that_is_taken_is_named_and_the_node_starts_once_it_is_free(rig: Rig) -> None:
    plan = rig.plan()
    (node,) = plan.nodes
    await rig.create(plan)
    with rig.taken(node.client_port), pytest.raises(PortInUse) as caught:
        await rig.engine.start(plan, node.name)
    assert caught.value.port == node.client_port
    assert not (await only(rig)).running
    await rig.engine.start(plan, node.name)
    assert (await only(rig)).status == "running"


# Runs


async def test_a_node_that_was_started_runs(rig: Rig) -> None:
    before = datetime.now(UTC)
    await rig.started()
    node = await only(rig)
    assert (node.status, node.running, node.exit_code, node.finished_at) == ("running", True, None, None)
    assert node.started_at is not None
    assert before - CLOCKS < node.started_at < datetime.now(UTC) + CLOCKS


async def test_starting_a_node_that_runs_changes_nothing(rig: Rig) -> None:
    plan = await rig.started()
    before = await only(rig)
    await rig.engine.start(plan, before.name)
    assert await only(rig) == before


@pytest.mark.needs("apart")
async def test_a_killed_node_ends_with_137_at_a_reported_time(rig: Rig) -> None:
    plan = await rig.started()
    name = plan.nodes[0].name
    waiting = asyncio.create_task(rig.engine.wait_exit(name))
    await asyncio.sleep(0)
    asked = datetime.now(UTC)
    await rig.engine.signal(name, "SIGKILL")
    end = await waiting
    node = await only(rig)
    assert (end.code, node.exit_code, node.status, node.running) == (137, 137, "exited", False)
    assert end.time == node.finished_at
    assert asked - CLOCKS < end.time < datetime.now(UTC) + CLOCKS
    assert await rig.engine.wait_exit(name) == end


@pytest.mark.needs("apart")
async def test_a_stopped_node_logs_its_shutdown_and_ends_with_143(rig: Rig) -> None:
    plan = await rig.started()
    name = plan.nodes[0].name
    await rig.engine.stop(name, 10)
    node = await only(rig)
    assert (node.status, node.exit_code) == ("exited", 143)
    assert "Shutting down." in "".join(line.text for line in await output_of(rig.engine, name))


@pytest.mark.needs("apart")
async def test_calls_on_a_node_that_has_ended_have_no_effect(rig: Rig) -> None:
    plan = await rig.started()
    name = plan.nodes[0].name
    await rig.engine.stop(name, 10)
    before = await only(rig)
    await rig.engine.signal(name, "SIGKILL")
    await rig.engine.stop(name, 10)
    await rig.engine.unpause(name)
    assert await only(rig) == before
    with pytest.raises(EngineError):
        await rig.engine.pause(name)


@pytest.mark.needs("apart")
async def test_a_node_that_has_ended_starts_again(rig: Rig) -> None:
    plan = await rig.started()
    name = plan.nodes[0].name
    await rig.engine.signal(name, "SIGKILL")
    await rig.engine.wait_exit(name)
    before = await only(rig)
    await rig.engine.start(plan, name)
    node = await only(rig)
    assert (node.id, node.status, node.exit_code, node.finished_at) == (before.id, "running", None, None)
    assert node.started_at is not None
    assert before.finished_at is not None
    assert node.started_at > before.finished_at


async def test_a_held_node_stays_ended_until_it_is_started(rig: Rig) -> None:
    plan = await rig.started(2)
    name, other = (node.name for node in plan.nodes)
    await rig.engine.admit(rig.group, [name], holds=True)
    for _ in range(2):
        await rig.engine.hold(plan, [name])
    await rig.engine.stop(name, 10)
    assert (await rig.engine.wait_exit(name)).code in (0, 143)
    found = {node.name: node for node in await rig.engine.instances(rig.group)}
    assert {each: node.running for each, node in found.items()} == {name: False, other: True}
    assert found[name].status == "exited"
    await rig.engine.release(plan, [name])
    await rig.engine.start(plan, name)
    assert all(node.running for node in await rig.engine.instances(rig.group))


async def test_a_group_of_the_callers_own_may_be_changed(rig: Rig) -> None:
    plan = await rig.started()
    await rig.engine.check_owned(rig.group)
    await rig.engine.admit(rig.group, [plan.nodes[0].name], holds=False)
    await rig.engine.check_owned(f"{rig.group}-other")


@pytest.mark.needs("signal")
async def test_a_signal_that_ends_nothing_reaches_the_server(rig: Rig) -> None:
    plan = await rig.started()
    await rig.engine.signal(plan.nodes[0].name, "SIGHUP")
    await rig.seen(plan.nodes[0].name, "Reloaded server configuration")
    assert (await only(rig)).status == "running"


async def test_an_unknown_signal_is_refused(rig: Rig) -> None:
    plan = await rig.started()
    with pytest.raises(EngineError):
        await rig.engine.signal(plan.nodes[0].name, "SIGNONSENSE")


@pytest.mark.parametrize(
    "act",
    [
        lambda engine, node: engine.signal(node, "SIGKILL"),
        lambda engine, node: engine.stop(node, 0),
        lambda engine, node: engine.wait_exit(node),
        pytest.param(lambda engine, node: engine.pause(node), marks=pytest.mark.needs("freeze")),
        pytest.param(lambda engine, node: engine.unpause(node), marks=pytest.mark.needs("freeze")),
        lambda engine, node: anext(engine.output(node)),
        lambda engine, node: engine.tail(node, 1),
        lambda engine, node: anext(engine.attach(node)),
    ],
    ids=["signal", "stop", "wait_exit", "pause", "unpause", "output", "tail", "attach"],
)
async def test_a_node_that_is_not_there_is_not_found(
    rig: Rig, act: Callable[[Engine, str], Awaitable[object]]
) -> None:
    with pytest.raises(NodeNotFound):
        await act(rig.engine, f"{rig.group}-0")


# Freezing


@pytest.mark.needs("freeze")
async def test_a_frozen_node_stands_still_until_it_is_thawed(rig: Rig) -> None:
    plan = await rig.started()
    name = plan.nodes[0].name
    for _ in range(2):
        await rig.engine.pause(name)
        node = await only(rig)
        assert (node.status, node.running, node.exit_code) == ("paused", True, None)
    for _ in range(2):
        await rig.engine.unpause(name)
        assert (await only(rig)).status == "running"


@pytest.mark.needs("freeze")
@pytest.mark.parametrize(("signal", "code"), [("SIGKILL", 137), ("SIGTERM", 143)])
async def test_a_signal_ends_a_frozen_node_too(rig: Rig, signal: str, code: int) -> None:
    plan = await rig.started()
    name = plan.nodes[0].name
    await rig.engine.pause(name)
    await rig.engine.signal(name, signal)
    assert (await rig.engine.wait_exit(name)).code == code
    assert (await only(rig)).status == "exited"


@pytest.mark.needs("freeze")
async def test_a_frozen_node_can_be_stopped(rig: Rig) -> None:
    plan = await rig.started()
    name = plan.nodes[0].name
    await rig.engine.pause(name)
    await rig.engine.stop(name, 10)
    assert (await only(rig)).exit_code == 143


# Cutting off


@pytest.mark.needs("freeze", "cut")
async def test_routes_are_cut_and_connected_in_every_state_of_the_node(rig: Rig) -> None:
    plan = rig.plan()
    name = plan.nodes[0].name

    async def cut_and_connect() -> None:
        for _ in range(2):
            await rig.engine.disconnect_routes(plan, name)
            node = await only(rig)
            assert (node.routes_connected, node.clients_connected) == (False, True)
        for _ in range(2):
            await rig.engine.rejoin(plan, name)
            node = await only(rig)
            assert (node.routes_connected, node.clients_connected) == (True, True)

    await rig.start(plan)
    await cut_and_connect()
    await rig.engine.pause(name)
    await cut_and_connect()
    await rig.engine.signal(name, "SIGKILL")
    await rig.engine.wait_exit(name)
    await cut_and_connect()


@pytest.mark.needs("apart", "cut")
async def test_an_isolated_node_comes_back_under_the_same_ports(rig: Rig) -> None:
    plan = await rig.started()
    name = plan.nodes[0].name
    for _ in range(2):
        await rig.engine.isolate(plan, name)
        node = await only(rig)
        assert (node.status, node.routes_connected, node.clients_connected) == ("running", False, False)
    for _ in range(2):
        await rig.engine.rejoin(plan, name)
        node = await only(rig)
        assert (node.status, node.routes_connected, node.clients_connected) == ("running", True, True)


@pytest.mark.needs("apart", "cut")
@pytest.mark.parametrize("cut", ["routes", "all"])
async def test_a_cut_lasts_over_runs_of_the_node_and_of_the_caller(rig: Rig, cut: str) -> None:
    plan = await rig.started(2)
    name, other = (node.name for node in plan.nodes)
    await (rig.engine.disconnect_routes if cut == "routes" else rig.engine.isolate)(plan, name)
    await rig.engine.signal(name, "SIGKILL")
    await rig.engine.wait_exit(name)
    await rig.engine.start(plan, name)
    later = rig.connect()
    found = {
        node.name: (node.routes_connected, node.clients_connected)
        for node in await later.instances(rig.group)
    }
    await later.close()
    assert found == {name: (False, cut == "routes"), other: (True, True)}
    await rig.engine.rejoin(plan, name)
    assert all(
        node.routes_connected and node.clients_connected for node in await rig.engine.instances(rig.group)
    )


@pytest.mark.needs("apart", "cut")
async def test_a_node_does_not_come_back_while_one_of_its_ports_is_taken(rig: Rig) -> None:
    plan = await rig.started()
    (node,) = plan.nodes
    await rig.engine.isolate(plan, node.name)
    with rig.taken(node.monitor_port), pytest.raises(PortInUse) as error:
        await rig.engine.rejoin(plan, node.name)
    assert error.value.port == node.monitor_port
    assert not (await only(rig)).clients_connected
    await rig.engine.rejoin(plan, node.name)
    assert (await only(rig)).clients_connected


# Removing


@pytest.mark.needs("apart", "freeze")
async def test_a_node_is_removed_in_any_condition_and_only_once(rig: Rig) -> None:
    plan = await rig.started(3)
    running, frozen, ended = (node.name for node in plan.nodes)
    await rig.engine.pause(frozen)
    await rig.engine.signal(ended, "SIGKILL")
    await rig.engine.wait_exit(ended)
    for name in (running, frozen, ended, running):
        await rig.engine.remove(name)
    assert await rig.engine.instances(rig.group) == []
    with pytest.raises(NodeNotFound):
        await output_of(rig.engine, running)


# Output


@pytest.mark.needs("apart")
async def test_output_is_kept_over_runs_in_order(rig: Rig) -> None:
    plan = await rig.started()
    name = plan.nodes[0].name
    await rig.engine.stop(name, 10)
    await rig.start_again(plan, name)
    await rig.engine.stop(name, 10)
    lines = await output_of(rig.engine, name)
    boots = [index for index, line in enumerate(lines) if "Starting nats-streaming-server" in line.text]
    assert (len(boots), boots[0]) == (2, 0)
    assert all(earlier.time <= later.time for earlier, later in pairwise(lines))
    assert not any("\n" in line.text for line in lines)


@pytest.mark.needs("apart")
async def test_output_is_limited_to_its_end_or_since_a_time(rig: Rig) -> None:
    plan = await rig.started()
    name = plan.nodes[0].name
    await rig.engine.stop(name, 10)
    lines = await output_of(rig.engine, name)
    assert await rig.engine.tail(name, 2) == lines[-2:]
    assert await rig.engine.tail(name, 10_000) == lines
    since = lines[len(lines) // 2].time
    assert await output_of(rig.engine, name, since) == [line for line in lines if line.time >= since]
    assert await output_of(rig.engine, name, lines[-1].time + timedelta(hours=1)) == []


@pytest.mark.needs("apart")
async def test_attaching_before_the_start_yields_every_line_until_the_end(rig: Rig) -> None:
    plan = rig.plan()
    name = plan.nodes[0].name
    await rig.create(plan)
    async with stream(rig.engine.attach(name)) as batches:
        assert await anext(batches) == []
        await rig.engine.start(plan, name)
        got: list[RawLine] = []
        async for batch in batches:
            got += batch
            if any("Server is active" in line.text for line in batch):  # it handles signals by then
                await rig.engine.signal(name, "SIGTERM")
    assert [line.text for line in got] == [line.text for line in await output_of(rig.engine, name)]
    assert "Server Exiting" in got[-1].text


@pytest.mark.needs("apart")
async def test_attaching_to_a_running_node_yields_its_next_lines(rig: Rig) -> None:
    plan = await rig.started()
    name = plan.nodes[0].name
    before = await output_of(rig.engine, name)
    async with stream(rig.engine.attach(name)) as batches:
        assert await anext(batches) == []
        await rig.engine.signal(name, "SIGTERM")
        got = [line.text async for batch in batches for line in batch]
    assert any("Shutting down." in text for text in got)
    assert not any("Starting nats-streaming-server" in text for text in got)
    assert [line.text for line in await output_of(rig.engine, name)][-len(got) :] == got
    assert len(before) + len(got) >= len(await output_of(rig.engine, name))


@pytest.mark.needs("apart")
async def test_attaching_to_an_ended_node_yields_its_next_run(rig: Rig) -> None:
    plan = await rig.started()
    name = plan.nodes[0].name
    await rig.engine.signal(name, "SIGKILL")
    await rig.engine.wait_exit(name)
    async with stream(rig.engine.attach(name)) as batches:
        assert await anext(batches) == []
        await rig.engine.start(plan, name)
        first = await anext(batches)
    assert "Starting nats-streaming-server" in first[0].text


@pytest.mark.needs("freeze")
async def test_a_frozen_node_cannot_be_attached_to(rig: Rig) -> None:
    plan = await rig.started()
    name = plan.nodes[0].name
    await rig.engine.pause(name)
    with pytest.raises(NodePaused):
        await anext(rig.engine.attach(name))


@pytest.mark.needs("apart")
async def test_a_removed_node_ends_its_stream(rig: Rig) -> None:
    plan = await rig.started()
    name = plan.nodes[0].name
    async with stream(rig.engine.attach(name)) as batches:
        await anext(batches)
        await rig.engine.remove(name)
        async for _ in batches:
            pass


# Events


@pytest.mark.needs("apart", "freeze")
async def test_events_are_those_since_the_call(rig: Rig) -> None:
    plan = rig.plan()
    name = plan.nodes[0].name
    await rig.create(plan)
    seen: list[EngineEvent] = []
    wanted = ["start", "pause", "unpause", "die", "destroy"]

    async def happens(action: str) -> None:
        async for event in events:
            seen.append(event)
            if event.action == action:
                return

    async with stream(rig.engine.events(rig.group)) as events:
        await rig.engine.start(plan, name)
        await happens("start")
        await rig.engine.pause(name)
        await happens("pause")
        await rig.engine.unpause(name)
        await happens("unpause")
        await rig.engine.signal(name, "SIGKILL")
        await happens("die")
        await rig.engine.remove(name)
        await happens("destroy")
    assert [event.action for event in seen] == wanted
    assert {event.node for event in seen} == {name}
    assert [event.exit_code for event in seen] == [None, None, None, 137, None]
    assert all(earlier.time <= later.time for earlier, later in pairwise(seen))


@pytest.mark.needs("apart", "cut")
async def test_cutting_off_and_reconnecting_a_node_are_events(rig: Rig) -> None:
    plan = await rig.started()
    name = plan.nodes[0].name
    async with asyncio.timeout(20), stream(rig.engine.events(rig.group)) as events:
        for change in (rig.engine.disconnect_routes, rig.engine.rejoin):
            await change(plan, name)
            event = await anext(events)
            assert (event.node, event.action) == (name, "networks")


# Calls that are cancelled


@pytest.mark.needs("apart", "freeze")
@pytest.mark.parametrize("call", ["create", "start", "pause", "unpause", "stop", "remove"])
async def test_a_cancelled_call_has_happened_or_not_when_it_returns(rig: Rig, call: str) -> None:
    plan = rig.plan()
    (node,) = plan.nodes
    calls: dict[str, Callable[[], Awaitable[None]]] = {
        "create": lambda: rig.engine.create(plan, node, "f"),
        "start": lambda: rig.engine.start(plan, node.name),
        "pause": lambda: rig.engine.pause(node.name),
        "unpause": lambda: rig.engine.unpause(node.name),
        "stop": lambda: rig.engine.stop(node.name, 10),
        "remove": lambda: rig.engine.remove(node.name),
    }
    await _until_before(rig, plan, call)
    before = await rig.engine.instances(rig.group)
    task = asyncio.ensure_future(calls[call]())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    after = await rig.engine.instances(rig.group)
    await asyncio.sleep(0.05)  # time in which something could go on behind the caller's back
    assert await rig.engine.instances(rig.group) == after
    happened = {
        "create": [("created", True)],
        "start": [("running", True)],
        "pause": [("paused", True)],
        "unpause": [("running", True)],
        "stop": [("exited", True)],
        "remove": [],
    }
    found = [(instance.status, instance.routes_connected) for instance in after]
    assert after == before or found == happened[call]


async def _until_before(rig: Rig, plan: GroupPlan, call: str) -> None:
    name = plan.nodes[0].name
    if call in ("start", "remove"):
        await rig.create(plan)
    elif call == "create":
        await rig.create(plan)
        await rig.engine.remove(name)
    else:
        await rig.start(plan)
    if call == "unpause":
        await rig.engine.pause(name)


async def test_waiting_for_an_end_can_be_given_up(rig: Rig) -> None:
    plan = await rig.started()
    task = asyncio.create_task(rig.engine.wait_exit(plan.nodes[0].name))
    await asyncio.sleep(0.05)
    assert not task.done()
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=2)
    assert done
    assert (await only(rig)).status == "running"


# The servers


async def test_nodes_are_an_ft_group_of_real_servers(rig: Rig) -> None:
    plan = await rig.started(2)
    first, second = (node.name for node in plan.nodes)
    ready = "Streaming Server is ready"
    tasks = {asyncio.create_task(rig.seen(name, ready)): name for name in (first, second)}
    done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    (active,) = (tasks[task] for task in done)
    await rig.engine.hold(plan, [active])  # else a cluster's next pod may win the lock itself
    await rig.engine.signal(active, "SIGKILL")
    done, _ = await asyncio.wait(others, timeout=rig.failover_s)
    assert [task.result() for task in done]


async def test_an_engine_that_has_an_id_keeps_it(rig: Rig) -> None:
    assert (await rig.engine.info()).id == (await rig.engine.info()).id
