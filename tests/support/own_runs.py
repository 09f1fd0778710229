"""Runs of `stanlocal run`, each on a group of its own, and what they leave."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.cli import Cli
from tests.support.processes import processes_of

if TYPE_CHECKING:
    import docker


@dataclass(slots=True)
class OwnRuns:
    """The command line, with a state folder in which no other test has groups."""

    cli: Cli
    state: Path
    docker: docker.DockerClient | None
    _seen: set[str] = field(default_factory=set)

    def python(self, script: str) -> list[str]:
        """Return the command that runs a script, whose file is kept in the working folder."""
        path = self.cli.folder / f"{abs(hash(script))}.py"
        path.write_text(script)
        return [sys.executable, str(path)]

    def path(self) -> str:
        """Return a PATH on which `stanlocal` is, as installed."""
        return os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """`stanlocal run` with these arguments, ended."""
        return self.cli.run("run", *arguments, **env)

    def started(self, *arguments: str) -> AbstractContextManager[subprocess.Popen[str]]:
        """`stanlocal run` with these arguments, while it runs."""
        return self.cli.started("run", *arguments)

    def groups(self) -> set[str]:
        """Return the names of the groups whose folders are there."""
        home = self.state / "stanlocal"
        found = {path.name for path in home.iterdir()} if home.exists() else set()
        self._seen |= {name for name in found if not name.startswith("_")}
        return found

    def left(self) -> dict[str, list[str]]:
        """Return all that is there of any group of these runs."""
        found = {"folders": sorted(name for name in self.groups() if not name.startswith("_"))}
        found["processes"] = sorted(map(str, processes_of(self.state)))
        if self.docker is not None:
            named = [str(each.name) for each in self.docker.containers.list(all=True, ignore_removed=True)]
            named += [str(each.name) for each in self.docker.networks.list()]
            named += [str(each.name) for each in self.docker.volumes.list()]
            found["engine"] = sorted(name for name in named if name.rpartition("-")[0] in self._seen)
        return {kind: names for kind, names in found.items() if names}
