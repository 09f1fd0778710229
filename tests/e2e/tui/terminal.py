"""A real terminal: tmux without anybody looking, given keys and read as people read it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.conftest import unavailable

_LOOK_EVERY_S = 0.05
_TIMEOUT_S = 60.0
"""Seconds that suffice on a busy machine."""


class Terminal:
    """One program in a terminal of its own."""

    def __init__(self, socket: str) -> None:
        self._socket = socket

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", self._socket, "-f", "/dev/null", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout

    def press(self, *keys: str) -> None:
        """Keys as tmux names them, `Enter`, `Escape`, or text that is typed."""
        self._tmux("send-keys", "-t", "it", *keys)

    def move(self, key: str) -> None:
        """Presses a key that moves the cursor, and returns once it has."""
        before = self._cursor
        self.press(key)
        self._wait(lambda: self._cursor != before, f"{key} did not move the cursor", _TIMEOUT_S)

    @property
    def _cursor(self) -> str:
        return self._tmux("display-message", "-p", "-t", "it", "#{cursor_x},#{cursor_y}")

    @property
    def screen(self) -> str:
        """Text on the screen, without colours."""
        return self._tmux("capture-pane", "-p", "-t", "it")

    def wait_for(self, pattern: str, *, timeout: float = _TIMEOUT_S) -> re.Match[str]:
        """The pattern on the screen, as soon as it is there."""
        found: list[re.Match[str]] = []

        def look() -> bool:
            found.extend(filter(None, [re.search(pattern, self.screen)]))
            return bool(found)

        self._wait(look, f"{pattern!r} did not come up", timeout)
        return found[0]

    def wait_while(self, pattern: str, *, timeout: float = _TIMEOUT_S) -> None:
        """Returns once the pattern is not on the screen any more."""
        self._wait(lambda: not re.search(pattern, self.screen), f"{pattern!r} is still there", timeout)

    def wait_end(self, *, timeout: float = _TIMEOUT_S) -> None:
        """Returns once the program has ended, and with it the terminal."""
        self._wait(lambda: not self._lives(), "the program goes on", timeout)

    def _wait(self, reached: Callable[[], bool], otherwise: str, timeout: float) -> None:
        end = time.monotonic() + timeout
        while not reached():
            assert time.monotonic() < end, f"{otherwise} within {timeout} s:\n{self.screen}"
            time.sleep(_LOOK_EVERY_S)

    def _lives(self) -> bool:
        command = ["tmux", "-S", self._socket, "has-session", "-t", "it"]
        return subprocess.run(command, capture_output=True, timeout=30).returncode == 0


@contextmanager
def terminal(
    command: Sequence[str], *, env: Mapping[str, str], folder: Path, columns: int, rows: int
) -> Iterator[Terminal]:
    """The command in a terminal of that size; it is ended with the block."""
    if shutil.which("tmux") is None:
        unavailable("no tmux on PATH; on Debian 'apt-get install tmux'")
    with TemporaryDirectory() as own:  # a test's own folder has too long a name for a socket
        socket = f"{own}/socket"
        start = ["tmux", "-S", socket, "-f", "/dev/null", "new-session", "-d", "-s", "it"]
        start += ["-x", str(columns), "-y", str(rows), "-c", str(folder), shlex.join(command)]
        size_of_another = {"COLUMNS", "LINES"}  # textual believes these, and workers of tests have them
        inherited = {name: value for name, value in env.items() if name not in size_of_another}
        subprocess.run(start, env=inherited, check=True, timeout=30)
        try:
            yield Terminal(socket)
        finally:
            subprocess.run(["tmux", "-S", socket, "kill-server"], capture_output=True, timeout=30)
