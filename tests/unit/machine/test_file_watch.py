"""Watches of single files, with real folders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

from stanlocal.machine.file_watch import lock_file_losses


async def test_removal_and_replacement_of_a_lock_file_are_reported_and_truncation_is_not(
    tmp_path: Path,
) -> None:
    file, other = tmp_path / "lock", tmp_path / "other"
    file.touch()

    def truncate_and_remove() -> None:
        file.write_bytes(b"")
        file.unlink()

    def replace() -> None:
        file.touch()
        other.touch()
        other.replace(file)

    acts: list[tuple[str, Callable[[], object]]] = [("removed", truncate_and_remove), ("replaced", replace)]
    async with aclosing(lock_file_losses(file)) as losses:
        for expected, act in acts:
            following = asyncio.ensure_future(anext(losses))
            await asyncio.sleep(0)  # lets the watch begin
            act()
            assert await asyncio.wait_for(following, 5) == expected
