"""The command line with a state folder of the trial's own, and what is left of its groups."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker

from stanlocal.engine.docker import endpoint
from tests.soak.commands import Words
from tests.support.cli import Cli
from tests.support.own_runs import OwnRuns

DEFECT = "defect"
"""Word in the line by which the tool reports that it failed in a way that no one thought of."""
ENDS_S = 180.0
"""Seconds in which a command has to end, however busy the machine is."""


@dataclass(frozen=True, slots=True)
class OwnTool:
    """The command line for one group."""

    runs: OwnRuns
    group: str

    @property
    def cli(self) -> Cli:
        """The command line."""
        return self.runs.cli

    @property
    def engine(self) -> str:
        """Name of the engine."""
        return self.cli.env["STANLOCAL_ENGINE"]

    def start(self, words: Words) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            self.cli.command(*words),
            cwd=self.cli.folder,
            env=self.cli.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_hears_hangups,
        )

    def end(self, process: subprocess.Popen[str], words: Words) -> tuple[int, str, str]:
        """Return exit code, standard output and standard error of a command that has to end by itself."""
        done = ended(process, words)
        self.runs.groups()
        return done

    def ok(self, words: Words) -> str:
        """Return the output of a command that must succeed."""
        code, out, err = self.end(self.start(words), words)
        assert code == 0, f"'{' '.join(words)}': exit {code}: {err}"
        return out

    def converges(self, *, by_up: bool) -> None:
        """Have the next `up` or `down` recover everything; nothing is left in the end."""
        if by_up:
            self.comes_up()
        self.leaves_nothing()

    def comes_up(self) -> None:
        """Have `up` bring the group to healthy."""
        self.ok(("up",))
        document = json.loads(self.ok(("status", "--json")))
        names = [node["name"] for node in document["nodes"]]
        assert document["state"] == "healthy", document
        assert names == [f"{self.group}-{index}" for index in range(len(names))], document

    def leaves_nothing(self) -> None:
        """Have `down` purge the group, of which nothing is left then."""
        self.ok(("down", "--purge", "--yes", "--timeout", "0"))
        left = self.runs.left()
        assert left == {}, f"left: {left}"


def ended(process: subprocess.Popen[str], words: Words) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of a command, which ends by itself.

    Raises `AssertionError` if it does not, or reports a defect of the tool.
    """
    try:
        out, err = process.communicate(timeout=ENDS_S)
    except subprocess.TimeoutExpired:
        process.kill()
        _, err = process.communicate()
        raise AssertionError(f"'{' '.join(words)}' did not end within {ENDS_S:g} s: {err}") from None
    assert "Traceback" not in err, f"'{' '.join(words)}': {err}"
    assert DEFECT not in err, f"'{' '.join(words)}': {err}"
    return process.returncode, out, err


def _hears_hangups() -> None:
    """Undo what `nohup` did to this process."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@contextmanager
def own_tool(engine: str, folder: Path, env: Mapping[str, str] | None = None) -> Iterator[OwnTool]:
    """The tool on an engine, with a state folder in `folder` unless `env`, its variables, names one.

    Whatever a failed trial leaves is removed.
    """
    env = {"XDG_STATE_HOME": str(folder / "state"), "STANLOCAL_ENGINE": engine, **(env or {})}
    state = Path(env["XDG_STATE_HOME"])
    group = f"soak-{secrets.token_hex(4)}"
    with closing(endpoint.connect()) if engine == "docker" else _none() as client:
        tool = OwnTool(OwnRuns(Cli(folder, env, group), state, client), group)
        try:
            yield tool
        finally:
            tool.cli.run("down", "--purge", "--yes", "--timeout", "0")


@contextmanager
def _none() -> Iterator[docker.DockerClient | None]:
    yield None
