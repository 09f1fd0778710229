"""A group's own folder: its lock between processes, its plan, its saved logs."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from stanlocal.errors import GroupError
from stanlocal.group.home import GroupHome, bound_groups, known_groups, unused_folders
from tests.support.facts import group_plan

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def home(tmp_path: Path) -> GroupHome:
    return GroupHome(tmp_path / "groups" / "stan")


def silent() -> None:
    """Report nothing."""


# The lock


def _hold(folder: Path, here: Connection) -> None:
    async def hold() -> None:
        async with GroupHome(folder, lock_retry_s=0.001).lock(silent):
            here.send("held")
            here.recv()

    asyncio.run(hold())


@contextmanager
def holder(home: GroupHome) -> Iterator[tuple[int, Callable[[], None]]]:
    """Another process that holds the lock: its pid, and a call that releases it."""
    ours, theirs = FORK.Pipe()
    process = FORK.Process(target=_hold, args=(home.folder, theirs))
    process.start()
    assert ours.recv() == "held"
    assert process.pid is not None
    yield process.pid, lambda: ours.send("let go")
    process.join(10)
    assert not process.is_alive()


@pytest.mark.parametrize("end", ["let go", "kill -9"])
async def test_the_lock_is_had_once_its_holder_lets_go_or_is_killed(home: GroupHome, end: str) -> None:
    reports: list[str] = []
    with holder(home) as (pid, let_go):
        waiting = asyncio.Event()

        def wait() -> None:
            reports.append("waiting")
            waiting.set()

        async def take() -> None:
            async with home.lock(wait):
                reports.append("held")

        taking = asyncio.create_task(take())
        await waiting.wait()
        await asyncio.sleep(0.01)
        assert reports == ["waiting"]
        if end == "let go":
            let_go()
        else:
            os.kill(pid, signal.SIGKILL)
        await asyncio.wait_for(taking, 10)
    assert reports == ["waiting", "held"]


async def test_who_waits_can_be_cancelled(home: GroupHome) -> None:
    with holder(home) as (_, let_go):
        taking = asyncio.create_task(home.lock(silent).__aenter__())
        await asyncio.sleep(0.01)
        taking.cancel()
        await asyncio.wait([taking], timeout=5)
        assert taking.cancelled()
        let_go()


async def test_an_error_within_frees_the_lock(home: GroupHome) -> None:
    with pytest.raises(KeyError):
        async with home.lock(silent):
            raise KeyError("x")
    async with asyncio.timeout(5), home.lock(pytest.fail):
        pass


async def test_one_at_a_time_though_some_purge_the_group(home: GroupHome) -> None:
    """The lock file goes with the group; who waited for the old one must not hold it beside the new one."""
    inside = 0

    async def change(number: int) -> None:
        nonlocal inside
        async with GroupHome(home.folder, lock_retry_s=0.001).lock(silent):
            inside += 1
            assert inside == 1
            home.save_plan(group_plan())
            await asyncio.sleep(0.002)
            if number % 2:
                home.forget()
            inside -= 1

    async with asyncio.timeout(20):
        await asyncio.gather(*(change(number) for number in range(30)))


def _churn(folder: Path, turns: int, counter: Path) -> None:
    async def churn() -> None:
        home = GroupHome(folder)
        for turn in range(turns):
            async with home.lock(silent):
                counter.touch(exist_ok=False)
                home.save_plan(group_plan())
                if turn % 2:
                    home.forget()
                counter.unlink()

    asyncio.run(churn())


def test_processes_that_make_and_purge_a_group_at_once_never_meet(home: GroupHome, tmp_path: Path) -> None:
    args = (home.folder, 60, tmp_path / "inside")
    processes = [FORK.Process(target=_churn, args=args) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0, 0]


async def test_a_lock_that_led_to_nothing_leaves_no_folder(home: GroupHome) -> None:
    async with home.lock(silent):
        pass
    assert not home.folder.exists()
    async with home.lock(silent):
        home.save_plan(group_plan())
    assert home.folder.exists()


async def test_the_folder_can_be_removed_under_the_lock(home: GroupHome) -> None:
    async with home.lock(silent):
        (home.folder / "lock").unlink()
        home.folder.rmdir()
    assert not home.folder.exists()


async def test_a_file_in_the_folders_place_is_not_waited_for(home: GroupHome) -> None:
    home.folder.parent.mkdir()
    home.folder.write_text("mine")
    with pytest.raises(FileExistsError):
        await home.lock(silent).__aenter__()
    assert home.folder.read_text() == "mine"


async def test_forgetting_keeps_the_store_and_what_is_not_known(home: GroupHome) -> None:
    plan = group_plan()
    plan = replace(plan, state_dir=str(home.folder), user=f"{os.getuid()}:{os.getgid()}")
    async with home.lock(silent):
        home.save_plan(plan)
        home.write_conf(plan, plan.nodes[0], "x")
        (home.folder / "logs").mkdir()
        (home.folder / "logs" / "stan-0.log").touch()
        home.default_store.mkdir()
        (home.folder / "notes.txt").write_text("mine")
        home.forget()
    assert sorted(entry.name for entry in home.folder.iterdir()) == ["lock", "notes.txt", "store"]


# The plan


def test_a_plan_is_kept_and_read_back(home: GroupHome) -> None:
    assert home.load_plan() is None
    home.save_plan(group_plan(3))
    home.save_plan(group_plan(2))
    assert home.load_plan() == group_plan(2)
    assert [entry.name for entry in home.folder.iterdir()] == ["group.json"]
    assert (home.folder / "group.json").stat().st_mode & 0o777 == 0o600


def test_groups_with_a_plan_are_known(home: GroupHome) -> None:
    groups = home.folder.parent
    assert list(known_groups(groups)) == []
    for name in ("stan", "another"):
        GroupHome(groups / name).save_plan(group_plan())
    (groups / "no-plan").mkdir()
    (groups / "file").write_text("x")
    assert list(known_groups(groups)) == ["another", "stan"]


def test_the_process_that_a_group_is_made_for_is_kept_until_the_group_is_forgotten(home: GroupHome) -> None:
    assert home.binding() is None
    home.save_binding("docker", "2 m b n 7 x")
    assert home.binding() == ("docker", "2 m b n 7 x")
    assert list(bound_groups(home.folder.parent)) == [home.folder.name]
    home.forget()
    assert home.binding() is None
    (home.folder / "bound-to").write_bytes(b"\xff")
    assert home.binding() is None


async def test_a_folder_without_anything_is_dropped_unless_a_command_holds_its_lock(home: GroupHome) -> None:
    home.save_binding("docker", "2 m b n 7 x")
    async with home.lock(lambda: None):
        GroupHome(home.folder).drop_unused()
        assert home.binding() is not None
        (home.folder / "bound-to").unlink()
        assert list(unused_folders(home.folder.parent)) == [home.folder.name]
        home.save_binding("docker", "2 m b n 7 x")
    assert not home.folder.exists()
    home.save_plan(group_plan())
    home.drop_unused()
    assert home.load_plan() == group_plan()
    assert list(unused_folders(home.folder.parent)) == []
    home.forget()
    home.drop_unused()
    assert not home.folder.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"nodes":[]}',
        b'{"nodes":7}',
        b'{"nodes":[7]}',
        b"\xff\xfe",
        b"[" * 99_999,
    ],
    ids=lambda content: content[:20].decode("latin-1"),
)
def test_an_invalid_plan_is_reported_and_kept(home: GroupHome, content: bytes) -> None:
    home.folder.mkdir(parents=True)
    path = home.folder / "group.json"
    path.write_bytes(content)
    with pytest.raises(GroupError, match="does not hold the plan of a group"):
        home.load_plan()
    assert path.read_bytes() == content


def test_a_plan_that_cannot_be_read_is_said(home: GroupHome) -> None:
    (home.folder / "group.json").mkdir(parents=True)
    with pytest.raises(GroupError, match="does not hold the plan"):
        home.load_plan()


def test_a_plan_that_cannot_be_written_leaves_the_old_one(
    home: GroupHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.save_plan(group_plan(2))

    def full(self: Path, target: Path) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space"):
        home.save_plan(group_plan(3))
    assert home.load_plan() == group_plan(2)
    assert [entry.name for entry in home.folder.iterdir()] == ["group.json"]


def test_a_configuration_is_for_the_servers_user_only(home: GroupHome) -> None:
    user = (65532, 65532) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    plan = replace(group_plan(), state_dir=str(home.folder), user=f"{user[0]}:{user[1]}")
    for text in ("old", "new"):
        home.write_conf(plan, plan.nodes[0], text)
    conf = Path(plan.conf_dir(plan.nodes[0])) / "stan.conf"
    assert conf.read_text() == "new"
    for path, mode in ((conf, 0o600), (conf.parent, 0o700)):
        found = path.stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (*user, mode)
