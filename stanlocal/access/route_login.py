"""The login of the routes between the nodes of a group that does not let everyone in. Pure.

A NATS server treats whoever opens a route as another server, and lets it read and write everything. So where
clients need a login or TLS, nodes show each other a random password.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stanlocal.settings.protection import has_login

_USER = "routes"


def is_needed(nats: Mapping[str, Any], *, secure: bool) -> bool:
    """Return whether clients need more than the address of a server with these settings."""
    return secure or has_login(nats) or bool(nats.get("tls"))


def with_route_login(nats: Mapping[str, Any], password: str) -> dict[str, Any]:
    """Return the settings with a login for routes, which `render.stan_conf` writes."""
    login = {"user": _USER, "password": password}
    return {**nats, "cluster": {**nats.get("cluster", {}), "authorization": login}}
