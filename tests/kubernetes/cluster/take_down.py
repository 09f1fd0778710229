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
from tests.kubernetes.cluster.locks import MACHINE, in_use, locked


def down() -> bool:
    """End all processes of the cluster, and remove all that it made; what was built stays.

    Waits for tests that are under way. Return False if there was nothing. The mounts of nodes and pods go
    away with the last process that sees them. Raises `ClusterError` if something cannot be removed.
    """
    paths = Paths()
    with in_use(paths), locked(MACHINE):
        if not left():
            return False
        remove_all(paths)
        return True


def remove_all(paths: Paths) -> None:
    """Remove whatever there is; the caller holds the machine's lock."""
    cgroups.kill_members()
    remove_networks(paths)
    cgroups.remove()
    kernel_settings.restore(paths)
    _remove_folders(paths)


def left() -> list[str]:
    """Return what of the cluster is on this machine: processes, networks, links, mounts, cgroups, folders."""
    found = [f"process {pid}" for pid in sorted(cgroups.members())]
    found += [f"network namespace {name}" for name in _networks()]
    found += [f"link {HOST_CABLE}"] if Path("/sys/class/net", HOST_CABLE).exists() else []
    found += ["cgroup"] if cgroups.exist() else []
    paths = Paths()
    found += [f"mount {point}" for point in _mount_points() if point.startswith(f"{paths.root}/")]
    found += [f"folder {folder}" for folder in (paths.root, paths.removed) if folder.exists()]
    return found


def _mount_points() -> list[str]:
    return [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]


def _networks() -> list[str]:
    names = (SWITCH, *(node.network for node in NODES))
    return [name for name in names if Path("/run/netns", name).exists()]


def remove_networks(paths: Paths) -> None:
    """Remove the switch, the networks of the nodes and all cables."""
    paths.network.unlink(missing_ok=True)
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
    # Under another name first: an interrupted removal must not leave what looks like a cluster.
    if paths.removed.exists():
        shutil.rmtree(paths.removed)
    if paths.root.exists():
        paths.root.rename(paths.removed)
        shutil.rmtree(paths.removed)
