"""The identity of this machine, boot and process table, to tell records of different machines apart."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from stanlocal.machine.locks import INITIAL_PID_NAMESPACE

_MACHINE_ID = Path("/etc/machine-id")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")


def machine_id(file: Path = _MACHINE_ID, namespace: Path = _PID_NAMESPACE) -> str | None:
    """Identify this machine over reboots; None where that is unknown.

    The system's id is hashed, as it is confidential. In a container it belongs to the image, which many
    containers share, and is ignored.
    """
    try:
        if namespace.stat().st_ino != INITIAL_PID_NAMESPACE:
            return None
        text = file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):  # the system has none, or is not set up yet
        return None
    if len(text) != 32:
        return None
    import hashlib

    return hashlib.sha256(f"stanlocal {text}".encode()).hexdigest()[:16]


def boot_id() -> str | None:
    """Identify this boot of this machine; None where that is unknown."""
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or None
    try:
        return _BOOT_ID.read_text("ascii").strip() or None
    except OSError:  # not Linux
        return None


def pid_namespace() -> str:
    """Identify the process table of this process's pid: each container has its own; `-` without any."""
    try:
        return str(_PID_NAMESPACE.readlink())
    except OSError:  # not Linux
        return "-"
