"""The number of nodes, as the routes of a stan.conf show it.

A list of peers has an entry for each other node, or one for every node where all nodes share the file. A
single route says nothing: it may lead to a service, behind which any number of nodes is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from stanlocal.imports.import_result import Found, listing
from stanlocal.model.plan import CLUSTER_PORT
from stanlocal.natsconf import Entry, Missing, Table
from stanlocal.settings.presets import DEFAULTS

_URL = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:[^/@]*@)?(\[[^\]]*\]|[^:/@\[]*)(?::([0-9]{1,5}))?/?", re.I)
_NUMBERED = re.compile(r"[^.]*-([0-9]{1,4})(?:\..*)?")
_HERE = frozenset({"", "0.0.0.0", "[::]", "localhost", "127.0.0.1", "[::1]"})
"""Host names of the machine itself, and of all its addresses."""
_MOST = 1000
"""Largest number of routes that are read."""
_SETS = "--nodes sets another number"


@dataclass(frozen=True, slots=True)
class _Peer:
    """Host and port that routes lead to."""

    host: str
    port: int | None

    @property
    def at(self) -> int:
        return CLUSTER_PORT if self.port is None else self.port

    @property
    def number(self) -> int | None:
        """The number of a StatefulSet's pod; None if the host is not named like one."""
        found = _NUMBERED.fullmatch(self.host)
        return int(found[1]) if found else None

    def __str__(self) -> str:
        return self.host if self.at == CLUSTER_PORT else f"{self.host}:{self.at}"


@dataclass(frozen=True, slots=True)
class _Own:
    """The node's own names and port; a file with a variable for one of them is the same for all nodes."""

    names: frozenset[str]
    port: int
    shared: bool

    def is_at(self, peer: _Peer) -> bool:
        host = "localhost" if peer.host in _HERE else peer.host
        named = (host == name or host.startswith(f"{name}.") for name in self.names)
        return peer.at == self.port and (host == "localhost" or any(named))


def count(cluster: Table, top: Table) -> tuple[int, str] | None:
    """Return the number of nodes and the reason for it; None without a list of routes.

    `top` is the table around `cluster`, with the server's own name.
    """
    routes = _entry(cluster, "routes")
    if routes is None or not isinstance(routes.value, list) or not routes.value:
        return None
    words = (each for each in islice(routes.value, _MOST) if isinstance(each, str))
    peers = sorted({peer for word in words if (peer := _peer(word))}, key=lambda peer: (peer.host, peer.at))
    names = listing([str(peer) for peer in peers])
    fewest: int = DEFAULTS["nodes"]
    if len(peers) < 2:
        number = peers[0].number if peers else None
        nodes = max(fewest, 0 if number is None else number + 1)
        which = f"a route to {names} does" if peers else "the routes do"
        return nodes, f"{which} not show how many nodes there are, of which {nodes} are assumed"
    own = _own(cluster, top)
    numbers = [peer.number for peer in peers]
    from_0 = not own.names and None not in numbers and 0 in numbers
    if own.shared or from_0 or any(own.is_at(peer) for peer in peers):
        return len(peers), f"{len(peers)} nodes, one for each route ({names})"
    return len(peers) + 1, f"{len(peers) + 1} nodes, as the routes lead to the others ({names})"


def put(cluster: Table, top: Table, what: str, found: Found) -> None:
    """Put the number of nodes that the routes show, and report it; `what` names the routes."""
    routes, counted = _entry(cluster, "routes"), count(cluster, top)
    if routes is None:
        return
    if counted is None:
        found.left_out(routes.place, what, "stanlocal writes the routes between the nodes")
        return
    if found.has(("nodes",)):
        why = "the routes lead to the nodes that stanlocal runs, one to each"
        found.changed(routes.place, what, why)
        return
    nodes, why = counted
    found.put(("nodes",), nodes, routes.place)
    found.changed(routes.place, what, f"{why}; {_SETS}")


def _own(cluster: Table, top: Table) -> _Own:
    listen = _peer(str(_value(cluster, "listen")))
    port = listen.port if listen is not None and listen.port is not None else _value(cluster, "port")
    values = [_value(table, name) for table, name in _names(cluster, top)]
    shared = any(isinstance(value, Missing) or (isinstance(value, str) and "$" in value) for value in values)
    peers = (_peer(value) for value in values if isinstance(value, str))
    hosts = frozenset(peer.host for peer in peers if peer is not None and peer.host not in _HERE)
    return _Own(hosts, port if isinstance(port, int) else CLUSTER_PORT, shared)


def _names(cluster: Table, top: Table) -> Iterator[tuple[Table, str]]:
    """Yield the options that name the node itself."""
    for name in ("cluster_advertise", "advertise", "listen", "host", "net"):
        yield cluster, name
    for name in ("server_name", "client_advertise"):
        yield top, name


def _peer(url: str) -> _Peer | None:
    found = _URL.fullmatch(url.strip())
    return None if found is None else _Peer(found[1].lower(), int(found[2]) if found[2] else None)


def _value(table: Table, name: str) -> object:
    entry = _entry(table, name)
    return "" if entry is None else entry.value


def _entry(table: Table, name: str) -> Entry | None:
    """Return the entry of this name, whose case does not count; None if there is none."""
    return next((entry for each, entry in table.items() if each.lower() == name), None)
