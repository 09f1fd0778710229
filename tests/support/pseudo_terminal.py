"""A process on a terminal of its own that can be closed under it, as a window is."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_END_S = 30


class OnTerminal:
    """The process, and what it has written to the terminal so far."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self._master = master
        self._written = bytearray()
        self._more = threading.Condition()
        self._stop, self._stopper = os.pipe()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._closed = False
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):  # the process has ended
            while self._stop not in select.select([self._master, self._stop], [], [])[0]:
                chunk = os.read(self._master, 1 << 16)
                with self._more:
                    self._written += chunk
                    self._more.notify_all()

    def wait_for(self, text: str) -> None:
        """Return once it has written that."""
        self.search(re.escape(text))

    def search(self, pattern: str) -> str:
        """Return the written text that matches, as soon as it is there."""
        found: list[re.Match[bytes]] = []

        def look() -> bool:
            found.extend(filter(None, [re.search(pattern.encode(), self._written)]))
            return bool(found)

        with self._more:
            assert self._more.wait_for(look, _END_S), f"{pattern!r} is not in {bytes(self._written)!r}"
        return found[0][0].decode()

    def press(self, keys: bytes) -> None:
        """Type that on its keyboard."""
        os.write(self._master, keys)

    def hang_up(self) -> None:
        """Close the terminal: the process gets SIGHUP, and what it writes fails."""
        if not self._closed:
            self._closed = True
            os.close(self._stopper)  # first: a terminal that is being read stays open
            self._reader.join()
            os.close(self._stop)
            os.close(self._master)

    def end(self) -> int:
        """Wait for its end; return its exit code."""
        return self.process.wait(_END_S)


@contextmanager
def on_terminal(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> Iterator[OnTerminal]:
    """The process while it runs; killed at the end if it is still there."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        # A session of its own, whose terminal it becomes by opening it.
        ["setsid", "--ctty", *command],
        cwd=folder,
        env=env,
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    terminal = OnTerminal(process, master)
    try:
        yield terminal
    finally:
        process.kill()
        process.wait()
        terminal.hang_up()
