"""Addresses at which published ports are tried, and how the right answer is recognised."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from stanlocal.engine.docker import reach
from stanlocal.engine.docker.reach import (
    PublishedAddress,
    default_gateway,
    published_addresses,
    serves_cluster,
)

LOCAL = PublishedAddress("127.0.0.1", "127.0.0.1")
DESKTOP = PublishedAddress("127.0.0.1", "host.docker.internal")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Addresses that each name resolves to."""
    known: dict[str, list[str]] = {}
    monkeypatch.setattr(reach, "_addresses", lambda host: known.get(host, []))
    return known


@pytest.mark.parametrize(
    ("engine", "gateway", "expected"),
    [
        ("unix:///var/run/docker.sock", None, [LOCAL]),
        ("unix:///var/run/docker.sock", "172.17.0.1", [LOCAL, PublishedAddress("172.17.0.1", "172.17.0.1")]),
        ("tcp://127.0.0.1:2375", "172.17.0.1", [LOCAL, PublishedAddress("172.17.0.1", "172.17.0.1")]),
        ("tcp://localhost:2375", None, [LOCAL]),
        ("http://[::1]:2375", None, [LOCAL]),
        ("tcp://docker:2375", "172.17.0.1", [LOCAL, PublishedAddress("172.18.0.3", "docker")]),
        ("https://10.0.0.7:2376", None, [LOCAL, PublishedAddress("10.0.0.7", "10.0.0.7")]),
        ("tcp://unknown:2375", "172.17.0.1", [LOCAL]),
    ],
)
def test_the_narrowest_way_comes_first_and_none_is_a_wildcard(
    names: dict[str, list[str]], engine: str, gateway: str | None, expected: list[PublishedAddress]
) -> None:
    names.update({"docker": ["172.18.0.3"], "10.0.0.7": ["10.0.0.7"]})
    assert list(published_addresses(engine, gateway)) == expected


def test_docker_desktop_names_the_machine_in_containers(names: dict[str, list[str]]) -> None:
    names[DESKTOP.host] = ["192.168.65.254"]
    assert list(published_addresses("unix:///var/run/docker.sock", None)) == [LOCAL, DESKTOP]


def test_a_name_is_resolved_when_its_turn_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "_addresses", lambda host: pytest.fail(f"{host} was resolved"))
    assert next(published_addresses("tcp://docker:2375", None)) == LOCAL


@pytest.mark.parametrize(
    ("routes", "gateway"),
    [
        ("eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\n", "172.17.0.1"),
        ("eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\n", None),
        ("tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\n", None),
        ("", None),
    ],
    ids=["default", "no default", "default without gateway", "no route"],
)
def test_the_default_gateway_is_read_from_the_kernels_table(
    tmp_path: Path, routes: str, gateway: str | None
) -> None:
    table = tmp_path / "route"
    table.write_text(f"Iface\tDestination\tGateway\tFlags\n{routes}")
    assert default_gateway(table) == gateway
    assert default_gateway(tmp_path / "none") is None


@contextmanager
def _answering(body: bytes) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("body", "right"),
    [
        (b'{"cluster_id": "probe-1"}', True),
        (b'{"cluster_id": "another"}', False),
        (b'["cluster_id"]', False),
        (b"<html>", False),
        (b"\xff\xfe", False),
        (b"[" * 60_000, False),
        (b'{"cluster_id": "probe-1"}' + b" " * 100_000, True),
        (b" " * 100_000 + b'{"cluster_id": "probe-1"}', False),
    ],
    ids=["ours", "another", "no object", "no JSON", "no text", "too deep", "long", "too long"],
)
def test_only_the_server_that_was_started_counts_as_reached(body: bytes, right: bool) -> None:
    with _answering(body) as port:
        assert serves_cluster("127.0.0.1", port, "probe-1") is right
    assert not serves_cluster("127.0.0.1", port, "probe-1"), "nothing listens"
