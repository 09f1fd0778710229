"""Routes between nodes: no one but the group's own nodes opens one, with TLS of one's own or without."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from stanlocal.api import FTGroup, core_of
from stanlocal.errors import SettingsError
from stanlocal.model.plan import GroupPlan, NodePlan
from stanlocal.model.states import GroupState
from stanlocal.monitor import client
from tests.integration.security.columns import COLUMNS

_TIMEOUT_S = 10
_SERVER_ID = f"N{'A' * 55}"


@pytest.fixture
async def group(on_engine: str, group_name: str) -> AsyncIterator[FTGroup]:
    """A group for the test to bring up; purged at the end."""
    group = FTGroup(group=group_name)
    yield group
    await group.down(timeout=0, purge=True)
    await group.close()


async def up(group_name: str, **settings: Any) -> GroupPlan:
    """Bring the group up with other settings; return its plan."""
    group = FTGroup(group=group_name, **settings)
    try:
        return (await group.up()).plan
    finally:
        await group.close()


async def test_stranger_opens_no_route_to_a_group_with_a_login(group: FTGroup, group_name: str) -> None:
    """Through a route one reads and writes everything, whatever logins clients need."""
    plan = await up(group_name, nats={"authorization": {"token": "t0ken-1d7e"}})
    for node in plan.nodes:
        for host, port in await route_ports(group, node):
            assert "Authorization Violation" in await as_a_route(host, port, plan, "")
    await routes_are_up(group, tls=False)
    password = (await core_of(group)).home.secrets.route_password(needed=True)
    shown = [
        str(await client.fetch(plan.monitor(plan.nodes[0]), f"/{page}", 5)) for page in ("varz", "routez")
    ]
    shown += [line.line.text for line in await group.logs()]
    assert not [text for text in shown if password in text]
    host, port = (await route_ports(group, plan.nodes[0]))[0]
    assert "RS+" in await as_a_route(host, port, plan, password)


async def test_routes_have_certificates_of_ones_own(group: FTGroup, group_name: str, tmp_path: Path) -> None:
    """Failovers, cuts and heals are as with plain routes, and who has no certificate opens none."""
    (tmp_path / "stanlocal.toml").write_text(COLUMNS["TLS routes"](tmp_path, "").toml)
    plan = await up(group_name, config=tmp_path / "stanlocal.toml")
    await routes_are_up(group, tls=True)
    for node in plan.nodes:
        for host, port in await route_ports(group, node):
            with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
                await as_a_route(host, port, plan, "", encrypted=True)
    async with group.connect() as own:
        await own.publish("orders", b"1")
        cut = await group.partition("@standby")
        assert (await group.look()).status.state is GroupState.DEGRADED
        await cut.heal()
        await group.wait_state(GroupState.HEALTHY)
        fault = await group.kill("@active")
        await own.publish("orders", b"2")
        await fault.failover(timeout=20)
    await group.heal()
    await group.wait_state(GroupState.HEALTHY)
    await routes_are_up(group, tls=True)
    with pytest.raises(SettingsError, match=r"does not name .*, where nodes dial each other"):
        await up(group_name, nats={"cluster": {"tls": misnamed(tmp_path)}})
    await routes_are_up(group, tls=True)
    assert "cluster" not in (await up(group_name, unset=["nats.cluster"])).nats
    await routes_are_up(group, tls=False)


async def routes_are_up(group: FTGroup, *, tls: bool) -> None:
    """Every node has a route to the other one, with or without TLS."""
    plan = (await group.look()).plan
    for node in plan.nodes:
        async with asyncio.timeout(_TIMEOUT_S):
            while not (await client.fetch(plan.monitor(node), "/routez", 5))["num_routes"]:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        varz = await client.fetch(plan.monitor(node), "/varz", 5)
        assert varz["cluster"].get("tls_required", False) is tls


async def route_ports(group: FTGroup, node: NodePlan) -> list[tuple[str, int]]:
    """Every address at which this machine reaches the port for routes of a node."""
    if node.published_route_port is not None:
        return [(node.listen.host, node.route_port), (node.listen.host, node.listen.cluster)]
    networks = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
    found = await asyncio.to_thread(
        subprocess.check_output, ["docker", "inspect", "-f", networks, node.name], text=True
    )
    return [(address, node.listen.cluster) for address in found.split()]


async def as_a_route(host: str, port: int, plan: GroupPlan, password: str, *, encrypted: bool = False) -> str:
    """Return what a node answers to a stranger that connects as one of the other nodes would.

    Like those, it says its name first: by that, processes know from where a route comes.
    """
    about: dict[str, object] = {
        "server_id": _SERVER_ID,
        "server_name": plan.nodes[1].name,
        "version": "2.9.24",
        "proto": 1,
    }
    about |= {"host": "127.0.0.1", "port": 1, "cluster": plan.group, "max_payload": 1 << 20}
    login: dict[str, object] = {"user": "routes", "pass": password} if password else {}
    login |= {"name": _SERVER_ID, "cluster": plan.group, "tls_required": encrypted}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    async with asyncio.timeout(_TIMEOUT_S):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            if encrypted:
                if port not in {
                    node.published_route_port for node in plan.nodes
                }:  # there callers speak first
                    await reader.readuntil(b"\r\n")
                await writer.start_tls(context)
            hello = f"CONNECT {json.dumps(login)}\r\nINFO {json.dumps(about)}\r\nRS+ $G >\r\nPING\r\n"
            writer.write(hello.encode())
            answers = ""
            while not any(end in answers for end in ("-ERR", "RS+")):
                answers += (await reader.readuntil(b"\r\n")).decode()
            return answers
        finally:
            writer.close()


def misnamed(folder: Path) -> dict[str, str]:
    """The table `nats.cluster.tls` with a certificate for clients' addresses only."""
    COLUMNS["mutual TLS"](folder, "")
    return {"cert_file": str(folder / "client.pem"), "key_file": str(folder / "client.key")}
