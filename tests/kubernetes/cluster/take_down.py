"""Taking the cluster down, whatever of it is there."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path

from tests.kubernetes.cluster import cgroups, kernel_settings
from tests.kubernetes.cluster.commands import run
from tests.kubernetes.cluster.errors import ClusterError
from tests.kubernetes.cluster.layout import HOST_CABLE, NODES, SWITCH, Paths
from tests.kubernetes.cluster.locks import MACHINE, locked


def down() -> bool:
    """End all processes of the cluster, and remove all that it made; what was built stays.

    Return False if there was nothing. The mounts of nodes and pods go away with the last process that sees
    them. Raises `ClusterError` if something cannot be removed.
    """
    with locked(MACHINE):
        if not left():
            return False
        remove_all(Paths())
        return True


def remove_all(paths: Paths) -> None:
    """Remove whatever there is; the caller holds the machine's lock."""
    cgroups.kill_members()
    remove_networks()
    cgroups.remove()
    kernel_settings.restore(paths)
    _remove_folders(paths)


def left() -> list[str]:
    """Return what of the cluster is on this machine: processes, networks, links, mounts, cgroups, folders."""
    found = [f"process {pid}" for pid in sorted(cgroups.members())]
    found += [f"network namespace {name}" for name in _networks()]
    found += [f"link {HOST_CABLE}"] if Path("/sys/class/net", HOST_CABLE).exists() else []
    found += ["cgroup"] if cgroups.exist() else []
    root = Paths().root
    found += [f"mount {line.split()[4]}" for line in _mounts() if line.split()[4].startswith(f"{root}/")]
    found += [f"folder {root}"] if root.exists() else []
    return found


def _mounts() -> list[str]:
    return Path("/proc/self/mountinfo").read_text().splitlines()


def _networks() -> list[str]:
    names = (SWITCH, *(node.network for node in NODES))
    return [name for name in names if Path("/run/netns", name).exists()]


def remove_networks() -> None:
    """Remove the switch, the networks of the nodes and all cables."""
    for name in _networks():
        run(("ip", "netns", "delete", name))
    if Path("/sys/class/net", HOST_CABLE).exists():
        # The switch, and the other end of the cable with it, may go away a moment later by itself.
        with suppress(ClusterError):
            run(("ip", "link", "delete", HOST_CABLE))


def _remove_folders(paths: Paths) -> None:
    made = json.loads(paths.made_folders.read_text()) if paths.made_folders.exists() else []
    for folder in made:
        with suppress(OSError):  # something else is in it by now
            Path(folder).rmdir()
    if paths.root.exists():
        shutil.rmtree(paths.root)
