"""Which machine, boot and process table this is: what tells records of one machine from another's."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from stanlocal.machine.locks import INITIAL_PID_NAMESPACE

_MACHINE_ID = Path("/etc/machine-id")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")


def machine_id(file: Path = _MACHINE_ID, namespace: Path = _PID_NAMESPACE) -> str | None:
    """Identify this machine over reboots; None where that is unknown.

    The system's id is hashed, as it is not to be shown. In a container it is its image's, which many share,
    and counts for nothing.
    """
    try:
        if namespace.stat().st_ino != INITIAL_PID_NAMESPACE:
            return None
        text = file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):  # a system without, or one not set up yet
        return None
    return hashlib.sha256(f"stanlocal {text}".encode()).hexdigest()[:16] if len(text) == 32 else None


def boot_id() -> str | None:
    """Identify this boot of this machine; None where that is unknown."""
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or None
    try:
        return _BOOT_ID.read_text("ascii").strip() or None
    except OSError:  # a system without
        return None


def pid_namespace() -> str:
    """Name the table that this process's pid is from: each container counts its processes by itself."""
    try:
        return str(_PID_NAMESPACE.readlink())
    except OSError:  # a system without
        return "-"
