"""The ports of a group: kept for ever, and moved only when another process has one."""

from __future__ import annotations

import socket
from contextlib import ExitStack, closing

import pytest

from stanlocal.api import FTGroup, core_of, group_over
from stanlocal.group.core import Look
from stanlocal.lifecycle.opener import GroupOpener
from tests.support.census import NOTHING, Left


def ports(look: Look) -> list[tuple[int, int]]:
    return [(node.client_port, node.monitor_port) for node in look.plan.nodes]


def listening(port: int) -> closing[socket.socket]:
    """Something that has the port."""
    return closing(socket.create_server(("127.0.0.1", port)))


async def test_ports_stay_over_down_and_up_and_when_nodes_were_removed_by_hand(group: FTGroup) -> None:
    """The ports of the last two nodes are kept, too, while the group is smaller for a time."""
    first = ports(await group.up())
    await group.down(timeout=0)
    assert ports(await group.up()) == first
    core = await core_of(group)
    for node in (await group.look()).status.nodes:
        await core.engine.remove(node.name)
    assert ports(await group.up()) == first


async def test_a_port_that_got_taken_while_the_group_was_down_is_moved_and_named(
    group_name: str, own_ports: int
) -> None:
    said: list[str] = []
    group = group_over(GroupOpener({"group": group_name}, note=said.append))
    try:
        (client, _monitor), other = ports(await group.up())
        await group.down(timeout=0)
        with listening(client):
            moved = ports(await group.up())
        assert moved[0][0] != client
        assert moved[1] == other
        assert f"port {client} is taken by " in "\n".join(said)
        assert f"{group_name}-0 listens on {moved[0][0]} instead" in "\n".join(said)
    finally:
        await group.down(timeout=0, purge=True)
        await group.close()


@pytest.mark.parametrize("node", [0, 1])
async def test_a_port_that_is_taken_between_the_choice_and_the_start_is_moved(
    group_name: str, own_ports: int, left: Left, node: int
) -> None:
    """Whichever node is hit: the first is started alone, the others side by side."""
    with ExitStack() as held:

        def take_port(line: str) -> None:
            if line == f"starting {group_name}-{node}" and not taken:
                taken.append(own_ports + node)
                held.enter_context(listening(own_ports + node))

        taken: list[int] = []
        group = group_over(GroupOpener({"group": group_name}, report=take_port))
        try:
            chosen = ports(await group.up())
            assert taken == [own_ports + node]
            assert chosen[node][0] not in taken
        finally:
            await group.down(timeout=0, purge=True)
            await group.close()
    assert left.census() == NOTHING
