"""Watches of single files: the store's lock file and stanlocal.toml."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path


async def changes(file: Path) -> AsyncGenerator[str]:
    """Yield `removed`, `replaced` (another was renamed over it) or `changed` at each such event.

    The file's folder is watched, so the file may be absent.
    """
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers import Observer

    loop = asyncio.get_running_loop()
    seen: asyncio.Queue[str] = asyncio.Queue()

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            if str(event.dest_path) == str(file):
                self._report("replaced")
            elif str(event.src_path) == str(file):
                self._report("removed" if event.event_type in ("deleted", "moved") else "changed")

        @staticmethod
        def _report(what: str) -> None:
            loop.call_soon_threadsafe(seen.put_nowait, what)

    observer = Observer()
    observer.schedule(Handler(), str(file.parent))
    observer.start()
    try:
        while True:
            yield await seen.get()
    finally:
        observer.stop()
        await asyncio.to_thread(observer.join)


async def lock_file_losses(lock_file: Path) -> AsyncGenerator[str]:
    """Yield `removed` or `replaced` each time that happens to a store's lock file.

    Other changes are ignored: the servers truncate the file at each attempt to lock it.
    """
    async for change in changes(lock_file):
        if change != "changed":
            yield "replaced" if os.path.lexists(lock_file) else "removed"
