"""The terminal interface in a terminal: keys in, what is on the screen out, each with its time."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

COLUMNS, ROWS = 120, 40
_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?<>=$]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-Z]|[=>])")
_CHUNK = 1 << 16
_POLL_S = 0.002
_PATIENCE_S = 60.0
"""Timeout for actions that take milliseconds on an idle machine."""


class Screen(Protocol):
    """A terminal in which one command runs."""

    pid: int
    """The options of the command."""

    def press(self, key: str) -> float:
        """Types one character; the moment just before, in seconds since the epoch."""
        ...

    def seen(self, text: str, *, timeout: float = _PATIENCE_S) -> float:
        """Return when `text` first appeared since the last key press; `TimeoutError` if it did not."""
        ...


class Raw:
    """A pseudo-terminal that is not drawn: what the application writes is what it shows."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            command, env=env, stdin=side, stdout=side, stderr=side, start_new_session=True
        )
        os.close(side)
        self.pid = self.process.pid
        self._chunks: list[tuple[float, bytes]] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._main, _CHUNK)
            except OSError:  # how a pseudo-terminal says that its other side is closed
                return
            with self._news:
                self._chunks.append((time.time(), data))
                self._news.notify_all()

    def press(self, key: str) -> float:
        with self._news:
            self._chunks.clear()
        pressed = time.time()
        os.write(self._main, key.encode())
        return pressed

    def seen(self, text: str, *, timeout: float = _PATIENCE_S) -> float:
        end = time.monotonic() + timeout
        with self._news:
            while True:
                if (found := self._find(text.encode())) is not None:
                    return found
                if not self._news.wait(end - time.monotonic()):
                    raise TimeoutError(f"{text!r} was not seen within {timeout:g} s")

    def _find(self, text: bytes) -> float | None:
        """Return when all of the text was there, across chunks and changes of style; None if it is not."""
        if text not in _ESCAPES.sub(b"", b"".join(data for _, data in self._chunks)):
            return None
        so_far = b""
        for moment, data in self._chunks:
            so_far += data
            if text in _ESCAPES.sub(b"", so_far):
                return moment
        raise AssertionError("what all chunks hold, the last of them completes")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        os.close(self._main)


class Tmux:
    """A real terminal: what is seen is what tmux has drawn."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], name: str) -> None:
        self._tmux = ("tmux", "-L", name)
        size = ("-x", str(COLUMNS), "-y", str(ROWS))
        self._run("new-session", "-d", *size, f"exec {shlex.join(command)}", env=env)
        self.pid = int(self._run("list-panes", "-F", "#{pane_pid}"))

    def _run(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        done = subprocess.run((*self._tmux, *arguments), env=env, capture_output=True, text=True, check=True)
        return done.stdout

    def press(self, key: str) -> float:
        pressed = time.time()
        self._run("send-keys", "-l", key)
        return pressed

    def seen(self, text: str, *, timeout: float = _PATIENCE_S) -> float:
        end = time.monotonic() + timeout
        while text not in self._run("capture-pane", "-p"):
            if time.monotonic() > end:
                raise TimeoutError(f"{text!r} was not seen within {timeout:g} s")
            time.sleep(_POLL_S)
        return time.time()

    def close(self) -> None:
        self._run("kill-server")


@contextmanager
def raw(command: Sequence[str], env: Mapping[str, str]) -> Iterator[Screen]:
    """The command in a `Raw` terminal; it is killed at the end."""
    screen = Raw(command, {**env, "TERM": "xterm-256color"})
    try:
        yield screen
    finally:
        screen.close()


@contextmanager
def tmux(command: Sequence[str], env: Mapping[str, str]) -> Iterator[Screen]:
    """The command in a server of tmux of its own."""
    screen = Tmux(command, {**env, "TERM": "xterm-256color"}, f"bench-{os.getpid()}")
    try:
        yield screen
    finally:
        screen.close()
