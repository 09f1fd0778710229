"""Waits for changes in folders without constant polling, for the process engine.

On Linux inotify is used, which costs nothing until a change. On other systems, and if no inotify instance is
left (a user has 128), a wait lasts 20 ms. Changes are hints: look, then wait, then look again. Unlike
`file_watch` it needs neither a thread nor an import of watchdog, and does not say what changed.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import sys
from functools import cache
from pathlib import Path
from types import TracebackType

_POLL_S = 0.02
_BUFFER = 1 << 16
# Values from linux/inotify.h
_IN_MODIFY, _IN_MOVED_FROM, _IN_MOVED_TO, _IN_CREATE, _IN_DELETE = 0x2, 0x40, 0x80, 0x100, 0x200
_EVENTS = _IN_MODIFY | _IN_MOVED_FROM | _IN_MOVED_TO | _IN_CREATE | _IN_DELETE


class FolderChanges:
    """The changes in some folders, not in their subfolders; a context manager."""

    def __init__(self, *, inotify: bool = sys.platform == "linux") -> None:
        self._inotify: int | None = _inotify() if inotify else None
        self._blind = False
        """Whether some folder is not watched."""

    def __enter__(self) -> FolderChanges:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._inotify is not None:
            os.close(self._inotify)

    def watch(self, *folders: Path) -> None:
        """Watch these folders too; while one of them is missing, waits are polls."""
        if self._inotify is None:
            return
        self._blind = False
        for folder in folders:
            if _libc().inotify_add_watch(self._inotify, os.fsencode(folder), _EVENTS) < 0:
                self._blind = True

    async def wait(self, timeout: float) -> None:
        """Return after a change or `timeout` seconds; it may return early without a change."""
        if self._inotify is None or self._blind:
            await asyncio.sleep(min(_POLL_S, timeout))
            return
        loop = asyncio.get_running_loop()
        changed = loop.create_future()
        loop.add_reader(self._inotify, _settle, changed)
        timer = loop.call_later(timeout, _settle, changed)
        try:
            await changed
        finally:
            timer.cancel()
            loop.remove_reader(self._inotify)
        self._drain(self._inotify)

    def _drain(self, descriptor: int) -> None:
        try:
            os.read(descriptor, _BUFFER)
        except BlockingIOError:  # the timeout ended the wait
            return


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _inotify() -> int | None:
    """Return an inotify descriptor; None if the system has none left."""
    descriptor = int(_libc().inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
    if descriptor >= 0:
        return descriptor
    if ctypes.get_errno() in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        return None
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
