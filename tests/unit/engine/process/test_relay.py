"""A relay forwards bytes in both directions and makes the requested cuts; over loopback sockets."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stanlocal.engine.process.supervisor.link import turn
from stanlocal.engine.process.supervisor.relay import (
    CLIENTS,
    CUT,
    ROUTES,
    Cuts,
    ForwardedPort,
    PortTaken,
    Relay,
    cuts_in,
)
from tests.support.cost import waiting_below
from tests.support.effort import inputs
from tests.support.ports import free_ports

LOOPBACK = "127.0.0.1"


class World:
    """A relay for node `g-0` before listeners that stand for its server; nothing runs beside the test."""

    def __init__(self, stack: ExitStack, open_files: int = 1024) -> None:
        self._stack = stack
        self.selector = stack.enter_context(selectors.DefaultSelector())
        inside = [stack.enter_context(socket.create_server((LOOPBACK, 0))) for _ in range(2)]
        self.clients, self.routes = (
            ForwardedPort(kind, outside, listener.getsockname()[1])
            for kind, outside, listener in zip((CLIENTS, ROUTES), free_ports(2), inside, strict=True)
        )
        self._listeners = dict(zip((self.clients, self.routes), inside, strict=True))
        self.relay = Relay("g-0", [self.clients, self.routes], self.selector, open_files)
        stack.callback(self.relay.drain, 0)
        stack.callback(self.relay.refuse)

    def apply(self, cuts: Cuts) -> None:
        self.relay.apply(cuts)
        self.settle()

    def settle(self) -> None:
        """Lets the relay do all that there is to do; on the loopback what was sent is there at once."""
        while self.selector.select(0):
            turn(self.selector, 0)

    def call(self, way: ForwardedPort) -> socket.socket:
        """Somebody who connects; `ConnectionRefusedError` when nothing listens."""
        caller = self._stack.enter_context(socket.create_connection((LOOPBACK, way.outside), timeout=5))
        self.settle()
        return caller

    def answer(self, way: ForwardedPort) -> socket.socket:
        """The server's end of the oldest connection that it has not answered."""
        self._listeners[way].settimeout(5)
        answered = self._stack.enter_context(self._listeners[way].accept()[0])
        answered.settimeout(5)
        return answered

    def connect(self, way: ForwardedPort) -> tuple[socket.socket, socket.socket]:
        return self.call(way), self.answer(way)

    def connect_node(self, name: str) -> tuple[socket.socket, socket.socket]:
        """A route that the node of that name has opened."""
        caller = self.call(self.routes)
        caller.sendall(hello(name))
        self.settle()
        answered = self.answer(self.routes)
        assert answered.recv(4096) == hello(name)
        return caller, answered

    def sends(self, end: socket.socket, data: bytes) -> None:
        end.sendall(data)
        self.settle()

    def end_server(self, way: ForwardedPort) -> None:
        self._listeners[way].close()


def hello(name: str) -> bytes:
    """Start of a route that nats-server 2.9.24 opens, shortened."""
    return (
        b'CONNECT {"verbose":false,"name":"NCM3","cluster":"g"}\r\n'
        b'INFO {"server_id":"NCM3","server_name":"%s","proto":2} \r\n' % name.encode()
    )


def silent(end: socket.socket) -> bool:
    """Return whether there is nothing to read, and no end either."""
    end.setblocking(False)
    try:
        end.recv(1)
    except BlockingIOError:
        return True
    finally:
        end.settimeout(5)
    return False


def hung_up(end: socket.socket) -> bool:
    with suppress(ConnectionResetError):
        return end.recv(1) == b""
    return True


@contextmanager
def a_world(open_files: int = 1024) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(stack, open_files)


@pytest.fixture
def world() -> Iterator[World]:
    with a_world() as made:
        made.apply({})
        yield made


# Passing on


@settings(max_examples=inputs(30))
@given(
    st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=300_000)), min_size=1, max_size=8),
)
def test_bytes_of_either_end_reach_the_other_unchanged(said: list[tuple[bool, bytes]]) -> None:
    with a_world() as world:
        world.apply({})
        ends = world.connect(world.clients)
        for to_server, data in said:
            source, sink = ends if to_server else ends[::-1]
            assert _sent_through(world, source, sink, data) == data


def _sent_through(world: World, source: socket.socket, sink: socket.socket, data: bytes) -> bytes:
    source.setblocking(False)
    sink.setblocking(False)
    got = bytearray()
    rest = data
    while len(got) < len(data):
        with suppress(BlockingIOError):
            rest = rest[source.send(rest) :] if rest else rest
        turn(world.selector, 0)
        with suppress(BlockingIOError):
            got += sink.recv(1 << 20)
    return bytes(got)


def test_a_slow_reader_slows_down_the_writer(world: World) -> None:
    """The relay stops reading while the other end does not."""
    client, server = world.connect(world.clients)
    client.setblocking(False)
    sent = 0
    with suppress(BlockingIOError):
        while sent < 64 << 20:
            sent += client.send(b"x" * 65536)
            world.settle()
    assert sent < 64 << 20
    client.settimeout(5)
    got = 0
    while got < sent:
        got += len(server.recv(1 << 20))
        world.settle()
    assert got == sent


def test_a_half_closed_connection_stays_open_the_other_way(world: World) -> None:
    client, server = world.connect(world.clients)
    client.sendall(b"question")
    client.shutdown(socket.SHUT_WR)
    world.settle()
    assert (server.recv(64), server.recv(64)) == (b"question", b"")
    world.sends(server, b"answer")
    server.close()
    world.settle()
    assert (client.recv(64), client.recv(64)) == (b"answer", b"")


def test_the_last_bytes_of_an_ended_server_reach_its_clients(world: World) -> None:
    client, server = world.connect(world.clients)
    server.sendall(b"-ERR")
    server.close()
    world.relay.refuse()
    world.relay.drain(5)
    assert (client.recv(64), client.recv(64)) == (b"-ERR", b"")


def test_a_client_that_does_not_read_does_not_delay_the_relay(world: World) -> None:
    _, server = world.connect(world.clients)
    server.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            server.send(b"x" * 65536)
            world.settle()
    began = time.monotonic()
    with waiting_below(2):
        world.relay.drain(0.05)
    assert time.monotonic() - began >= 0.05


@pytest.mark.parametrize("who", [0, 1], ids=["client", "server"])
def test_a_reset_of_one_end_ends_the_other(world: World, who: int) -> None:
    ends = world.connect(world.clients)
    ends[who].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    ends[who].close()
    world.settle()
    assert hung_up(ends[1 - who])


def test_a_caller_is_disconnected_while_the_server_does_not_listen(world: World) -> None:
    world.end_server(world.clients)
    assert hung_up(world.call(world.clients))


def test_a_caller_beyond_the_limit_waits_until_another_leaves() -> None:
    with a_world(open_files=64 + 2 * 2) as world:
        world.apply({})
        first, server = world.connect(world.clients)
        second, _ = world.connect(world.clients)
        third = world.call(world.clients)
        world.sends(third, b"let me in")
        world._listeners[world.clients].setblocking(False)
        with pytest.raises(BlockingIOError):
            world._listeners[world.clients].accept()
        first.close()
        second.close()
        server.close()
        world.settle()
        assert world.answer(world.clients).recv(64) == b"let me in"


# Cutting


def test_cut_clients_are_disconnected_and_new_ones_refused(world: World) -> None:
    client, server = world.connect(world.clients)
    route, peer = world.connect_node("g-1")
    world.apply({"g-0": [CLIENTS]})
    assert hung_up(client)
    assert hung_up(server)
    with pytest.raises(ConnectionRefusedError):
        world.call(world.clients)
    world.sends(route, b"beat")
    assert peer.recv(64) == b"beat", "routes are another matter"
    world.apply({})
    client, server = world.connect(world.clients)
    world.sends(client, b"again")
    assert server.recv(64) == b"again"


@pytest.mark.parametrize("cut", ["g-0", "g-1"], ids=["the node", "the other one"])
def test_a_cut_route_falls_silent_and_resumes_where_it_stopped(world: World, cut: str) -> None:
    client, server = world.connect(world.clients)
    route, peer = world.connect_node("g-1")
    world.apply({cut: [ROUTES]})
    world.sends(route, b"one")
    world.sends(peer, b"two")
    assert silent(peer)
    assert silent(route)
    world.sends(client, b"PING")
    assert server.recv(64) == b"PING", "clients are another matter"
    world.apply({})
    assert (peer.recv(64), route.recv(64)) == (b"one", b"two")


def test_a_route_that_broke_while_cut_ends_once_it_is_healed(world: World) -> None:
    route, peer = world.connect_node("g-1")
    world.apply({"g-0": [ROUTES]})
    peer.close()
    world.settle()
    assert silent(route)
    world.apply({})
    assert hung_up(route)


def test_no_node_opens_a_route_to_a_node_that_is_cut(world: World) -> None:
    undecided = world.call(world.routes)
    world.apply({"g-0": [ROUTES]})
    assert hung_up(undecided)
    with pytest.raises(ConnectionRefusedError):
        world.call(world.routes)


def test_a_node_that_is_cut_opens_no_route_to_another_and_a_third_does(world: World) -> None:
    world.apply({"g-1": [ROUTES, CLIENTS]})
    cut = world.call(world.routes)
    world.sends(cut, hello("g-1"))
    assert hung_up(cut)
    third, peer = world.connect_node("g-2")
    world.sends(third, b"beat")
    assert peer.recv(64) == b"beat"


def test_a_node_may_send_its_name_byte_by_byte(world: World) -> None:
    caller = world.call(world.routes)
    for byte in hello("g-1"):
        world.sends(caller, bytes([byte]))
    assert world.answer(world.routes).recv(4096) == hello("g-1")


@pytest.mark.parametrize("said", [b"x" * (1 << 16), b"INFO {}"], ids=["too long", "ended"])
def test_a_route_without_a_node_name_is_disconnected(world: World, said: bytes) -> None:
    caller = world.call(world.routes)
    world.sends(caller, said)
    caller.shutdown(socket.SHUT_WR)
    world.settle()
    assert hung_up(caller)


def test_nothing_changes_while_a_port_is_taken(world: World) -> None:
    world.apply({"g-0": [CLIENTS, ROUTES]})
    with socket.create_server((LOOPBACK, world.routes.outside)):
        with pytest.raises(PortTaken) as taken:
            world.relay.apply({})
        assert taken.value.port == world.routes.outside
        with pytest.raises(ConnectionRefusedError):
            world.call(world.clients)
    world.apply({})
    world.connect(world.clients)


# Cuts as they are written down


def test_forwarded_ports_are_parsed_as_they_are_formatted() -> None:
    way = ForwardedPort.parse(str(ForwardedPort(ROUTES, 6222, 16222)))
    assert (way.kind, way.outside, way.inside) == (ROUTES, 6222, 16222)


def test_cuts_are_read_from_the_folders_of_the_nodes(tmp_path: Path) -> None:
    for node in ("g-0", "g-1", "g-2"):
        (tmp_path / node).mkdir()
    (tmp_path / "g-1" / CUT).write_text("clients routes")
    (tmp_path / "g-2" / CUT).write_text("")
    (tmp_path / "a file").touch()
    found = cuts_in(str(tmp_path))
    assert [list(found[name]) for name in ("g-0", "g-1", "g-2")] == [[], ["clients", "routes"], []]
