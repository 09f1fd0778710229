"""Resource use of nodes, where it can be measured."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from stanlocal.errors import MonitorError
from stanlocal.group import resources
from stanlocal.group.resources import Resources
from tests.support.world import World, world

__all__ = ["world"]

_OWN = [{"name": f"_NSS-test-cluster-{purpose}"} for purpose in ("send", "general", "acks", "ft", "hb")]


async def test_clients_and_routes_of_an_answering_node_are_counted_without_the_servers_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = await world.up()

    async def fetch(url: str, path: str, timeout: float) -> dict[str, Any]:
        if not url.endswith(":8222"):
            raise MonitorError("no answer", "silent")
        if path == "/routez":
            return {"num_routes": 1}
        return {"total": 2_007, "connections": [*_OWN, {"name": "orders"}, {}]}

    monkeypatch.setattr(resources, "fetch", fetch)
    measured = await resources.measure(world.engine, look.plan, look.status.nodes)
    assert measured == {"t-0": Resources(connections=2_002, routes=1), "t-1": Resources()}


@pytest.mark.parametrize("answer", [{}, {"total": "many", "connections": []}, {"total": 5, "connections": 1}])
async def test_an_answer_that_tells_no_count_gives_none(
    answer: dict[str, Any], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = await world.up(nodes=1)

    async def fetch(url: str, path: str, timeout: float) -> dict[str, Any]:
        return answer

    monkeypatch.setattr(resources, "fetch", fetch)
    assert await resources.measure(world.engine, look.plan, look.status.nodes) == {"t-0": Resources()}


async def test_a_process_of_this_machine_has_cpu_and_memory_and_an_ended_node_nothing(world: World) -> None:
    look = await world.up()
    here, ended = look.status.nodes
    here = replace(here, paused=True, instance=replace(here.instance, pid=os.getpid(), status="paused"))
    ended = replace(ended, instance=replace(ended.instance, status="exited"))
    measured = await resources.measure(world.engine, look.plan, [here, ended])
    assert set(measured) == {"t-0"}
    assert measured["t-0"].memory is not None
    assert measured["t-0"].memory > 1 << 20
    assert measured["t-0"].cpu is not None
