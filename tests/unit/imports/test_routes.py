"""The number of nodes that the routes of a stan.conf show."""

from __future__ import annotations

import pytest

from stanlocal.imports.reading import read
from tests.unit.imports.reading import CASES, FT, Write, reported, values


@pytest.mark.parametrize(
    ("cluster", "top", "nodes"),
    [
        ("routes: [nats://b:6222, nats://c:6222]", "", 3),
        ("routes: [nats://a:6222, nats://b:6222]", "server_name: a", 2),
        ("routes: [nats://a:6222, nats://b:6222, nats://c:6222]", "server_name: b", 3),
        ("routes: [nats://a:6222, nats://b:6222]", "server_name: c", 3),
        ("cluster_advertise: 'a:6222', routes: [nats://a:6222, nats://b:6222]", "", 2),
        ("cluster_advertise: $ADVERTISE, routes: [nats://a:6222, nats://b:6222]", "", 2),
        ("routes: [nats://a:6222, nats://b:6222]", "server_name: $POD_NAME", 2),
        ("listen: '127.0.0.1:6222', routes: [nats://localhost:6223]", "", 2),
        ("listen: 'localhost:6222', routes: [nats://localhost:6222, nats://localhost:6223]", "", 2),
        ("port: 6221, routes: [nats://localhost:6222, nats://localhost:6223]", "", 3),
        ("listen: 'a:6222', routes: [nats-route://a:6222, nats-route://b:6222]", "", 2),
        ("routes: [nats://stan:6222]", "", 2),
        ("routes: [nats://stan.default.svc.cluster.local:6222]", "server_name: $POD_NAME", 2),
        ("routes: [nats://u:p@b:6222, nats://u:p@c:6222]", "", 3),
        ("routes: [nats://b:6222, nats://b:6222, nats://c]", "", 3),
        ("routes: [nats://stan-0.stan:6222, nats://stan-1.stan:6222, nats://stan-2.stan:6222]", "", 3),
        ("routes: [nats://stan-1.stan:6222, nats://stan-2.stan:6222]", "", 3),
        ("routes: [nats://stan-0.stan:6222, nats://stan-1.stan:6222]", "server_name: stan-2", 3),
        ("routes: [nats://stan-0.stan:6222, nats://stan-1.stan:6222]", "server_name: stan-1", 2),
        ("routes: [nats://stan-2.stan:6222]", "", 3),
        ("routes: [tls://10.0.0.1:6222, tls://10.0.0.2:6222]", "client_advertise: '10.0.0.1:4222'", 2),
        ("routes: [$PEER]", "", 2),
        ("routes: []", "", 2),
    ],
)  # fmt: skip
def test_routes_show_the_number_of_nodes(write: Write, cluster: str, top: str, nodes: int) -> None:
    path = write("stan.conf", f"{top}\ncluster {{ {cluster} }}\nstreaming {{ {FT} }}")
    assert values(path).nodes == nodes


def test_the_number_of_nodes_and_the_option_for_another_are_reported() -> None:
    imported = read(CASES / "routes-peers.conf", {})
    (line,) = (line for line in reported(imported) if "routes" in line and "changed" in line)
    assert line.endswith("3 nodes, as the routes lead to the others (b, c); --nodes sets another number")


def test_a_service_says_nothing_about_the_number_of_nodes() -> None:
    path = CASES / "routes-service.conf"
    assert values(path).nodes == 2
    assert any(
        "does not show how many nodes there are, of which 2 are assumed" in line
        for line in reported(read(path, {}))
    )
