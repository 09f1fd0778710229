"""stanlocal as users run it: its console script, compiled, in a state folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.group.rows import timed


class Command:
    """The installed command, for one group."""

    def __init__(self, folder: Path, group: str, engine: str = "docker") -> None:
        self.group = group
        self._folder = folder
        self._program = Path(sys.executable).with_name("stanlocal")
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("STANLOCAL", "PYTHON"))
        }
        # Compiled modules are what an installed package has; they are kept out of the source tree here.
        self.env = {
            **kept,
            "XDG_STATE_HOME": str(folder / "state"),
            "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
            "STANLOCAL_ENGINE": engine,
        }

    def line(self, *arguments: str) -> list[str]:
        return [str(self._program), "--group", self.group, *arguments]

    def run(self, *arguments: str) -> None:
        """Run the command to its end, which must be successful."""
        done = subprocess.run(
            self.line(*arguments), env=self.env, cwd=self._folder, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise RuntimeError(f"stanlocal {' '.join(arguments)}: exit {done.returncode}: {done.stderr}")

    def seconds(self, *arguments: str) -> float:
        """Return the seconds that the whole process takes."""
        return timed(lambda: self.run(*arguments))

    @contextmanager
    def up(self, *arguments: str) -> Iterator[None]:
        """Bring the group up for the block, and purge it afterwards."""
        self.run("up", *arguments)
        try:
            yield
        finally:
            self.purge()

    def purge(self) -> None:
        self.run("down", "--purge", "--yes", "--timeout", "0")
