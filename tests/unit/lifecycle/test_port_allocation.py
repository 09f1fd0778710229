"""The choice of host ports, also with real sockets in the way."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.errors import PortInUse, SettingsError
from stanlocal.lifecycle import port_allocation
from stanlocal.lifecycle.port_allocation import choose_ports

Listen = Callable[..., int]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Listens on a port until the end of the test; gives the port."""
    with ExitStack() as stack:

        def listening(host: str = "127.0.0.1", port: int = 0, family: int = socket.AF_INET) -> int:
            listener = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen()
            return int(listener.getsockname()[1])

        yield listening


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[int, str]], None]:
    """Makes these ports, and no others, taken by these owners."""

    def take(owners: dict[int, str]) -> None:
        monkeypatch.setattr(port_allocation, "is_free", lambda port, host: port not in owners)
        monkeypatch.setattr(port_allocation, "port_owner", lambda port, container: owners.get(port))

    return take


def test_a_machine_with_nothing_on_it_gives_the_usual_ports(taken: Callable[[dict[int, str]], None]) -> None:
    taken({})
    choice = choose_ports(3)
    assert choice.ports == [(4222, 8222), (4223, 8223), (4224, 8224)]
    assert choice.moved == []


def test_a_taken_port_moves_its_node_past_the_others_and_is_said(
    taken: Callable[[dict[int, str]], None],
) -> None:
    taken({4222: "redis-server (pid 99)", 4224: "", 8223: "container web"})
    choice = choose_ports(2)
    assert choice.ports == [(4225, 8222), (4223, 8224)]
    assert choice.moved == [
        "port 4222 is taken by redis-server (pid 99): stan-0 listens on 4225 instead",
        "port 8223 is taken by container web: stan-1's monitor listens on 8224 instead",
    ]


def test_ports_of_other_groups_are_left_to_them(taken: Callable[[dict[int, str]], None]) -> None:
    taken({})
    choice = choose_ports(1, group="b", reserved={4222, 8222})
    assert choice.ports == [(4223, 8223)]
    assert choice.moved[0] == "port 4222 is kept for another group: b-0 listens on 4223 instead"


def test_known_ports_stay_although_the_nodes_listen_on_them(taken: Callable[[dict[int, str]], None]) -> None:
    taken({5000: "container stan-0", 4223: "container stan-0"})
    choice = choose_ports(2, keep=[(5000, 4223)])
    assert choice.ports == [(5000, 4223), (4224, 8223)]


def test_a_node_that_has_lost_one_of_its_ports_keeps_the_other(
    taken: Callable[[dict[int, str]], None],
) -> None:
    taken({5000: "container stan-0", 8222: "redis-server (pid 99)"})
    choice = choose_ports(2, keep=[(5000, 8222), (4444, 5001)], gone={8222, 4444})
    assert choice.ports == [(5000, 8224), (4223, 5001)]
    assert choice.moved == [
        "port 8222 is taken by redis-server (pid 99): stan-0's monitor listens on 8224 instead",
        "port 4444 is taken: stan-1 listens on 4223 instead",
    ]


def test_a_smaller_group_gives_up_the_ports_of_the_last_nodes(
    taken: Callable[[dict[int, str]], None],
) -> None:
    taken({})
    assert choose_ports(1, keep=[(1, 2), (3, 4)]).ports == [(1, 2)]


def test_the_port_that_was_asked_for_is_given(taken: Callable[[dict[int, str]], None]) -> None:
    taken({})
    assert choose_ports(2, asked=7000).ports == [(7000, 8222), (7001, 8223)]


def test_asked_ports_count_more_than_known_ones(taken: Callable[[dict[int, str]], None]) -> None:
    """Monitors stay; an asked port that the group has already is not tried, whichever node has it."""
    taken({7000: "container stan-0"})
    assert choose_ports(2, asked=7000, keep=[(7000, 8300), (4223, 8301)]).ports == [
        (7000, 8300),
        (7001, 8301),
    ]


def test_a_taken_port_that_was_asked_for_is_an_error_that_names_its_owner(
    taken: Callable[[dict[int, str]], None],
) -> None:
    taken({7001: "redis-server (pid 99)"})
    with pytest.raises(PortInUse, match=r"port 7001 is taken by redis-server \(pid 99\); free it") as raised:
        choose_ports(2, asked=7000)
    assert (raised.value.port, raised.value.owner) == (7001, "redis-server (pid 99)")


def test_an_asked_port_without_room_for_the_nodes_is_an_error() -> None:
    with pytest.raises(SettingsError, match="leaves no room for 3 nodes"):
        choose_ports(3, asked=65534)


def test_running_out_of_ports_is_an_error(taken: Callable[[dict[int, str]], None]) -> None:
    taken(dict.fromkeys(range(65530, 65536), ""))
    with pytest.raises(PortInUse, match="every port above it"):
        choose_ports(1, first_client=65530)


@given(
    count=st.integers(1, 8),
    busy=st.sets(st.integers(4200, 4260) | st.integers(8200, 8260)),
    reserved=st.sets(st.integers(4200, 4260)),
    kept=st.lists(
        st.tuples(st.integers(4200, 4230), st.integers(4231, 4260)), max_size=3, unique_by=(min, max)
    ),
    lost=st.sets(st.integers(4200, 4260)),
    first_monitor=st.sampled_from([8222, 4222, 4224]),
)
def test_no_port_is_given_twice_nor_one_that_is_taken(
    count: int,
    busy: set[int],
    reserved: set[int],
    kept: list[tuple[int, int]],
    lost: set[int],
    first_monitor: int,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(port_allocation, "is_free", lambda port, host: port not in busy)
        patch.setattr(port_allocation, "port_owner", lambda port, container: None)
        choice = choose_ports(count, reserved=reserved, keep=kept, gone=lost, first_monitor=first_monitor)
    given_ports = [port for pair in choice.ports for port in pair]
    assert len(given_ports) == len(set(given_ports)) == 2 * count
    known = [port for pair in kept for port in pair]
    had = [*(None if port in lost else port for port in known), *[None] * (2 * count)][: 2 * count]
    assert all(before in (None, now) for before, now in zip(had, given_ports, strict=True))
    fresh = {now for before, now in zip(had, given_ports, strict=True) if before is None}
    own = set(known) - lost
    assert not fresh & (busy - own | reserved)


def test_real_ports_in_the_way_are_stepped_over(listen: Listen) -> None:
    first = listen()
    choice = choose_ports(1, first_client=first)
    assert choice.ports[0][0] > first
    assert choice.moved[0].startswith(f"port {first} is taken by ")
