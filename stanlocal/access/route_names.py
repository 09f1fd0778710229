"""The names by which nodes dial each other; where routes have a certificate, it has to contain them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from stanlocal.access.certificate_check import Names, is_for_clients, names_in
from stanlocal.errors import SettingsError
from stanlocal.model import proxy_routes
from stanlocal.model.plan import GroupPlan, NodePlan
from stanlocal.util.addresses import LOOPBACK

_CERTIFICATE = "nats.cluster.tls.cert_file"


def named_for_routes(plan: GroupPlan, certificate: bytes) -> GroupPlan:
    """Return the plan with a name for each node's routes that is in the certificate.

    With Docker any name of a node's own will do, also one below a wildcard: only the network of routes knows
    it. Nodes that share the host's loopback can be `localhost`. Raises `SettingsError` if no name is left,
    and for a certificate that a node which dials cannot show.
    """
    names = names_in(certificate) or Names((), ())
    nodes = tuple(replace(node, route_host=_host(node, names)) for node in plan.nodes)
    named = replace(plan, nodes=nodes)
    routes = (urlsplit(route) for node in nodes for route in proxy_routes.routes(named, node))
    lacking = sorted({str(route.hostname) for route in routes if not names.have(str(route.hostname))})
    problems = []
    if lacking:
        wanted = ",".join(f"IP:{host}" if host == LOOPBACK else f"DNS:{host}" for host in lacking)
        problems.append(
            f"{_CERTIFICATE}: the certificate does not name {', '.join(lacking)}, where nodes dial each "
            f"other; issue one with '-addext subjectAltName={wanted}'"
        )
    if not is_for_clients(certificate):
        problems.append(
            f"{_CERTIFICATE}: the certificate is for servers only, and the node that opens a route shows it "
            "as a client; issue one whose extendedKeyUsage has clientAuth too"
        )
    if problems:
        raise SettingsError(problems)
    return named


def _host(node: NodePlan, names: Names) -> str:
    """Return the first name that nodes can dial the node by; its usual one if there is none in `names`."""
    return next((host for host in _choices(node, names) if names.have(host)), node.route_host)


def _choices(node: NodePlan, names: Names) -> Iterator[str]:
    yield node.route_host
    if node.listen.host == LOOPBACK:
        yield "localhost"
        return
    for name in names.dns:
        first, _, domain = name.partition(".")
        if domain and first in ("*", node.name):
            yield f"{node.name}.{domain}"
