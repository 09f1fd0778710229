"""`down` keeps data; only `--purge` deletes, and only what the group made itself."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import docker
import pytest

from stanlocal.api import FTGroup, core_of
from stanlocal.errors import StoreRefused
from stanlocal.lifecycle.engine_choice import SERVER_USER
from stanlocal.store.layout import MARKER_FILE
from tests.integration.group.messages import first_message, publish
from tests.support.census import NOTHING, Left
from tests.support.cli import Cli
from tests.support.server import running


async def test_a_message_that_was_published_before_down_is_read_after_up(group: FTGroup) -> None:
    await publish(await group.up(), b"kept")
    done = await group.down(timeout=0)
    assert len(done.removed) == 2
    assert await first_message(await group.up()) == b"kept"


async def test_a_group_that_is_down_is_still_known_with_its_urls_logs_and_events(
    group: FTGroup, left: Left
) -> None:
    look = await group.up()
    before = await (await core_of(group)).events()
    await group.down(timeout=0)
    assert (left.census().containers, left.census().networks) == (frozenset(), frozenset())
    document = await group.document()
    assert (document["state"], document["active"], document["nodes"]) == ("down", None, [])
    assert document["client_urls"] == list(look.plan.client_urls)
    lines = [line.line.message for line in await group.logs()]
    assert sum("Streaming Server is ready" in line for line in lines) == 1
    after = await (await core_of(group)).events()
    assert [event.document() for event in after[: len(before)]] == [event.document() for event in before]


async def test_down_again_says_that_there_is_nothing(group: FTGroup) -> None:
    await group.up()
    await group.down(timeout=0)
    assert (await group.down()).removed == ()


async def test_a_polite_down_lets_the_servers_end_by_themselves(group: FTGroup) -> None:
    """SIGTERM, and no SIGKILL before the grace is over."""
    await group.up()
    await group.down(timeout=10)
    lines = [line.line.message for line in await group.logs()]
    assert sum("Shutting down." in line for line in lines) == 2


async def test_purge_deletes_the_store_and_all_that_is_remembered(
    group: FTGroup, group_name: str, left: Left
) -> None:
    store = Path((await group.up()).plan.store_dir)
    await group.down(timeout=0, purge=True)
    assert not store.exists()
    assert left.census() == NOTHING


async def test_a_paused_group_is_taken_down_too(group: FTGroup, left: Left) -> None:
    await group.up()
    await group.pause("@all")
    await group.down(timeout=0, purge=True)
    assert left.census() == NOTHING


def test_purge_leaves_what_the_servers_did_not_make_and_says_so(
    cli: Cli, purged_by_name: None, tmp_path: Path
) -> None:
    """A foreign file in a channel's folder stays, too; the purge can be repeated once it is moved away."""
    store = tmp_path / "store"
    cli.ok("up", "--store-dir", str(store))
    (store / "orders").mkdir()
    mine = [store / "notes.txt", store / "orders" / "notes.txt"]
    for path in mine:
        path.write_text("mine")
    done = cli.run("down", "--purge", "--yes", "--timeout", "0")
    assert done.returncode == 2
    for path in mine:
        assert path.read_text() == "mine"
        assert f"left: {path} was not made by the server or stanlocal" in done.stderr
        path.unlink()
    assert cli.run("down", "--purge", "--yes").returncode == 0
    assert not store.exists()


def test_purge_without_a_terminal_needs_yes(cli: Cli, tmp_path: Path, purged_by_name: None) -> None:
    store = tmp_path / "store"
    cli.ok("up", "--store-dir", str(store))
    done = cli.run("down", "--purge")
    assert done.returncode == 2
    assert "'--yes'" in done.stderr
    assert cli.json("status")["state"] == "healthy"
    assert (store / MARKER_FILE).exists()


def test_a_store_that_was_there_before_is_used_but_never_purged(
    cli: Cli, purged_by_name: None, server_binary: Path, tmp_path: Path
) -> None:
    """Users look at a store from somewhere else in this way."""
    store = tmp_path / "store"
    with running(server_binary, store) as server:
        server.wait_for("Streaming Server is ready")
    content = sorted(path.name for path in store.iterdir())
    if os.geteuid() == 0:
        for path in (store, *store.iterdir()):
            os.chown(path, *map(int, SERVER_USER.split(":")))
    cli.ok("up", "--store-dir", str(store))
    done = cli.run("down", "--purge", "--yes", "--timeout", "0")
    assert done.returncode == 2
    assert "it was a store before stanlocal used it" in done.stderr
    assert sorted(path.name for path in store.iterdir() if path.name != MARKER_FILE) == content
    shutil.rmtree(store)


_WRONG = ["a folder with files", "the home folder", "the root folder"]


@pytest.mark.parametrize("what", _WRONG)
async def test_a_wrong_store_dir_deletes_no_file(
    group_name: str, left: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """`up` refuses it and `down --purge` deletes nothing of it."""
    mine = tmp_path / "mine"
    (mine / "letters").mkdir(parents=True)
    (mine / "letters" / "msgs.1.dat").write_text("looks like a store's file")
    (mine / "server.dat").write_text("and so does this")
    monkeypatch.setenv("HOME", str(mine))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    chosen = {"a folder with files": str(mine), "the home folder": "~", "the root folder": "/"}[what]
    before = sorted(Path(chosen).expanduser().iterdir())
    group = FTGroup(group=group_name, store_dir=chosen)
    with pytest.raises(StoreRefused, match="is not a store of the server"):
        await group.up()
    assert left.census() == NOTHING
    await group.down(purge=True)
    await group.close()
    assert sorted(Path(chosen).expanduser().iterdir()) == before
    assert (mine / "letters" / "msgs.1.dat").read_text() == "looks like a store's file"


@pytest.mark.only_on("docker", "processes have no networks")
async def test_down_does_not_fail_halfway_when_foreign_containers_joined_the_networks(
    group: FTGroup, group_name: str, docker_client: docker.DockerClient, left: Left
) -> None:
    """The nodes are gone, the error names what is in the way, and the next `down` ends it."""
    await group.up()
    guest = docker_client.containers.create("nats-streaming:0.25.6", name=f"guest-{group_name}")
    docker_client.networks.get(f"{group_name}-clients").connect(guest)
    guest.start()
    try:
        with pytest.raises(Exception, match="has active endpoints"):
            await group.down(timeout=0)
        assert left.census().containers == frozenset()
    finally:
        guest.remove(force=True)
    await group.down(purge=True)
    assert left.census() == NOTHING
