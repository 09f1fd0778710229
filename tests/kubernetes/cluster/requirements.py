"""The reasons why a cluster cannot run on a machine."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tests.kubernetes.cluster import cgroups
from tests.kubernetes.cluster.commands import PATH
from tests.kubernetes.cluster.errors import CannotRun

_PACKAGES = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "setsid": "util-linux",
    "sysctl": "procps",
    "glusterfsd": "glusterfs-server",
    "glusterfs": "glusterfs-client",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
}
"""Debian's packages by the programs that the cluster runs."""


def check_machine() -> None:
    """Raise `CannotRun` with the reason if no package could make a cluster run here."""
    if sys.platform != "linux":
        raise CannotRun(f"the cluster needs Linux; this is {sys.platform}")
    if os.geteuid() != 0:
        raise CannotRun("the cluster needs root, for namespaces, mounts and cgroups")
    found = cgroups.mounted()
    if not found:
        raise CannotRun("the cluster needs cgroups; none are mounted here")
    if read_only := [str(each) for each in found if not os.access(each, os.W_OK)]:
        raise CannotRun(f"the cluster needs cgroups of its own; {', '.join(read_only)} cannot be written")
    if not Path("/dev/fuse").exists():
        raise CannotRun("the cluster needs FUSE, for its shared file system; /dev/fuse is missing")


def missing_packages() -> list[str]:
    """Return Debian's packages that have to be installed."""
    return sorted({package for program, package in _PACKAGES.items() if not shutil.which(program, path=PATH)})


def check_packages() -> None:
    """Raise `CannotRun` with what to install."""
    if missing := missing_packages():
        raise CannotRun(f"programs are missing; on Debian 'apt-get install {' '.join(missing)}'")
