"""The cgroups of the cluster, in every hierarchy: those of version 1, that of version 2, or both."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.kubernetes.cluster.errors import ClusterError
from tests.kubernetes.cluster.layout import CGROUP, DAEMONS, NODES

_MOUNTS = Path("/proc/self/mounts")
_END_S = 30.0


def hierarchies(mounts: str) -> Sequence[Path]:
    """Return where cgroups are mounted, from the text of /proc/mounts. Pure."""
    fields = [line.split() for line in mounts.splitlines()]
    return [Path(each[1]) for each in fields if each[2] in ("cgroup", "cgroup2")]


def mounted() -> Sequence[Path]:
    """Return where this machine's cgroups are."""
    return hierarchies(_MOUNTS.read_text())


def make() -> None:
    """Make the cgroups of the daemons and of each node."""
    for hierarchy in mounted():
        _delegate(hierarchy)
        _make(hierarchy, CGROUP)
        _delegate(hierarchy / CGROUP)
        for name in (DAEMONS, *(node.cgroup for node in NODES)):
            _make(hierarchy, name)


def _delegate(folder: Path) -> None:
    """Let the children of a version 2 cgroup have all of its controllers."""
    controllers = folder / "cgroup.controllers"
    if controllers.exists() and (names := controllers.read_text().split()):
        (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in names))


def _make(hierarchy: Path, name: str) -> None:
    folder = hierarchy / name
    folder.mkdir(exist_ok=True)
    # In version 1 a new cpuset has neither CPUs nor memory, and takes no process.
    for setting in ("cpuset.cpus", "cpuset.mems"):
        file = folder / setting
        if (hierarchy / "tasks").exists() and file.exists() and not file.read_text().strip():
            file.write_text((hierarchy / setting).read_text())


def entrances() -> Sequence[Path]:
    """Return the files that a daemon writes its pid to, to be found by `members` with all its children."""
    return [hierarchy / DAEMONS / "cgroup.procs" for hierarchy in mounted()]


def is_member(pid: int) -> bool:
    """Return whether the process is there and belongs to the cluster."""
    try:
        cgroups = Path(f"/proc/{pid}/cgroup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    # In a container the paths begin with its own.
    return any(f"/{CGROUP}/" in line for line in cgroups.splitlines())


def members() -> set[int]:
    """Return the pids of all processes of the cluster."""
    return {pid for folder in _folders() for pid in _pids(folder)}


def _pids(folder: Path) -> list[int]:
    with suppress(FileNotFoundError, OSError):  # kubelet removes a pod's meanwhile
        return [int(pid) for pid in (folder / "cgroup.procs").read_text().split()]
    return []


def _folders() -> Iterator[Path]:
    """Yield each cgroup of the cluster, the inner ones first."""
    for hierarchy in mounted():
        for folder, _, _ in os.walk(hierarchy / CGROUP, topdown=False):
            yield Path(folder)


def kill_members() -> None:
    """Kill all processes of the cluster, and return once they are gone; raise `ClusterError` otherwise."""
    deadline = time.monotonic() + _END_S
    while pids := members():  # they may have made others meanwhile
        if time.monotonic() > deadline:
            raise ClusterError(f"processes that do not end: {sorted(pids)}")
        _kill(pids)


def _kill(pids: set[int]) -> None:
    """Kill these processes and wait until they have ended, for a second at most."""
    with ExitStack() as files:
        ending = select.poll()
        count = 0
        for pid in pids:
            try:
                process = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            files.callback(os.close, process)
            # From here on the number cannot be another's; until here it may have become one.
            if not is_member(pid):
                continue
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, signal.SIGKILL)
                ending.register(process, select.POLLIN)
                count += 1
        until = time.monotonic() + 1
        while count > 0 and (left := until - time.monotonic()) > 0:
            for process, _ in ending.poll(left * 1000):
                ending.unregister(process)
                count -= 1


def remove() -> None:
    """Remove the cgroups, which hold no process any more."""
    for folder in list(_folders()):
        with suppress(FileNotFoundError):
            folder.rmdir()


def exist() -> bool:
    """Return whether a cgroup of the cluster is there."""
    return any((hierarchy / CGROUP).exists() for hierarchy in mounted())
