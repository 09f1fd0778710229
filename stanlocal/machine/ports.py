"""Ports of this machine: free or taken, and by which listener.

A port counts as taken when something *listens* on it at the host's address or at the wildcard address;
connections of an earlier listener that are still winding down (TIME_WAIT) do not count.
"""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Callable

from stanlocal.util.addresses import LOOPBACK

ContainerOfPort = Callable[[int], str | None]
"""Function that returns the name of the container that publishes a host port."""


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a process could listen on the port of that address of this machine.

    If that cannot be tried (the address is another machine's) it counts as free: the engine reports it.
    """
    addresses = [host] if sys.platform == "linux" else [host, ""]  # other systems hide a wildcard listener
    return all(_can_listen(address, port) for address in addresses)


def _can_listen(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as attempt:
        # Without it a port of connections in TIME_WAIT could not be bound; with it a port with a
        # listener still cannot.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((address, port))
            attempt.listen(1)
        except PermissionError:  # below 1024: this process may not bind it, but perhaps the engine may
            return not _answers(address, port)
        except OSError as err:
            return err.errno != errno.EADDRINUSE
    return True


def _answers(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as attempt:
        attempt.settimeout(1)
        return attempt.connect_ex((address or LOOPBACK, port)) == 0


def port_owner(port: int, container: ContainerOfPort | None = None) -> str | None:
    """Return the listener on the TCP port: `container stan-0`, or `redis-server (pid 99)`.

    None if there is none, or the system does not show it to the caller.
    """
    published_for = container(port) if container else None
    if published_for:
        return f"container {published_for}"
    import psutil

    try:
        connections = psutil.net_connections(kind="tcp")
        listening = {
            each.pid
            for each in connections
            if each.status == psutil.CONN_LISTEN and each.pid and each.laddr and each.laddr.port == port
        }
        if not listening:
            return None
        pid = min(listening)
        name = psutil.Process(pid).name()
    except psutil.Error:  # not permitted, or the process has just ended
        return None
    printable = "".join(c if c.isprintable() else "?" for c in name)  # a process can choose any name
    return f"{printable} (pid {pid})"
