"""The node that opens a route: by the name that it sends first or, if that is encrypted, by its process.

Loaded by the supervisor, so it is small; psutil is imported only where there is no /proc.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

from stanlocal.engine.process.supervisor.run_record import RUN

_TLS_HANDSHAKE = 0x16
"""First byte of a TLS connection (RFC 8446, 5.1)."""


def is_tls(said: bytes | bytearray) -> bool:
    """Return whether the first bytes of a connection begin a TLS handshake."""
    return said[:1] == bytes([_TLS_HANDSHAKE])


def name_in(said: bytes | bytearray) -> str | None:
    """Return the server_name once a route's first lines hold it: `CONNECT {...}`, then `INFO {...}`."""
    for line in said.split(b"\r\n")[:-1]:
        if line.startswith(b"INFO "):
            return line.partition(b'"server_name":"')[2].partition(b'"')[0].decode("utf-8", "replace")
    return None


def node_of(caller: socket.socket, nodes: str, *, has_proc: bool = sys.platform == "linux") -> str | None:
    """Return the node whose server opened an accepted connection; `nodes` is the folder of all nodes.

    None if it is no server of the group, or closed already.
    """
    try:
        far, near = caller.getpeername()[1], caller.getsockname()[1]
    except OSError:  # closed already
        return None
    owns = _owns_by_proc(far, near) if has_proc else _owns(far, near)
    for name in os.listdir(nodes):
        pid = _server_of(f"{nodes}/{name}")
        if pid is not None and owns(pid):
            return name
    return None


def _owns_by_proc(far: int, near: int) -> Callable[[int], bool]:
    """Return a test whether a process has the far end of the connection between these ports."""
    inode = _inode(far, near)

    def owns(pid: int) -> bool:
        folder = f"/proc/{pid}/fd"
        with suppress(OSError):  # the process has ended, or is another user's
            for each in os.listdir(folder):
                with suppress(OSError):  # closed meanwhile
                    if os.readlink(f"{folder}/{each}") == f"socket:[{inode}]":
                        return True
        return False

    return owns if inode is not None else lambda pid: False


def _inode(far: int, near: int) -> str | None:
    """Return the inode of the socket that has port `far` here and port `near` at its other end."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in file:
            _, local, remote, *rest = line.split()
            if local.endswith(f":{far:04X}") and remote.endswith(f":{near:04X}"):
                return rest[6]
    return None


def _owns(far: int, near: int) -> Callable[[int], bool]:
    """Return the same test where there is no /proc."""
    import psutil

    def owns(pid: int) -> bool:
        with suppress(psutil.Error):
            for each in psutil.Process(pid).net_connections("tcp4"):
                if each.raddr and (each.laddr.port, each.raddr.port) == (far, near):
                    return True
        return False

    return owns


def _server_of(folder: str) -> int | None:
    """Return the pid of a node's server; None before its first start."""
    with suppress(OSError, ValueError, IndexError), open(f"{folder}/{RUN}", encoding="utf-8") as file:
        for line in file:
            if line.startswith("server "):
                return int(line.split()[1])
    return None
