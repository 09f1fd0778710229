"""The reader's findings about a store compared with what the real server does with it."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stanlocal import stan
from stanlocal.machine.locks import LOCK_FILE
from stanlocal.monitor import pages
from stanlocal.store.format.encryption import StoreKey
from stanlocal.store.format.message import StoredMessage
from stanlocal.store.format.slices import Window
from stanlocal.store.inspect.dump import dump
from stanlocal.store.inspect.overview import overview
from stanlocal.store.verify.problems import Kind, Start
from stanlocal.store.verify.store import verify
from tests.support.damage import DAT, MIDDLE, PLANTED, Plant, flip, sound
from tests.support.ports import free_ports
from tests.support.server import StreamingServer, running

pytestmark = pytest.mark.server

READY = "Streaming Server is ready"


@pytest.fixture
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the second look: nothing is being written."""
    monkeypatch.setattr("stanlocal.store.verify.store._FRESH_S", -1.0)


def start_alone(binary: Path, store: Path) -> tuple[bool, list[str]]:
    """Return whether a server without a group becomes ready on the store, and what it wrote until then."""
    command = [str(binary), "-a", "127.0.0.1", "-p", str(free_ports(1)[0]), "-st", "file", "-dir", str(store)]
    lines = []
    environment = {**os.environ, "TZ": "UTC"}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, errors="replace", env=environment
    ) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                lines.append(line)
                if READY in line:
                    return True, lines
        finally:
            process.kill()
    return False, lines


@pytest.mark.usefixtures("_settled")
@pytest.mark.parametrize("plant", [row[1] for row in PLANTED], ids=[row[0] for row in PLANTED])
def test_the_server_starts_on_a_damaged_store_just_when_verify_says_so(
    server_binary: Path, tmp_path: Path, plant: Plant
) -> None:
    store = sound(tmp_path / "store")
    plant(store)
    verdict = verify(store, cluster_id="test-cluster")
    starts, lines = start_alone(server_binary, store)
    assert starts is verdict.starts, "".join(lines)
    refused = [problem for problem in verdict.problems if problem.start is Start.REFUSED]
    if any("truncate -s" not in problem.fix for problem in refused):
        return
    for problem in reversed(refused):
        _fix(store, problem.fix)
    assert start_alone(server_binary, store)[0], refused


def _fix(store: Path, fix: str) -> None:
    """Follow the fix: run the shell command in it, and remove the file that it names."""
    _, command, also = fix.split("'")
    subprocess.run(command.split(), cwd=store, check=True)
    if "remove " in also:
        (store / also.split("remove ")[1].split(":")[0]).unlink(missing_ok=True)


def test_corruption_in_mid_slice_is_found_while_the_server_starts_without_a_word(
    server_binary: Path, tmp_path: Path
) -> None:
    store = sound(tmp_path / "store")
    flip(DAT, MIDDLE + 40)(store)
    (problem,) = verify(store).problems
    assert (problem.kind, problem.file, problem.offset) == (Kind.MESSAGE_DAMAGED, DAT, MIDDLE)
    assert "sequence 501" in problem.detail
    starts, lines = start_alone(server_binary, store)
    assert starts
    assert not [line for line in lines if "[INF]" not in line]


async def _ready(server: StreamingServer) -> str:
    server.wait_for(READY)
    return f"nats://127.0.0.1:{server.client_port}"


async def test_numbers_agree_with_the_monitor_and_a_subscriber_before_and_after_a_failover(
    server_binary: Path, tmp_path: Path
) -> None:
    store, limits = tmp_path / "store", {"max_msgs": 3000}
    options = ("-mm", "3000")
    with running(server_binary, store, *options) as server:
        url = await _ready(server)
        async with stan.connect(url, cluster_id="test-cluster", client_id="writer") as client:
            for channel, count in (("orders", 5000), ("bills.eu", 700)):
                await client.publish_batch(
                    channel, [b"%d" % number * (number % 50) for number in range(count)]
                )
            sub = await client.subscribe(
                "orders", start=stan.DeliverAll(), durable_name="d", manual_ack=True, max_inflight=40
            )
            messages = [await anext(sub) for _ in range(40)]
            for message in messages[:15]:
                await message.ack()
            await client.publish("orders", b"flushes what was sent and acknowledged")
            await sub.close()
        before = await _agree(server.monitor_url, store, limits)
        assert before["orders"][0] == 3000
    with running(server_binary, store, *options) as server:  # the former active was killed
        url = await _ready(server)
        assert await _agree(server.monitor_url, store, limits) == before
        assert verify(store, cluster_id="test-cluster").problems == []
        async with stan.connect(url, cluster_id="test-cluster", client_id="reader") as client:
            for channel, (count, _, _, last) in before.items():
                sub = await client.subscribe(channel, start=stan.DeliverAll())
                seen = [(await anext(sub)).sequence for _ in range(count)]
                assert seen == list(range(last - count + 1, last + 1))


async def _agree(monitor: str, store: Path, limits: dict[str, int]) -> dict[str, tuple[int, ...]]:
    """Each channel's messages, bytes, first and last sequence, once store and monitor agree on them."""
    told = {channel["name"]: channel for channel in await pages.channels(monitor, 5)}
    read = {channel["name"]: channel for channel in overview(store, limits)["channels"]}
    assert set(told) == set(read)
    keys = ("msgs", "bytes", "first_seq", "last_seq")
    for name, channel in told.items():
        assert read[name]["kept"] == {key: channel[key] for key in keys}
        theirs, ours = (_known(each) for each in (channel, read[name]))
        assert ours == theirs
    return {name: tuple(channel[key] for key in keys) for name, channel in told.items()}


def _known(channel: dict[str, Any]) -> list[tuple[Any, ...]]:
    subs = channel.get("subscriptions", [])
    return [(sub.get("durable_name"), sub["last_sent"], sub["pending_count"]) for sub in subs]


async def test_a_store_under_publishing_and_compaction_has_no_false_alarm(
    server_binary: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    options = (
        *("-file_compact_interval", "1", "-file_compact_min_size", "1000", "-file_compact_frag", "1"),
        *("-file_slice_max_msgs", "2000", "-mm", "6000", "-file_sync=false"),
    )
    with running(server_binary, store, *options) as server:
        url = await _ready(server)
        lock = (store / LOCK_FILE).stat()
        async with stan.connect(url, cluster_id="test-cluster", client_id="busy") as client:
            sub = await client.subscribe("orders", _ignore, start=stan.DeliverAll(), durable_name="d")
            for number in range(12):
                await client.publish_batch("orders", [b"m" * (number * 20 + 1)] * 1000)
                publishing = client.publish_batch("orders", [b"n" * 64] * 1000)
                verdict, _ = await asyncio.gather(asyncio.to_thread(verify, store), publishing)
                assert verdict.problems == [], number
            await sub.close()
        assert (store / LOCK_FILE).stat().st_mtime_ns == lock.st_mtime_ns
        assert overview(store)["channels"][0]["last_seq"] == 24000


async def _ignore(message: stan.Message) -> None:
    pass


@pytest.mark.parametrize("cipher", ["AES", "CHACHA"])
async def test_an_encrypted_store_is_read_with_its_key_and_reported_as_encrypted_without(
    server_binary: Path, tmp_path: Path, cipher: str
) -> None:
    store = tmp_path / "store"
    key = ("-encrypt", "-encryption_key", "of-a-test", "-encryption_cipher", cipher)
    with running(server_binary, store, *key) as server:
        url = await _ready(server)
        async with stan.connect(url, cluster_id="test-cluster", client_id="writer") as client:
            await client.publish_batch("secret", [b"plain text %d" % number for number in range(50)])
            await client.publish("secret", b"")
    found = verify(store)
    assert (found.ok, found.maybe_encrypted) == (True, ["secret"])
    (channel,) = overview(store)["channels"]
    assert (channel["msgs"], channel["maybe_encrypted"]) == (51, True)
    assert b"plain text" not in b"".join(path.read_bytes() for path in (store / "secret").iterdir())
    right, wrong = StoreKey.of("of-a-test"), StoreKey.of("of another test")
    messages = [each for each in dump(store, "secret", Window(), right) if isinstance(each, StoredMessage)]
    assert [each.data for each in messages] == [*(b"plain text %d" % number for number in range(50)), b""]
    assert (verify(store, key=right).ok, verify(store, key=right).maybe_encrypted) == (True, [])
    (problem,) = verify(store, key=wrong).problems
    assert problem.kind is Kind.UNDECRYPTABLE
    assert "sequence 1 cannot be decrypted" in problem.detail
    assert "and 49 more messages" in problem.detail
