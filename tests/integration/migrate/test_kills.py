"""The tool is killed at random points of packing and loading, and servers while they are loaded.

Run again, everything is equal and nothing is twice.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from stanlocal.errors import JetStreamError
from stanlocal.migrate.archive.reading import read_archive
from stanlocal.migrate.inventory import take_inventory
from stanlocal.migrate.jetstream.connection import connected
from stanlocal.migrate.load import load
from stanlocal.migrate.pack import pack
from stanlocal.migrate.pack_folder import DATA, PackFolder, read_pack
from stanlocal.migrate.plan import MigrationPlan, make_plan
from stanlocal.migrate.verify import verify
from tests.support.cli import ROOT
from tests.support.jetstream import (
    JetStreamServer,
    build_jetstream,
    make_ready,
    running_cluster,
    running_jetstream,
)
from tests.support.stores import make_store, slice_of, subscription, update

pytestmark = pytest.mark.server

MESSAGES = 20_000
_FEW_AND_MANY = [2, pytest.param(20, marks=pytest.mark.slow)]
_RUN = (
    "from stanlocal.__main__ import main; import stanlocal.cli.migrate, stanlocal.migrate.load;"
    "import stanlocal.migrate.pack; print('ready', flush=True); main()"
)
"""Runs the command once it says that everything is imported, so that it is killed while it works."""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> MigrationPlan:
    """Two channels, the first with an acknowledged prefix and 500 unacknowledged messages."""
    sent = range(1, 1_001)
    subs = [(1, subscription(1, "dur")), *((5, update(1, each)) for each in sent)]
    subs += [(4, update(1, each)) for each in sent if each % 2]
    store = make_store(
        tmp_path_factory.mktemp("kills") / "store",
        [slice_of(random.Random(0).randbytes(60) for _ in range(MESSAGES))],
        subs=subs,
    )
    (store / "second").mkdir()
    few = [b"%d" % number for number in range(MESSAGES // 4)]
    slice_of(few[:3_000], 7, "second").write(store / "second")
    slice_of(few[3_000:], 3_057, "second").write(store / "second", 2)  # behind a gap
    return make_plan(take_inventory(store), limits_known=False)


@pytest.fixture(scope="module")
def packed(plan: MigrationPlan, tmp_path_factory: pytest.TempPathFactory) -> PackFolder:
    folder = tmp_path_factory.mktemp("packs") / "pack"
    pack(plan, folder)
    return read_pack(folder)


@contextmanager
def _working(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command from the moment at which it begins to work."""
    with subprocess.Popen(
        [sys.executable, "-c", _RUN, "migrate", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def _whole_run(*arguments: str) -> float:
    """Return the seconds of a run that nothing ends."""
    with _working(*arguments) as process:
        began = time.monotonic()
        assert process.wait(timeout=60) == 0
        return time.monotonic() - began


def _killed_after(seconds: float, *arguments: str) -> None:
    with _working(*arguments) as process:
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)


def _messages(folder: Path) -> dict[str, list[tuple[str, int, int, bytes]]]:
    """The messages of a pack by stream."""
    return {
        stream.name: [
            (each.name, each.time, each.sequence, each.data)
            for each in read_archive(folder / stream.name / DATA)
            if each.sequence
        ]
        for stream in read_pack(folder).streams
    }


@pytest.mark.parametrize("points", _FEW_AND_MANY)
def test_a_pack_that_was_killed_is_whole_when_it_is_made_again(
    plan: MigrationPlan, packed: PackFolder, tmp_path: Path, points: int
) -> None:
    wanted = _messages(packed.path)
    folder = tmp_path / "pack"
    command = ("pack", str(plan.inventory.store), "--out", str(folder))
    took = _whole_run(*command)
    rng = random.Random(points)
    for _ in range(points):
        shutil.rmtree(folder, ignore_errors=True)
        _killed_after(rng.uniform(0, took), *command)
        if not folder.exists():
            _whole_run(*command)
        assert _messages(folder) == wanted
        assert [path.name for path in tmp_path.iterdir()] == ["pack"]


async def _finish(packed: PackFolder, plan: MigrationPlan, url: str, replicas: int = 1) -> None:
    """Load it to the end, and hold it to the store."""
    async with connected(url) as server:
        await load(packed, server, replicas=replicas, accept_loss=True)
        verdict = await verify(plan, server)
        assert [each.detail for stream in verdict.streams for each in stream.differences.listed] == []
        assert verdict.document()["messages"] == MESSAGES + MESSAGES // 4


async def _cleared(packed: PackFolder, url: str) -> None:
    async with connected(url) as server:
        for stream in packed.streams:
            if await server.stream(stream.name) is not None:
                await server.delete_stream(stream.name)


@pytest.mark.parametrize("points", _FEW_AND_MANY)
def test_a_load_that_was_killed_is_equal_when_it_is_run_again(
    plan: MigrationPlan, packed: PackFolder, jetstream: JetStreamServer, points: int
) -> None:
    command = ("load", str(packed.path), "--to", jetstream.url)
    took = _whole_run(*command)
    rng = random.Random(points)
    for _ in range(points):
        asyncio.run(_cleared(packed, jetstream.url))
        _killed_after(rng.uniform(0, took), *command)
        asyncio.run(_finish(packed, plan, jetstream.url))


@pytest.mark.parametrize("points", _FEW_AND_MANY)
def test_a_server_that_is_killed_while_it_is_loaded_gets_everything_once(
    plan: MigrationPlan, packed: PackFolder, jetstream_binary: Path, tmp_path: Path, points: int
) -> None:
    """The command soon says that it failed, or it goes on; run again, everything is there."""
    rng, port, took = random.Random(points), None, 0.0
    for number in range(points + 1):
        with ExitStack() as stack:
            server = stack.enter_context(running_jetstream(jetstream_binary, tmp_path / "js", port))
            port = server.port
            asyncio.run(_cleared(packed, server.url))
            if not number:
                took = _whole_run("load", str(packed.path), "--to", server.url)
                continue
            process = stack.enter_context(_working("load", str(packed.path), "--to", server.url))
            time.sleep(rng.uniform(0, took))
            server.process.kill()
            server.process.wait()
            with running_jetstream(jetstream_binary, tmp_path / "js", port) as again:
                assert process.wait(timeout=60) in (0, 1)
                asyncio.run(_finish(packed, plan, again.url))


@pytest.mark.slow
def test_a_load_by_publishing_that_was_killed_is_equal_when_it_is_run_again(
    plan: MigrationPlan, packed: PackFolder, tmp_path: Path
) -> None:
    """Into a server before 2.15; every other time the server is killed, too."""
    binary = asyncio.run(build_jetstream("2.12.15"))
    rng, port, took = random.Random(0), None, 0.0
    for number in range(13):
        with ExitStack() as stack:
            server = stack.enter_context(running_jetstream(binary, tmp_path / "js", port))
            port = server.port
            command = ("load", str(packed.path), "--to", server.url, "--accept-loss")
            asyncio.run(_cleared(packed, server.url))
            if not number:
                took = _whole_run(*command)
                continue
            process = stack.enter_context(_working(*command))
            time.sleep(rng.uniform(0, took))
            process.kill()
            if number % 2:
                server.process.kill()
                server.process.wait()
                stack.enter_context(running_jetstream(binary, tmp_path / "js", port))
            asyncio.run(_finish(packed, plan, server.url))


@pytest.mark.slow
async def test_servers_of_a_cluster_that_are_killed_while_it_is_loaded(
    plan: MigrationPlan, packed: PackFolder, jetstream_binary: Path, tmp_path: Path
) -> None:
    """Each run is against a cluster of its own; the killed server stays away until the load was run again."""
    rng = random.Random(0)
    for number in range(3):
        with running_cluster(jetstream_binary, tmp_path / f"cluster-{number}") as servers:
            await make_ready(servers)
            victim = servers[rng.randrange(3)]
            urls = ",".join(each.url for each in servers)

            async def first_load(urls: str = urls) -> None:
                try:
                    async with connected(urls) as server:
                        await load(packed, server, replicas=3)
                except JetStreamError:
                    return

            loading = asyncio.create_task(first_load())
            await asyncio.sleep(rng.uniform(0, 2))
            victim.process.kill()
            await loading
            others = ",".join(each.url for each in servers if each is not victim)
            async with asyncio.timeout(100):  # the others elect a leader first, and do not answer until then
                while not await _finished(packed, plan, others):
                    pass


async def _finished(packed: PackFolder, plan: MigrationPlan, urls: str) -> bool:
    try:
        await _finish(packed, plan, urls, replicas=3)
    except JetStreamError as error:
        if "did not answer" not in str(error):
            raise
        return False
    return True
