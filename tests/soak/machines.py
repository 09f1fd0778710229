"""Machines of a trial's own, whose daemons end in several ways: that of an engine, and that of processes."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from stanlocal.engine.docker import endpoint
from stanlocal.settings.tool_options import DEFAULT_IMAGE
from tests.support.census import Left
from tests.support.own_engine import OwnEngine, own_engine
from tests.support.processes import kill_all, processes_of

STOP, KILL, REBOOT = "stop", "kill", "reboot"
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_WITH_BOOT_ID = f'mount --bind "$0" {_BOOT_ID} && exec "$@"'


class Machine(ABC):
    """What groups run on; commands of the trial run inside of it."""

    ways: Sequence[str]
    """Ways in which it can end, some of them several times: one is drawn."""
    env: Mapping[str, str]
    """Variables of commands."""

    @abstractmethod
    def inside(self) -> list[str]:
        """Return the words that run a command inside."""

    @abstractmethod
    def end(self, way: str) -> None:
        """End the daemon, or with `reboot` all that runs, commands included."""

    @abstractmethod
    def start(self) -> None:
        """Start again what ended."""

    @abstractmethod
    def left(self, group: str) -> dict[str, set[str]]:
        """Return what there is of a group, by kind."""


class EngineMachine(Machine):
    """A Docker daemon with a network of its own."""

    ways = (KILL, KILL, KILL, REBOOT, REBOOT, STOP)

    def __init__(self, engine: OwnEngine, state: Path) -> None:
        self._engine = engine
        self._state = state
        self.env = {
            "DOCKER_HOST": engine.url,
            "STANLOCAL_ENGINE": "docker",
            "XDG_STATE_HOME": str(state),
        }

    def inside(self) -> list[str]:
        return self._engine.inside()

    def end(self, way: str) -> None:
        {STOP: self._engine.stop, KILL: self._engine.kill, REBOOT: self._engine.crash}[way]()

    def start(self) -> None:
        self._engine.start()

    def left(self, group: str) -> dict[str, set[str]]:
        with closing(self._engine.client()) as client:
            found = Left(client, self._state, group).census()
        return found.named()


class ProcessMachine(Machine):
    """The machine that the trial runs on, as far as processes of its folder go; its boots have ids."""

    ways = (REBOOT,)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state = folder / "state"
        self._boot = folder / "boot-id"
        self.env = {"STANLOCAL_ENGINE": "process", "XDG_STATE_HOME": str(self._state)}
        self.start()

    def inside(self) -> list[str]:
        return ["unshare", "--mount", "sh", "-c", _WITH_BOOT_ID, str(self._boot)]

    def end(self, way: str) -> None:
        assert way == REBOOT
        kill_all(lambda: processes_of(self._folder))

    def start(self) -> None:
        self._boot.unlink(missing_ok=True)  # what ran before, if anything is left, keeps the old one
        self._boot.write_text(f"{uuid.uuid4()}\n")

    def left(self, group: str) -> dict[str, set[str]]:
        return Left(None, self._state, group).census().named()


@contextmanager
def own_machine(case: str, folder: Path) -> Iterator[Machine]:
    """The machine of a case, whose commands run in `folder`; nothing of it runs afterwards."""
    if case.startswith("process"):
        processes = ProcessMachine(folder)
        try:
            yield processes
        finally:
            processes.end(REBOOT)
        return
    with ExitStack() as stack:
        # A short path, as sockets need one; a daemon's files are no evidence, and large.
        place = Path(mkdtemp(prefix="soak-"))
        stack.callback(rmtree, place, ignore_errors=True)
        engine = stack.enter_context(own_engine(place))
        with closing(endpoint.connect()) as client:
            engine.load(DEFAULT_IMAGE, client)
        yield EngineMachine(engine, folder / "state")
