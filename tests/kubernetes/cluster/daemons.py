"""The processes of the cluster, started, found again and ended."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from stanlocal.machine.process_identity import birth_of
from tests.kubernetes.cluster import cgroups
from tests.kubernetes.cluster.commands import ENVIRONMENT, wait_until
from tests.kubernetes.cluster.errors import ClusterError
from tests.kubernetes.cluster.layout import Node, Paths
from tests.kubernetes.cluster.program import Program

_START_S = 30.0
_END_S = 30.0
_START = 'while [ "$1" != -- ]; do echo $$ >"$1" || exit; shift; done; shift; exec "$@"'
"""Shell script that writes its pid to files, those before `--`, and becomes the command after it."""


class Daemons:
    """The processes of a cluster in these folders."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def pid(self, name: str) -> int | None:
        """Return the pid of the process of that name; None if it does not run."""
        pid = self._written_pid(name)
        return pid if pid is not None and birth_of(pid) and cgroups.is_member(pid) else None

    def _written_pid(self, name: str) -> int | None:
        try:
            return int(self._file(name).read_text())
        except (FileNotFoundError, ValueError):  # it may be about to write it
            return None

    def start(self, program: Program) -> None:
        """Start it unless it runs, as no child of this process: it goes on when this one ends."""
        if self.pid(program.name) is not None:
            return
        self._file(program.name).unlink(missing_ok=True)
        command = self.member(program.command, program.inside, self._file(program.name))
        with self.log(program.name).open("ab") as log:
            subprocess.run(
                ["setsid", "--fork", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=ENVIRONMENT,
                check=True,
            )
        wait_until(lambda: self._written_pid(program.name) is not None, f"start of {program.name}", _START_S)

    def member(
        self, command: Sequence[str], inside: Node | None = None, pid_file: Path | None = None
    ) -> Sequence[str]:
        """Return the command as one that belongs to the cluster, and ends with it at the latest.

        `inside` is the node whose network and mounts it sees; `pid_file` gets its pid.
        """
        files = [str(path) for path in (*cgroups.entrances(), pid_file) if path is not None]
        namespaces = self._namespaces(inside) if inside is not None else ()
        return ("sh", "-c", _START, "sh", *files, "--", *namespaces, *command)

    def _namespaces(self, node: Node) -> tuple[str, ...]:
        pid = self.pid(node.name)
        if pid is None:
            raise ClusterError(f"{node.name} has ended; see {self.log(node.name)}")
        return ("nsenter", "--target", str(pid), "--net", "--mount")

    def end(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """End the process of that name, if it runs; return once it has ended."""
        pid = self.pid(name)
        if pid is None:
            return
        process = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(process, how)
            if not select.select([process], [], [], _END_S)[0]:
                raise ClusterError(f"{name} (pid {pid}) has not ended {_END_S:g} s after {how.name}")
        finally:
            os.close(process)

    def ended(self, name: str) -> bool:
        """Return whether a process of that name was started and has ended."""
        return self._written_pid(name) is not None and self.pid(name) is None

    def log(self, name: str) -> Path:
        """Return the file with what the process of that name writes."""
        return self._paths.logs / name

    def _file(self, name: str) -> Path:
        return self._paths.pids / name
