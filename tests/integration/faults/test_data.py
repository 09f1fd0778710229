"""The faults that can cost data, on real servers: what they do to the store, and the ways back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stanlocal import stan
from stanlocal.api import FTGroup, core_of
from stanlocal.errors import Refused, StoreRefused
from stanlocal.faults.expire_lock import ExpireLock
from stanlocal.faults.truncate_store import TruncateStore
from stanlocal.group import store_snapshots
from stanlocal.model.states import GroupState
from stanlocal.store.guard.drafts import SUFFIX
from tests.integration.faults.conftest import kill_half_way
from tests.support.cli import Cli

SEEN_WITHIN_S = 2.0
_LONG = [pytest.param(name, marks=pytest.mark.slow) for name in ("note", "lock-file")]


async def publish(group: FTGroup, node: str, *messages: bytes, channel: str = "orders") -> None:
    """Publishes through that very node."""
    plan, _ = await (await core_of(group)).find()
    url = plan.client_url(plan.node(node))
    client_id = f"test-{node}"
    async with stan.connect(url, cluster_id=plan.cluster_id, client_id=client_id, retry=True) as client:
        for message in messages:
            await client.publish(channel, message, timeout=10)


async def stored(group: FTGroup, channel: str) -> list[bytes]:
    """Return the messages that a new subscriber gets until none has come for a second."""
    found: list[bytes] = []
    async with group.connect("test-reader") as client:
        subscription = await client.subscribe(channel, start=stan.DeliverAll())
        messages = aiter(subscription)
        while True:
            try:
                message = await asyncio.wait_for(anext(messages), 1)
            except TimeoutError:
                return found
            found.append(message.data)


async def test_two_actives_serve_until_healed_and_the_later_one_panics(
    group: FTGroup, name: str, tmp_path: Path
) -> None:
    first = (await group.look()).status.active
    assert first is not None
    await publish(group, first, b"before", channel="split")
    injecting = asyncio.create_task(group.expire_lock())
    while (await group.look()).status.state is not GroupState.SPLIT_BRAIN:
        pass  # each look waits for the engine's answer
    seen = datetime.now(UTC)
    injected = await injecting
    hit = injected.record.times[first]
    assert (seen - hit).total_seconds() < SEEN_WITHIN_S
    document = Cli(tmp_path, group=name).json("status")
    assert document["state"] == "split-brain"
    assert first in document["problem"]
    record = await injected.outcome()
    assert record.as_expected is True, record.observed
    second = record.notes["second"]
    await publish(group, first, b"first's", channel="split")
    await publish(group, second, b"second's", b"second's, too", channel="split")
    healed = await injected.heal()
    assert healed.notes["lost"] == {"split": [2, 3]}
    status = await group.wait_state(GroupState.HEALTHY, timeout=30)
    assert status.lock_holder == status.active
    said = [line.line.text for line in await group.logs([second])]
    assert any("claims to be active, aborting" in line for line in said)


@pytest.mark.slow
async def test_the_store_is_put_back_as_it_was_before(group: FTGroup) -> None:
    first = (await group.look()).status.active
    assert first is not None
    await publish(group, first, b"kept", channel="restored")
    injected = await group.inject(ExpireLock())
    await publish(group, injected.record.notes["second"], b"gone", channel="restored")
    healed = await injected.heal()
    await group.put_store_back(healed.notes["snapshot"])
    await group.wait_state(GroupState.HEALTHY, timeout=30)
    assert await stored(group, "restored") == [b"kept"]


@pytest.mark.parametrize("before", [*_LONG, "copy", "effect"])
async def test_expire_lock_killed_half_way_is_healed(group: FTGroup, name: str, before: str) -> None:
    kill_half_way(name, ExpireLock.name, before)
    assert [fault["name"] for fault in (await group.document())["faults"]] == [ExpireLock.name]
    await group.start("@all")
    status = await group.wait_state(GroupState.HEALTHY, timeout=30)
    assert status.lock_holder == status.active
    assert (await group.document())["faults"] == []
    assert not list((await core_of(group)).home.folder.rglob(f"*{SUFFIX}"))


async def test_a_torn_store_is_refused_until_it_is_healed(group: FTGroup) -> None:
    active = (await group.look()).status.active
    assert active is not None
    await publish(group, active, b"whole", b"torn", channel="torn")
    injected = await group.inject(TruncateStore())
    record = await injected.outcome()
    assert record.as_expected is True, record.observed
    document = await group.document()
    assert document["state"] == "down"
    assert all("unexpected EOF" in node["problem"] for node in document["nodes"])
    await injected.heal()
    await group.wait_state(GroupState.HEALTHY, timeout=30)
    assert await stored(group, "torn") == [b"whole", b"torn"]


async def test_the_servers_own_repair_drops_the_torn_message_alone(group: FTGroup) -> None:
    active = (await group.look()).status.active
    assert active is not None
    await publish(group, active, b"whole", b"torn", channel="repaired")
    await group.inject(TruncateStore())
    assert "has been truncated to offset" in await group.repair_store()
    look = await group.look()
    await group.wait_state(GroupState.HEALTHY, timeout=30)
    assert await stored(group, "repaired") == [b"whole"]
    assert not any(node.arguments for node in look.plan.nodes)
    assert (await group.document())["faults"] == []


@pytest.mark.parametrize("before", [_LONG[0], "copy", "effect"])
async def test_truncate_store_killed_half_way_is_healed(group: FTGroup, name: str, before: str) -> None:
    active = (await group.look()).status.active
    assert active is not None
    await publish(group, active, b"whole", channel=f"killed-{before}")
    kill_half_way(name, TruncateStore.name, before)
    await group.start("@all")
    await group.wait_state(GroupState.HEALTHY, timeout=30)
    assert await stored(group, f"killed-{before}") == [b"whole"]
    assert not list((await core_of(group)).home.folder.rglob(f"*{SUFFIX}"))


@pytest.mark.slow
async def test_a_snapshot_is_of_a_group_at_rest_and_comes_back(group: FTGroup) -> None:
    core = await core_of(group)
    active = (await group.look()).status.active
    assert active is not None
    await publish(group, active, b"1", channel="copied")
    with pytest.raises(Refused, match="may be writing"):
        await store_snapshots.snapshot(core, "one")
    await group.down(timeout=5)
    await store_snapshots.snapshot(core, "one")
    with pytest.raises(StoreRefused, match="exists already"):
        await store_snapshots.snapshot(core, "one")
    active = (await group.up()).status.active
    assert active is not None
    await publish(group, active, b"2", channel="copied")
    with pytest.raises(Refused, match="may be writing"):
        await store_snapshots.restore(core, "one")
    await group.down(timeout=5)
    with pytest.raises(StoreRefused, match="no snapshot 'two'"):
        await store_snapshots.restore(core, "two")
    store = core.home.default_store
    owner = store.stat().st_uid
    aside = await store_snapshots.restore(core, "one")
    assert store.stat().st_uid == owner
    await group.up()
    assert await stored(group, "copied") == [b"1"]
    await group.down(timeout=5)
    await store_snapshots.restore(core, aside)
    await group.up()
    assert await stored(group, "copied") == [b"1", b"2"]
