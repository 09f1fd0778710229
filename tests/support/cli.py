"""The `stanlocal` command as users run it: a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "stanlocal")
_TIMEOUT_S = 90
"""More than `up` gives itself."""
_ATTEMPTS = 20
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Cli:
    """Runs the command in a folder and an environment of its own, for one group if it names one."""

    folder: Path
    """The working directory."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables set over the test's own environment."""
    group: str | None = None

    def environment(self) -> dict[str, str]:
        """Run without terminal and colours, as scripts and CI do."""
        return {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb", **self.env}

    def command(self, *arguments: str) -> list[str]:
        """The command line of the process."""
        group = ("--group", self.group) if self.group else ()
        return [*COMMAND, *group, *arguments]

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """The command, ended; nothing is on its standard input."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env={**self.environment(), **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
        )

    def ok(self, *arguments: str, **env: str) -> str:
        """Return the output of a command that must succeed."""
        done = self.run(*arguments, **env)
        assert done.returncode == 0, f"{arguments}: exit {done.returncode}: {done.stderr}"
        return done.stdout

    def up_with_first_active(self) -> None:
        """Bring the group up, again until its first node is active: the servers' waits draw which one is."""
        for _ in range(_ATTEMPTS):
            if self.json("up")["active"].endswith("-0"):
                return
            self.ok("down", "--purge", "--yes", "--timeout", "0")
        raise AssertionError(f"another node than the first was active in each of {_ATTEMPTS} groups")

    def json(self, *arguments: str, **env: str) -> Any:
        """Return the one document that a command that must succeed prints with `--json`."""
        return json.loads(self.ok(*arguments, "--json", **env))

    @contextmanager
    def started(self, *arguments: str, **env: str) -> Iterator[subprocess.Popen[str]]:
        """The command while it runs; what is left of it at the end is killed."""
        with subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env={**self.environment(), **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()


_MOVED = re.compile(r"port \d+ is (taken|kept for|another node's).* listens on \d+ instead")


def the_error(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line by which a command reports its failure, on standard error and nowhere else.

    Before it stands at most which ports other groups have: that depends on what else runs.
    """
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    *before, error = done.stderr.splitlines()
    assert [line for line in before if not _MOVED.fullmatch(line)] == []
    return error


def interrupt(process: subprocess.Popen[str], timeout: float = 30) -> tuple[int, str, str]:
    """Interrupt the process as Ctrl-C does; return exit code, standard output and standard error."""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err
