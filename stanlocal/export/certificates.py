"""The certificate of a secured group that is exported: its files, and the command that makes them. Pure.

The certificates of the group itself are for this machine, and their keys stay here. In the other place one
certificate for all nodes does, which is its own authority.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence

from stanlocal.model.plan import GroupPlan

FOLDER = "./secrets"
"""Folder of the files, relative to the export."""


def commands(hosts: Iterable[str], folder: str) -> list[str]:
    """Return header lines with the command that makes the files, valid at `hosts`, in `folder`."""
    return [
        "Certificates are not in here. Any will do that the nodes' names are in; this makes one for all",
        f"nodes, which is its own authority, so that clients get {folder}ca.pem:",
        *_names(sorted(map(_name, hosts))),
        "  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 825 \\",
        "    -subj /CN=stan -addext subjectAltName=$NAMES \\",
        f"    -keyout {folder}server.key -out {folder}server.pem",
        f"  cp {folder}server.pem {folder}ca.pem",
    ]


def for_routes(plan: GroupPlan, hosts: Iterable[str]) -> list[str]:
    """Return header lines about the certificate that the settings name for routes, if they do."""
    if plan.secure or not plan.nats.get("cluster", {}).get("tls"):
        return []
    return ["", f"nats.cluster.tls.cert_file has to name {', '.join(hosts)}, where nodes dial each other."]


def _names(names: Sequence[str]) -> Iterator[str]:
    """Yield shell lines that put the names into a variable, each short enough for a comment."""
    yield f"  NAMES={names[0]}"
    yield from (f"  NAMES=$NAMES,{name}" for name in names[1:])


def _name(host: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(host)}"
    except ValueError:
        return f"DNS:{host}"
