"""Waiting for changes in folders, with inotify and without."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stanlocal.machine.folder_changes import FolderChanges

WAYS = [pytest.param(True, marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux only")), False]


@pytest.mark.parametrize("inotify", WAYS)
async def test_a_change_after_a_look_is_not_missed(tmp_path: Path, inotify: bool) -> None:
    (tmp_path / "file").touch()
    acts: list[Callable[[], object]] = [
        lambda: (tmp_path / "file").write_text("changed"),
        lambda: (tmp_path / "file").rename(tmp_path / "other"),
        lambda: (tmp_path / "folder").mkdir(),
        lambda: (tmp_path / "other").unlink(),
    ]
    with FolderChanges(inotify=inotify) as changes:
        for act in acts:
            changes.watch(tmp_path)
            act()
            async with asyncio.timeout(5):
                await changes.wait(60)


async def test_inotify_wakes_only_at_a_change(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("inotify is Linux's")
    with FolderChanges() as changes:
        changes.watch(tmp_path)
        waiting = asyncio.create_task(changes.wait(60))
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        assert not done
        (tmp_path / "file").touch()
        await asyncio.wait_for(waiting, 5)


@pytest.mark.parametrize("inotify", WAYS)
async def test_a_wait_ends_at_its_timeout(tmp_path: Path, inotify: bool) -> None:
    with FolderChanges(inotify=inotify) as changes:
        changes.watch(tmp_path)
        async with asyncio.timeout(5):
            await changes.wait(0.01)


@pytest.mark.parametrize("inotify", WAYS)
async def test_a_missing_folder_is_polled(tmp_path: Path, inotify: bool) -> None:
    with FolderChanges(inotify=inotify) as changes:
        changes.watch(tmp_path / "later")
        async with asyncio.timeout(5):
            await changes.wait(60)
