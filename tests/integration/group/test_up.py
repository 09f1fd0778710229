"""`up`, again, twice at once, killed, interrupted, failing: one whole group in the end, or nothing."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container
from docker.models.networks import Network

from stanlocal.api import FTGroup, core_of
from stanlocal.errors import NodeFailed, StoreRefused, WaitTimeout
from stanlocal.group.core import Look
from stanlocal.model.states import GroupState
from tests.integration.group.messages import CHANNEL, first_message, publish
from tests.support.census import NOTHING, Left
from tests.support.cli import Cli, interrupt

_STEPS = 10
"""Things that the engine tells of while a pair is made: networks, containers, connections, starts."""
_BY_EVENTS = "by what Docker tells of; see tests/integration/process for the same with processes"


def runs(look: Look) -> list[tuple[str, object]]:
    """Return the containers and their start times."""
    return [(node.instance.id, node.instance.started_at) for node in look.status.nodes]


async def test_up_again_changes_nothing(group: FTGroup) -> None:
    first = await group.up()
    assert runs(await group.up()) == runs(first)


async def test_up_starts_what_has_ended_and_leaves_what_runs(group: FTGroup) -> None:
    first = await group.up()
    standby = next(node.name for node in first.status.nodes if node.name != first.status.active)
    await group.kill(standby)
    again = await group.up()
    assert again.status.state is GroupState.HEALTHY
    assert [node.instance.id for node in again.status.nodes] == [
        node.instance.id for node in first.status.nodes
    ]
    assert again.status.active == first.status.active


def test_two_at_once_end_with_one_group_and_both_succeed(
    cli: Cli, purged_by_name: None, left: Left, on_engine: str
) -> None:
    with cli.started("up", "--json") as one, cli.started("up", "--json") as other:
        printed = [process.communicate(timeout=60) for process in (one, other)]
        assert (one.returncode, other.returncode) == (0, 0), printed
    assert printed[0][0] == printed[1][0]
    now = left.census()
    assert now.containers == {f"{cli.group}-0", f"{cli.group}-1"}
    networks = {f"{cli.group}-clients", f"{cli.group}-routes"}
    assert now.networks == (networks if on_engine == "docker" else set())


@contextmanager
def told_by_the_engine(client: docker.DockerClient, group: str, number: int) -> Iterator[threading.Event]:
    """Set when the engine has sent that many events of the group."""
    reached = threading.Event()
    events = client.events(decode=True)

    def count() -> None:
        seen = 0
        for event in events:
            attributes = event["Actor"].get("Attributes", {})
            if event.get("Type") == "network":
                names = [attributes.get("name", "")]
            else:
                names = [attributes.get("dev.stanlocal.group", "") + "-"]
            seen += any(name.startswith(f"{group}-") for name in names)
            if seen >= number:
                reached.set()
                return

    counting = threading.Thread(target=count)
    counting.start()
    try:
        yield reached
    finally:
        events.close()
        counting.join()


def killed_at(cli: Cli, docker_client: docker.DockerClient, step: int) -> None:
    """Run `up` and kill it as soon as the engine has sent N events."""
    assert cli.group is not None
    with told_by_the_engine(docker_client, cli.group, step) as reached, cli.started("up") as process:
        assert reached.wait(30)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL


_SWEEP = [
    pytest.param(step, marks=[] if step in (1, 4, 8) else pytest.mark.slow) for step in range(1, _STEPS + 1)
]


@pytest.mark.only_on("docker", _BY_EVENTS)
@pytest.mark.parametrize("step", _SWEEP)
def test_an_up_that_was_killed_is_completed_by_the_next_one(
    cli: Cli, purged_by_name: None, docker_client: docker.DockerClient, step: int
) -> None:
    killed_at(cli, docker_client, step)
    assert cli.json("up")["state"] == "healthy"
    assert [node["name"] for node in cli.json("status")["nodes"]] == [f"{cli.group}-0", f"{cli.group}-1"]


@pytest.mark.only_on("docker", _BY_EVENTS)
@pytest.mark.parametrize("step", _SWEEP)
def test_an_up_that_was_killed_is_cleaned_up_by_the_next_down(
    cli: Cli, docker_client: docker.DockerClient, left: Left, step: int
) -> None:
    killed_at(cli, docker_client, step)
    cli.ok("down", "--purge", "--yes", "--timeout", "0")
    assert left.census() == NOTHING


@pytest.mark.only_on("docker", _BY_EVENTS)
@pytest.mark.parametrize("step", [1, 6])
def test_an_up_that_is_interrupted_removes_what_it_made(
    cli: Cli, docker_client: docker.DockerClient, left: Left, step: int
) -> None:
    assert cli.group is not None
    with told_by_the_engine(docker_client, cli.group, step) as reached, cli.started("up") as process:
        assert reached.wait(30)
        code, out, err = interrupt(process)
    assert (code, out, err.splitlines()[-1]) == (130, "", "interrupted")
    assert left.census() == NOTHING


@pytest.mark.only_on("docker", _BY_EVENTS)
async def test_an_interrupted_up_of_a_group_that_was_there_leaves_its_store(
    cli: Cli, group: FTGroup, docker_client: docker.DockerClient
) -> None:
    look = await group.up()
    await publish(look, b"kept")
    await group.down(timeout=0)
    assert cli.group is not None
    with told_by_the_engine(docker_client, cli.group, 6) as reached, cli.started("up") as process:
        assert reached.wait(30)
        assert interrupt(process)[0] == 130
    assert await first_message(await group.up()) == b"kept"


async def test_a_store_that_cannot_be_read_fails_up_with_the_nodes_last_words(
    group: FTGroup, left: Left
) -> None:
    """A record that was cut short, as an unclean stop leaves it; the store stays as it was found."""
    await publish(await group.up(), b"x")
    await group.down(timeout=0)
    before = left.census()
    core = await core_of(group)
    broken = core.home.default_store / CHANNEL / "msgs.1.dat"
    (broken.parent / "msgs.1.idx").unlink()
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-3])
    with pytest.raises(NodeFailed) as raised:
        await group.up()
    assert raised.value.exit_code == 1
    assert "unexpected EOF" in str(raised.value)
    assert any("unexpected EOF" in line for line in raised.value.log_tail)
    assert left.census() == before
    broken.write_bytes(whole)
    assert await first_message(await group.up()) == b"x"


def test_a_node_that_fails_shows_its_last_lines_and_nothing_of_the_group_is_left(
    cli: Cli, left: Left, tmp_path: Path
) -> None:
    """A permission is there that only the servers look at."""
    permissions = '{ user = "a", password = "b", permissions = { publish = "foo..bar" } }'
    (tmp_path / "stanlocal.toml").write_text(
        f'[nats]\nno_auth_user = "a"\nauthorization.users = [{permissions}]\n'
    )
    done = cli.run("up")
    *tail, error = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert error.startswith(f"error: {cli.group}-0 failed: exit 1: ")
    assert any('"foo..bar" is not a valid subject' in line for line in tail)
    assert left.census() == NOTHING


async def test_an_up_that_runs_out_of_time_removes_what_it_made(
    group_name: str, own_ports: int, left: Left
) -> None:
    """The servers' own wait for the lock alone takes longer."""
    group = FTGroup(group=group_name)
    with pytest.raises(WaitTimeout, match=r"not reached after 0\.2 s"):
        await group.up(timeout=0.2)
    await group.close()
    assert left.census() == NOTHING


@pytest.mark.only_on("docker", "processes have no labels but what is in the state folder")
async def test_another_process_takes_over_with_the_engines_labels_alone(
    group: FTGroup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands with an empty state folder look, kill and repair, and leave alone what is in order."""
    first = await group.up()
    with monkeypatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
        taken_over = FTGroup(group=first.plan.group)
        assert (await taken_over.look()).plan == first.plan
        assert runs(await taken_over.up()) == runs(first)
        await taken_over.kill("@active")
        again = await taken_over.up()
        await taken_over.close()
    assert again.status.state is GroupState.HEALTHY
    assert again.plan.client_urls == first.plan.client_urls
    assert again.plan.store_dir == first.plan.store_dir


async def test_containers_that_the_engine_ended_come_back_with_their_ports_and_store(group: FTGroup) -> None:
    """An engine that is stopped sends SIGTERM to all nodes; no record explains it."""
    first = await group.up()
    await publish(first, b"kept")
    core = await core_of(group)
    async with await core.watch() as watch:
        for node in first.status.nodes:
            assert node.instance.pid is not None
            os.kill(node.instance.pid, signal.SIGTERM)
        await watch.until(
            lambda status: status.state is GroupState.DOWN, timeout=10, waiting_for="the servers' end"
        )
    again = await group.up()
    assert again.plan == first.plan
    assert [node.instance.id for node in again.status.nodes] == [
        node.instance.id for node in first.status.nodes
    ]
    assert await first_message(again) == b"kept"


async def test_a_changed_setting_replaces_node_after_node_and_serves_all_along(
    group_name: str, own_ports: int, on_engine: str
) -> None:
    """The standby first, then the active node: one failover, and the group is healthy with the new setting.

    A process is made again so fast that it can take its lock back before the standby does: no failover then.
    """
    group = FTGroup(group=group_name)
    changed = FTGroup(group=group_name, streaming={"store_limits": {"max_subs": 7}})
    try:
        first = await group.up()
        await publish(first, b"kept")
        again = await changed.up()
        assert {node.instance.id for node in again.status.nodes}.isdisjoint(
            node.instance.id for node in first.status.nodes
        )
        assert again.plan.client_urls == first.plan.client_urls
        changed_hands = again.status.active != first.status.active
        assert changed_hands or on_engine == "process"
        assert len(await changed.failovers()) == changed_hands
        assert await first_message(again) == b"kept"
    finally:
        await changed.down(timeout=0, purge=True)
        await group.close()
        await changed.close()


@pytest.mark.only_on("docker", "nothing else has names among processes")
@pytest.mark.parametrize("what", ["container", "network", "proxy"])
async def test_foreign_containers_are_left_alone_even_under_a_needed_name(
    docker_client: docker.DockerClient, cli: Cli, left: Left, what: str
) -> None:
    assert cli.group is not None
    if what == "network":
        foreign: Container | Network = docker_client.networks.create(f"{cli.group}-clients")
    else:
        name = f"{cli.group}-{'proxy' if what == 'proxy' else 1}"
        foreign = docker_client.containers.create("nats-streaming:0.25.6", name=name)
    try:
        before = left.census()
        done = cli.run("up", *(["--proxied"] if what == "proxy" else []))
        assert done.returncode == 2
        assert f"'{foreign.name}'" in done.stderr
        assert "was not made by stanlocal" in done.stderr
        assert "Traceback" not in done.stderr
        assert left.census() == before
        assert cli.run("down", "--purge", "--yes").returncode == 0
        assert left.census() == before
    finally:
        foreign.remove()


async def test_a_store_of_another_cluster_id_is_refused_before_anything_is_made(
    group: FTGroup, group_name: str, left: Left
) -> None:
    await group.up()
    await group.down(timeout=0)
    before = left.census()
    other = FTGroup(group=group_name, streaming={"cluster_id": "other"})
    with pytest.raises(StoreRefused, match=r"cluster id 'test-cluster', the group's is 'other'"):
        await other.up()
    await other.close()
    assert left.census() == before
