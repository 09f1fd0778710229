"""Ports and names that others take between a choice and its use."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from stanlocal.api import FTGroup
from stanlocal.engine.process import engine
from stanlocal.group.home import GroupHome
from stanlocal.model.plan import GroupPlan
from tests.support.processes import processes_of

pytestmark = pytest.mark.server


@pytest.mark.parametrize("kind", ["client", "cluster", "monitor"])
async def test_a_port_that_is_taken_at_the_last_moment_is_replaced(
    home: Path, server_binary: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The port's loss shows only when the server tries to listen."""
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    monkeypatch.setattr(engine, "is_free", lambda port: True)
    save_plan = GroupHome.save_plan
    taken: list[int] = []
    with ExitStack() as held:

        def save_and_take(self: GroupHome, plan: GroupPlan) -> None:
            save_plan(self, plan)
            if not taken:
                taken.append(getattr(plan.nodes[1].listen, kind))
                listener = held.enter_context(socket.create_server(("127.0.0.1", taken[0])))
                listener.listen()

        monkeypatch.setattr(GroupHome, "save_plan", save_and_take)
        group = FTGroup(group="g", engine="process", server_binary=server_binary)
        look = await group.up()
        assert taken[0] not in [port for node in look.plan.nodes for port in node.host_ports]
        assert look.status.state.value == "healthy"
        await group.down(timeout=0, purge=True)
        await group.close()
    assert processes_of(home) == set()
