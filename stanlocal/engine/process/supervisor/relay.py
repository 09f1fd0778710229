"""The ways to one server from outside, in its supervisor: what comes is passed on, or is cut off.

A server listens on ports that only this relay uses. Everybody else, clients, readers of its monitor and the
other nodes, comes by the ports that the relay listens on. A cut does what it does where each node has a
network of its own:

- Routes that are cut fall silent, both ways, and go on where they were once they are healed; new ones are
  refused. That goes for routes that the cut node has opened, too: who opens a route says its name first.
- Clients that are cut are hung up on, and new ones refused: nothing listens there.
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

CUT = "cut"
"""The file in a node's folder that says which kinds of its ways are cut, by their names."""
ROUTES = "routes"
CLIENTS = "clients"

Cuts = Mapping[str, Collection[str]]
"""By the name of a node what is cut of it, if anything is."""

_LOOPBACK = "127.0.0.1"
_OTHER_FILES = 64
"""Descriptors that are not the links' two each."""
_BACKLOG = 512
_CHUNK = 1 << 16
"""Far above what a node says of itself when it opens a route, some 600 bytes."""


class PortTaken(OSError):
    """Somebody else listens on a port that is needed."""

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
        """Read what `str` wrote."""
        kind, outside, inside = text.split(":")
        return cls(kind, int(outside), int(inside))


def cuts_of(folder: str) -> Collection[str]:
    """What is cut now of the node with that folder."""
    try:
        with open(f"{folder}/{CUT}", encoding="utf-8") as file:
            return file.read().split()
    except (FileNotFoundError, NotADirectoryError):
        return ()


def cuts_in(folder: str) -> Cuts:
    """What is cut now of the nodes whose folders are in `folder`."""
    return {name: cuts_of(f"{folder}/{name}") for name in os.listdir(folder)}


class Relay:
    """Passes on between the outside and one server, as far as nothing is cut."""

    def __init__(
        self, node: str, ways: Collection[ForwardedPort], selector: selectors.BaseSelector, open_files: int
    ) -> None:
        """`open_files` is how many there may be: who comes when there are too many waits."""
        self._node = node
        self._ways = ways
        self._selector = selector
        self._most_links = max(1, (open_files - _OTHER_FILES) // 2)
        self._listeners: dict[ForwardedPort, socket.socket] = {}
        self._callers: set[socket.socket] = set()
        """Who has not said yet which node they are."""
        self._links: dict[Link, tuple[str, str]] = {}
        """Each with its kind, and the node at its other end if it is a route."""
        self._cuts: Cuts = {}

    def obey(self, cuts: Cuts) -> None:
        """Cuts and opens.

        Raises `PortTaken` or another `OSError`, and changes nothing, when a port cannot be had.
        """
        wanted = {way for way in self._ways if way.kind not in cuts.get(self._node, ())}
        opened: dict[ForwardedPort, socket.socket] = {}
        try:
            for way in wanted - self._listeners.keys():
                opened[way] = _listen(way.outside)
        except OSError:
            for listener in opened.values():
                listener.close()
            raise
        self._cuts = cuts
        for way in self._listeners.keys() - wanted:
            self._ignore(self._listeners[way])
            self._listeners.pop(way).close()
        self._listeners |= opened
        self._admit()
        if self._is_cut(ROUTES):
            for caller in list(self._callers):
                self._dismiss(caller)
        for link, (kind, peer) in list(self._links.items()):
            if kind == ROUTES:
                link.hold(self._is_cut(kind, peer))
            elif self._is_cut(kind):
                link.close()

    def refuse(self) -> None:
        """Nobody comes in any more; who is in stays."""
        for listener in self._listeners.values():
            self._ignore(listener)
            listener.close()
        self._listeners.clear()

    def see_off(self, grace_s: float) -> None:
        """Passes on what the server said before it ended, for so many seconds at most; then hangs up."""
        deadline = time.monotonic() + grace_s
        while any(link.still_tells for link in self._links) and (left := deadline - time.monotonic()) > 0:
            turn(self._selector, left)
        for link in list(self._links):
            link.close()
        for caller in list(self._callers):
            self._dismiss(caller)

    def _is_cut(self, kind: str, peer: str = "") -> bool:
        return any(kind in self._cuts.get(node, ()) for node in (self._node, peer))

    # Those who come

    def _admit(self) -> None:
        """Heeds the ports while there is room for more."""
        full = len(self._links) + len(self._callers) >= self._most_links
        for way, listener in self._listeners.items():
            if full:
                self._ignore(listener)
            elif listener not in self._selector.get_map():
                self._selector.register(listener, selectors.EVENT_READ, partial(self._accept, way, listener))

    def _ignore(self, file: socket.socket) -> None:
        if file in self._selector.get_map():
            self._selector.unregister(file)

    def _accept(self, way: ForwardedPort, listener: socket.socket, _: int) -> None:
        try:
            caller, _address = listener.accept()
        except OSError:  # it thought better of it, or the system has no descriptor left for it
            return
        caller.setblocking(False)
        if way.kind == ROUTES:
            self._callers.add(caller)
            listens = partial(self._listen_to, caller, way, bytearray())
            self._selector.register(caller, selectors.EVENT_READ, listens)
        else:
            self._lead_on(caller, way)
        self._admit()

    def _listen_to(self, caller: socket.socket, way: ForwardedPort, said: bytearray, _: int) -> None:
        """Lets it go on, or not, once it has said which node it is."""
        try:
            data = caller.recv(_CHUNK)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        said += data
        peer = _name_in(said)
        if peer is None and data and len(said) < _CHUNK:
            return
        if peer is None or self._is_cut(ROUTES, peer):
            self._dismiss(caller)
        else:
            self._forget_caller(caller)
            self._lead_on(caller, way, peer, bytes(said))

    def _dismiss(self, caller: socket.socket) -> None:
        self._forget_caller(caller)
        caller.close()
        self._admit()

    def _forget_caller(self, caller: socket.socket) -> None:
        self._callers.remove(caller)
        self._selector.unregister(caller)

    def _lead_on(self, caller: socket.socket, way: ForwardedPort, peer: str = "", begun: bytes = b"") -> None:
        try:
            link = Link(caller, (_LOOPBACK, way.inside), self._selector, self._forget, begun)
        except OSError:  # the server does not listen yet, or no more
            caller.close()
        else:
            self._links[link] = way.kind, peer

    def _forget(self, link: Link) -> None:
        del self._links[link]
        self._admit()


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_LOOPBACK, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(port) from error
        raise OSError(error.errno, f"port {port}: {error.strerror}") from error
    return listener


def _name_in(said: bytearray) -> str | None:
    """The server_name of the node that has said this, once it has: `CONNECT {...}`, then `INFO {...}`."""
    for line in said.split(b"\r\n")[:-1]:
        if line.startswith(b"INFO "):
            return line.partition(b'"server_name":"')[2].partition(b'"')[0].decode("utf-8", "replace")
    return None
