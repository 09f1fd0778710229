"""Addresses at which the caller may reach ports that an engine publishes.

An engine may be on this machine, on another one, or around the caller's container, and nothing that either
reports is conclusive. So there is a list of addresses, the narrowest first, and
`stanlocal.engine.docker.placement_trial` tries them.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from stanlocal.util.addresses import LOOPBACK

DESKTOP_HOST = "host.docker.internal"
"""Docker Desktop's name, in containers, for the machine on whose loopback it publishes ports."""

_ROUTES = Path("/proc/net/route")
_GATEWAY_FLAG = 0x2
_ASK_TIMEOUT_S = 0.5
_MAX_ANSWER = 1 << 16


@dataclass(frozen=True, slots=True)
class PublishedAddress:
    """Address `publish` of the engine's machine for published ports, and the host that may reach them."""

    publish: str
    host: str


def published_addresses(engine: str, gateway: str | None) -> Iterator[PublishedAddress]:
    """Yield addresses for ports of the engine at `engine`, the narrowest first; none is a wildcard.

    `gateway` is the caller's default gateway: in a container, an address of the machine around it. Names
    are resolved when their turn comes.
    """
    yield PublishedAddress(LOOPBACK, LOOPBACK)
    host = None if engine.startswith("unix://") else urlsplit(engine).hostname
    if host and not _is_loopback(host):
        yield from (PublishedAddress(address, host) for address in _addresses(host))
        return
    if gateway:
        yield PublishedAddress(gateway, gateway)
    if _addresses(DESKTOP_HOST):
        yield PublishedAddress(LOOPBACK, DESKTOP_HOST)


def default_gateway(routes: Path = _ROUTES) -> str | None:
    """Return the IPv4 address of the default gateway; None if there is none, or the system is not Linux."""
    try:
        lines = routes.read_text().splitlines()[1:]
    except FileNotFoundError:
        return None
    for _, destination, gateway, flags, *_ in map(str.split, lines):
        if destination == "00000000" and int(flags, 16) & _GATEWAY_FLAG:
            return socket.inet_ntoa(struct.pack("=I", int(gateway, 16)))
    return None


def serves_cluster(host: str, port: int, cluster_id: str) -> bool:
    """Whether the streaming server of that cluster id answers on the monitor port."""
    connection = http.client.HTTPConnection(host, port, timeout=_ASK_TIMEOUT_S)
    try:
        connection.request("GET", "/streaming/serverz")
        document = json.loads(connection.getresponse().read(_MAX_ANSWER))
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return False
    finally:
        connection.close()
    return isinstance(document, dict) and document.get("cluster_id") == cluster_id


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _addresses(host: str) -> Sequence[str]:
    """Return the IPv4 addresses of the name, in the resolver's order."""
    try:
        found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
    except socket.gaierror:
        return ()
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
