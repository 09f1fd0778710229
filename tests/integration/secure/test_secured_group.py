"""`up --secure`: who gets in, over which connections, and that secrets are in no other file than theirs."""

from __future__ import annotations

import asyncio
import json
import ssl
import stat
import subprocess
from pathlib import Path

import nats
import nats.errors
import psutil
import pytest

from stanlocal import stan
from stanlocal.api import FTGroup, core_of
from stanlocal.errors import MonitorError, StanlocalError
from stanlocal.model.plan_json import to_json
from stanlocal.monitor import client
from tests.integration.secure.conftest import environment, password
from tests.support.cli import Cli


async def test_the_groups_own_client_gets_in_and_publishes_through_a_failover(group: FTGroup) -> None:
    async with group.connect() as own:
        await own.publish("kept", b"1")
        fault = await group.kill("@active")
        await own.publish("kept", b"2")
        await fault.failover(timeout=20)
    await group.heal()
    await group.wait_state("healthy")
    async with group.connect() as own:
        subscription = await own.subscribe("kept", start=stan.DeliverAll())
        assert [(await anext(subscription)).data for _ in range(2)] == [b"1", b"2"]


@pytest.mark.parametrize("missing", ["nothing", "ca", "login", "password"])
async def test_only_who_has_the_ca_and_the_login_gets_in(group: FTGroup, missing: str) -> None:
    """A client of another library, with what `env` prints, or with less."""
    env = await environment(group)
    context = ssl.create_default_context(cafile=None if missing == "ca" else env["NATS_CA"])
    user = None if missing == "login" else env["NATS_USER"]

    async def connect() -> None:
        peer = await nats.connect(
            env["NATS_URL"].split(","),
            tls=context,
            allow_reconnect=False,
            connect_timeout=5,
            user=user,
            password="wrong" if missing == "password" else password(env),
        )
        await peer.flush()
        await peer.close()

    if missing == "nothing":
        await connect()
    else:
        reason = "certificate verify failed" if missing == "ca" else "Authorization Violation"
        with pytest.raises((ssl.SSLError, nats.errors.Error), match=f"(?i){reason}"):
            await connect()


async def test_routes_are_encrypted_and_up(group: FTGroup) -> None:
    plan = (await group.look()).plan
    for node in plan.nodes:
        document = await client.fetch(plan.monitor(node), "/routez", 5)
        assert document["num_routes"] == 1
        varz = await client.fetch(plan.monitor(node), "/varz", 5)
        assert varz["cluster"]["tls_required"] is True
        assert varz["tls_required"] is True
        assert varz["auth_required"] is True


async def test_the_monitor_speaks_https_only(group: FTGroup) -> None:
    plan = (await group.look()).plan
    node = plan.nodes[0]
    with pytest.raises(MonitorError):
        await client.fetch(plan.monitor_url(node).replace("https", "http"), "/varz", 5)


async def test_plain_up_keeps_a_group_secured(group: FTGroup, name: str) -> None:
    before = [node.instance.id for node in (await group.look()).status.nodes]
    plain = FTGroup(group=name)
    look = await plain.up()
    await plain.close()
    assert look.plan.secure
    assert [node.instance.id for node in look.status.nodes] == before


async def test_secured_and_back_is_a_change_of_a_running_group(group: FTGroup, name: str) -> None:
    """Messages, ports and the CA stay; a client of one kind is refused by a group of the other."""
    env = await environment(group)
    async with group.connect() as own:
        await own.publish("over", b"secured")
    plain = FTGroup(group=name, secure=False)
    look = await plain.up()
    assert not look.plan.secure
    assert [url.rpartition(":")[2] for url in look.plan.client_urls] == [
        url.rpartition(":")[2] for url in env["NATS_URL"].split(",")
    ]
    async with plain.connect() as own:
        await own.publish("over", b"plain")
    await plain.close()
    trusted = Path(env["NATS_CA"]).read_bytes()
    await group.up()
    with pytest.raises(StanlocalError):
        await stan.connect(
            look.plan.client_urls, cluster_id="test-cluster", client_id="plain", request_timeout=2
        )
    async with group.connect() as own:
        subscription = await own.subscribe("over", start=stan.DeliverAll())
        assert [(await anext(subscription)).data for _ in range(2)] == [b"secured", b"plain"]
    assert Path(env["NATS_CA"]).read_bytes() == trusted


async def test_secrets_are_in_no_other_file_than_theirs(group: FTGroup, name: str, tmp_path: Path) -> None:
    """Neither plan, labels, arguments, logs, journal nor any output holds the password or a key."""
    env = await environment(group)
    core = await core_of(group)
    keys = [*core.home.folder.glob("secrets/*.key"), *core.home.folder.glob("conf/*/*.key")]
    assert len(keys) == 4
    secrets = [password(env), *(path.read_text("ascii").splitlines()[1] for path in keys)]
    cli = Cli(tmp_path, group=name)
    shown = [to_json((await group.look()).plan), json.dumps(await group.document())]
    shown += [cli.ok(*command) for command in (("env",), ("logs",), ("config", "show"), ("status", "--json"))]
    shown += [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    if core.engine.name == "docker":
        nodes = [node.name for node in (await group.look()).plan.nodes]
        inspected = asyncio.to_thread(subprocess.check_output, ["docker", "inspect", *nodes], text=True)
        shown.append(await inspected)
    for path in core.home.folder.rglob("*"):
        if not path.is_file() or path.is_relative_to(core.home.folder / "store"):
            continue
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
        if path.name != "stan.conf" and path.suffix != ".key" and path.name != "password":
            shown.append(path.read_bytes().decode("utf-8", "replace"))
    assert not [secret[:8] for secret in secrets for text in shown if secret in text]
    assert stat.S_IMODE(core.home.secrets.folder.stat().st_mode) == 0o700
