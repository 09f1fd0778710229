"""Nodes and clients log in by credentials files (JWT) at a NATS server of today, over TLS."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stanlocal import stan
from stanlocal.api import FTGroup
from stanlocal.certificates.authority import issue, make_authority
from stanlocal.errors import NodeFailed
from stanlocal.model.states import GroupState
from tests.support.cli import Cli
from tests.support.jetstream import JetStreamServer, running_jetstream
from tests.support.operator_mode import Operator


@dataclass(frozen=True)
class Elsewhere:
    """A NATS server in operator mode, and a settings file whose nodes log in there."""

    server: JetStreamServer
    operator: Operator
    config: Path
    seed: str

    @property
    def authority(self) -> Path:
        return self.config.with_name("ca.pem")


@pytest.fixture
def elsewhere(on_engine: str, jetstream_binary: Path, tmp_path: Path) -> Iterator[Elsewhere]:
    operator = Operator.make()
    folder = tmp_path / "settings"
    folder.mkdir()
    authority = make_authority("elsewhere")
    pair = issue(authority, "nats", hosts=["127.0.0.1"])
    files = {"ca.pem": authority.certificate, "nats.pem": pair.certificate, "nats.key": pair.key}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    tls = f'tls {{ cert_file: "{folder / "nats.pem"}", key_file: "{folder / "nats.key"}" }}\n'
    (folder / "nats.conf").write_text(operator.conf + tls)
    _, seed = operator.credentials(folder / "nodes.creds")
    options = ("-c", str(folder / "nats.conf"), "-a", "0.0.0.0")  # containers are not on the loopback
    with running_jetstream(jetstream_binary, folder, jetstream=False, options=options) as server:
        config = folder / "stanlocal.toml"
        config.write_text(
            f'[streaming]\nnats_server_url = "{server.url}"\ncredentials = "nodes.creds"\nsecure = true\n'
            '[streaming.tls]\nclient_cacert = "ca.pem"\n'
        )
        yield Elsewhere(server, operator, config, seed)


async def test_group_serves_through_a_failover(
    elsewhere: Elsewhere, group_name: str, state_home: Path, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    cli = Cli(work, group=group_name)
    group = FTGroup(group=group_name, config=elsewhere.config)
    try:
        await group.up()
        async with group.connect() as own:
            await own.publish("orders", b"1")
            fault = await group.kill("@active")
            await own.publish("orders", b"2")
            await fault.failover(timeout=20)
        await group.heal()
        await group.wait_state(GroupState.HEALTHY)
        await asyncio.to_thread(_commands_log_in, cli, elsewhere, tmp_path)
        await _others_stay_out(elsewhere)
        _seed_is_with_the_nodes_alone(elsewhere.seed, state_home / "stanlocal" / group_name)
    finally:
        await group.down(timeout=0, purge=True)
        await group.close()


def _commands_log_in(cli: Cli, elsewhere: Elsewhere, folder: Path) -> None:
    """By themselves, and at an address with `--creds`, as another user of the account too."""
    assert json.loads(cli.ok("--json", "pub", "orders", "3"))["acked"] == 1
    client, _ = elsewhere.operator.credentials(folder / "client.creds")
    address = ("--url", elsewhere.server.url, "--tls-ca", str(elsewhere.authority))
    server = (*address, "--creds", str(client))
    assert json.loads(cli.ok("--json", "pub", "orders", "4", *server))["acked"] == 1
    read = ("sub", "orders", "--all", "--count", "4", "--timeout", "20", *server)
    lines = cli.ok("--json", *read).splitlines()
    assert [json.loads(line)["data"] for line in lines] == ["1", "2", "3", "4"]
    refused = cli.run("pub", "orders", "5", *address)
    assert refused.returncode == 1
    assert "authorization" in refused.stderr.lower()


async def _others_stay_out(elsewhere: Elsewhere) -> None:
    """Neither a client of another operator's gets in, nor a node."""
    strange, _ = Operator.make().credentials(elsewhere.config.parent / "strange.creds")
    with pytest.raises(stan.errors.ConnectFailed, match=r"(?i)authorization"):
        await stan.connect(
            elsewhere.server.url,
            cluster_id="test-cluster",
            user_credentials=str(strange),
            tls=ssl.create_default_context(cafile=elsewhere.authority),
        )
    other = FTGroup(
        nodes=1, config=elsewhere.config, streaming={"credentials": str(strange), "cluster_id": "strange"}
    )
    try:
        with pytest.raises(NodeFailed, match=r"(?i)authorization"):
            await other.up()
    finally:
        await other.down(purge=True)
        await other.close()


def _seed_is_with_the_nodes_alone(seed: str, folder: Path) -> None:
    found = [path for path in folder.rglob("*") if path.is_file() and seed.encode() in path.read_bytes()]
    assert {path.name for path in found} == {"streaming.credentials"}
    assert {path.stat().st_mode & 0o077 for path in found} == {0}
