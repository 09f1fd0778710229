"""`migrate plan` of a running group, and with the limits and names that a user gives."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stanlocal import stan
from stanlocal.api import FTGroup
from tests.support.cli import Cli
from tests.support.jetstream import JetStreamServer

pytestmark = pytest.mark.server


async def test_a_running_groups_plan_shows_the_positions_that_it_serves(
    server_binary: Path, group_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANLOCAL_ENGINE", "process")
    monkeypatch.setenv("STANLOCAL_SERVER_BINARY", str(server_binary))
    group = FTGroup(group=group_name, nodes=1)
    await group.up()
    try:
        async with group.connect("app") as client:
            for number in range(5):
                await client.publish("orders", b"%d" % number)
            subscription = await client.subscribe(
                "orders", start=stan.DeliverAll(), durable_name="dur", manual_ack=True
            )
            async for message in subscription:
                if message.sequence == 5:
                    break
                await message.ack()
            document = await asyncio.to_thread(Cli(tmp_path, group=group_name).json, "migrate", "plan")
        await group.down(timeout=5)
        after = await asyncio.to_thread(Cli(tmp_path, group=group_name).json, "migrate", "plan")
    finally:
        await group.down(timeout=0, purge=True)
        await group.close()
    [stream], [later] = document["streams"], after["streams"]
    assert stream["consumers"][0]["served"] == {"delivered": 5, "pending_count": 1}
    assert "online" in [finding["kind"] for finding in document["findings"]]
    assert later["consumers"][0]["served"] is None
    assert (later["consumers"][0]["delivered"], later["consumers"][0]["pending_count"]) == (5, 1)


def test_limits_of_a_deployment_and_names_lead_through_all_steps(
    real_store: Path, jetstream: JetStreamServer, tmp_path: Path
) -> None:
    (tmp_path / "stan.conf").write_text(
        "authorization { users: [ { user: app, password: $NOT_NEEDED_FOR_LIMITS } ] }\n"
        "streaming { store: file, dir: store, store_limits { max_msgs: 100, max_subs: 7, channels { "
        '"events.>": { max_age: "100ms" } } } }'
    )
    cli = Cli(tmp_path)
    options = ("--from", "stan.conf", "--write-names", "names.toml", "--to-version", "2.12")
    plan = cli.json("migrate", "plan", str(real_store), *options)
    counts = {each["channel"]: each["messages"] for each in plan["streams"]}
    assert counts == {"bytes": 3, "empty": 0, "events.eu": 0, "orders": 100}
    kinds = {finding["kind"] for finding in plan["findings"]}
    assert {"beyond-limits", "max-subscriptions", "max-channels", "max-bytes", "version"} <= kinds
    assert "limits-unknown" not in kinds
    names = (tmp_path / "names.toml").read_text().replace('"events_eu"', '"EVENTS"')
    (tmp_path / "names.toml").write_text(names)
    cli.ok(
        "migrate", "pack", str(real_store), "--from", "stan.conf", "--names", "names.toml", "--out", "pack"
    )
    assert sorted(path.name for path in (tmp_path / "pack").iterdir() if path.is_dir()) == [
        *("EVENTS", "bytes", "empty", "orders"),
    ]
    loaded = cli.json("migrate", "load", "pack", "--to", jetstream.url, "--verify")
    assert loaded["verification"]["ok"] is True
    assert loaded["verification"]["messages"] == 103
