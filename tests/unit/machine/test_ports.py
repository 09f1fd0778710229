"""Ports of this machine, with real sockets on them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from stanlocal.machine.ports import is_free, port_owner

Listen = Callable[..., int]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Function that listens on a port until the end of the test and returns the port."""
    with ExitStack() as stack:

        def listening(host: str = "127.0.0.1", port: int = 0, family: int = socket.AF_INET) -> int:
            listener = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen()
            return int(listener.getsockname()[1])

        yield listening


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_is_listened_on_is_not_free(listen: Listen, address: str) -> None:
    assert not is_free(listen(address))


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no dual-stack sockets here")
def test_a_listener_on_all_addresses_of_both_families_counts(listen: Listen) -> None:
    assert not is_free(listen("::", family=socket.AF_INET6))


def test_a_listener_on_another_address_does_not_matter(listen: Listen) -> None:
    port = listen("127.0.0.2")
    assert is_free(port, "127.0.0.1")
    assert not is_free(port, "127.0.0.2")


def test_connections_that_wind_down_do_not_make_a_port_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = listener.accept()
            accepted.close()  # closes first, so this end waits in TIME_WAIT
            assert client.recv(1) == b""
    assert is_free(port)


def test_an_address_of_another_machine_cannot_be_tried_and_counts_as_free() -> None:
    assert is_free(4222, "192.0.2.1")


def test_the_owner_of_a_port_is_named_with_its_pid(listen: Listen) -> None:
    owner = port_owner(listen())
    assert owner is not None
    assert owner.endswith(f"(pid {os.getpid()})")


def test_a_port_without_a_listener_has_no_owner(listen: Listen) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert port_owner(bound.getsockname()[1]) is None


def test_the_container_behind_a_port_counts_more_than_the_engines_process(listen: Listen) -> None:
    port = listen()
    assert port_owner(port, lambda asked: "web" if asked == port else None) == "container web"
    assert port_owner(port, lambda _: None) == port_owner(port)
