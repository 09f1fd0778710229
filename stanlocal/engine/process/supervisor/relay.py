"""A relay in front of one server, in its supervisor: it forwards connections, or cuts them.

A server listens on ports that only this relay uses. Clients, monitor readers and the other nodes connect to
the ports that the relay listens on. A cut has the effect that it has where each node has its own network:

- Cut routes fall silent in both directions and resume once they are healed; new ones are refused. That
  includes routes that the cut node has opened: the opener of a route sends its name first. One of a secured
  group sends it encrypted, and is found by its process (`route_peer`).
- Cut clients are disconnected, and new ones refused: nothing listens there.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import time
from collections.abc import Collection, Mapping
from functools import partial

from stanlocal.engine.process.supervisor.link import Link, turn
from stanlocal.engine.process.supervisor.route_peer import is_tls, name_in, node_of
from stanlocal.util.addresses import LOOPBACK

CUT = "cut"
"""File in a node's folder that names the kinds of its ports that are cut."""
ROUTES = "routes"
CLIENTS = "clients"

Cuts = Mapping[str, Collection[str]]
"""Kinds of ports that are cut, by node name."""

_OTHER_FILES = 64
"""Descriptors reserved for other uses than links, which take two each."""
_BACKLOG = 512
_CHUNK = 1 << 16
"""Bytes; far more than a node sends when it opens a route, some 600."""


class PortTaken(OSError):
    """Another process listens on a port that the relay needs."""

    def __init__(self, port: int) -> None:
        super().__init__(errno.EADDRINUSE, f"port {port} is taken")
        self.port = port


class ForwardedPort:
    """A port that clients and other nodes use, and the server's port behind it."""

    def __init__(self, kind: str, outside: int, inside: int) -> None:
        """`kind` is `ROUTES` or `CLIENTS`."""
        self.kind = kind
        self.outside = outside
        self.inside = inside

    def __str__(self) -> str:
        return f"{self.kind}:{self.outside}:{self.inside}"

    @classmethod
    def parse(cls, text: str) -> ForwardedPort:
        """Parse the text that `str` wrote."""
        kind, outside, inside = text.split(":")
        return cls(kind, int(outside), int(inside))


def cuts_of(folder: str) -> Collection[str]:
    """Return the kinds of ports that are cut now of the node with that folder."""
    try:
        with open(f"{folder}/{CUT}", encoding="utf-8") as file:
            return file.read().split()
    except (FileNotFoundError, NotADirectoryError):
        return ()


def cuts_in(folder: str) -> Cuts:
    """Return the current cuts of the nodes whose folders are in `folder`."""
    return {name: cuts_of(f"{folder}/{name}") for name in os.listdir(folder)}


class Relay:
    """The relay of one server: it forwards connections to it, except those that are cut."""

    def __init__(
        self,
        node: str,
        ports: Collection[ForwardedPort],
        selector: selectors.BaseSelector,
        open_files: int,
        nodes: str = "..",
    ) -> None:
        """Prepare the relay; `open_files` limits its descriptors, and callers beyond that wait.

        `nodes` is the folder with a folder for each node of the group.
        """
        self._node = node
        self._nodes = nodes
        self._ports = ports
        self._selector = selector
        self._most_links = max(1, (open_files - _OTHER_FILES) // 2)
        self._listeners: dict[ForwardedPort, socket.socket] = {}
        self._callers: set[socket.socket] = set()
        """Connections to the route port that have not sent their node's name yet."""
        self._links: dict[Link, tuple[str, str]] = {}
        """Kind of each link, and the node at its other end if it is a route."""
        self._cuts: Cuts = {}

    def apply(self, cuts: Cuts) -> None:
        """Apply these cuts and heal all others.

        Raises `PortTaken` or another `OSError`, and changes nothing, if a port is unavailable.
        """
        wanted = {port for port in self._ports if port.kind not in cuts.get(self._node, ())}
        opened: dict[ForwardedPort, socket.socket] = {}
        try:
            for port in wanted - self._listeners.keys():
                opened[port] = _listen(port.outside)
        except OSError:
            for listener in opened.values():
                listener.close()
            raise
        self._cuts = cuts
        for port in self._listeners.keys() - wanted:
            self._ignore(self._listeners[port])
            self._listeners.pop(port).close()
        self._listeners |= opened
        self._admit()
        if self._is_cut(ROUTES):
            for caller in list(self._callers):
                self._reject(caller)
        for link, (kind, peer) in list(self._links.items()):
            if kind == ROUTES:
                link.hold(self._is_cut(kind, peer))
            elif self._is_cut(kind):
                link.close()

    def refuse(self) -> None:
        """Accept no more connections; keep the present ones."""
        for listener in self._listeners.values():
            self._ignore(listener)
            listener.close()
        self._listeners.clear()

    def drain(self, grace_s: float) -> None:
        """Forward the last bytes of an ended server for at most `grace_s` seconds, then close all links."""
        deadline = time.monotonic() + grace_s
        while any(link.has_output for link in self._links) and (left := deadline - time.monotonic()) > 0:
            turn(self._selector, left)
        for link in list(self._links):
            link.close()
        for caller in list(self._callers):
            self._reject(caller)

    def _is_cut(self, kind: str, peer: str = "") -> bool:
        return any(kind in self._cuts.get(node, ()) for node in (self._node, peer))

    # Callers

    def _admit(self) -> None:
        """Accept connections while there is room for more."""
        full = len(self._links) + len(self._callers) >= self._most_links
        for port, listener in self._listeners.items():
            if full:
                self._ignore(listener)
            elif listener not in self._selector.get_map():
                self._selector.register(listener, selectors.EVENT_READ, partial(self._accept, port, listener))

    def _ignore(self, file: socket.socket) -> None:
        if file in self._selector.get_map():
            self._selector.unregister(file)

    def _accept(self, port: ForwardedPort, listener: socket.socket, _: int) -> None:
        try:
            caller, _address = listener.accept()
        except OSError:  # the caller is gone, or the system has no descriptor left for it
            return
        caller.setblocking(False)
        if port.kind == ROUTES:
            self._callers.add(caller)
            read_name = partial(self._read_name, caller, port, bytearray())
            self._selector.register(caller, selectors.EVENT_READ, read_name)
        else:
            self._forward(caller, port)
        self._admit()

    def _read_name(self, caller: socket.socket, port: ForwardedPort, said: bytearray, _: int) -> None:
        """Forward or refuse a caller once it has sent its node's name."""
        try:
            data = caller.recv(_CHUNK)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        said += data
        peer = node_of(caller, self._nodes) if is_tls(said) else name_in(said)
        if peer is None and data and len(said) < _CHUNK and not is_tls(said):
            return
        if peer is None or self._is_cut(ROUTES, peer):
            self._reject(caller)
        else:
            self._forget_caller(caller)
            self._forward(caller, port, peer, bytes(said))

    def _reject(self, caller: socket.socket) -> None:
        self._forget_caller(caller)
        caller.close()
        self._admit()

    def _forget_caller(self, caller: socket.socket) -> None:
        self._callers.remove(caller)
        self._selector.unregister(caller)

    def _forward(
        self, caller: socket.socket, port: ForwardedPort, peer: str = "", begun: bytes = b""
    ) -> None:
        try:
            link = Link(caller, (LOOPBACK, port.inside), self._selector, self._forget, begun)
        except OSError:  # the server does not listen yet, or no longer
            caller.close()
        else:
            self._links[link] = port.kind, peer

    def _forget(self, link: Link) -> None:
        del self._links[link]
        self._admit()


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(port) from error
        raise OSError(error.errno, f"port {port}: {error.strerror}") from error
    return listener
