"""Rules about the servers' configuration: it makes an FT group, and its nodes find each other. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stanlocal.doctor.cluster.deployed_group import DeployedGroup
from stanlocal.doctor.cluster.finding import Finding, Problem
from stanlocal.natsconf import Entry, Place, Table, plain

_HELD = re.compile(r".* \((?P<kind>\w+) (?P<name>\S+), (?P<key>.+)\)", re.DOTALL)
"""File of a place in a ConfigMap or Secret."""
_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:[^/@]*@)?(\[[^\]]*\]|[^:/]*)", re.IGNORECASE)


def ft_group(group: DeployedGroup) -> Iterator[Finding]:
    """Yield a problem where the servers are no FT group, or their configuration cannot be read."""
    server = group.server
    if server.ft_group:
        return
    streaming = _entry(server.conf, "streaming")
    where = group.at_container("args") if streaming is None else _where(group, streaming.place)
    if server.problems:
        detail = f"the configuration cannot be read: {'; '.join(server.problems)}"
        yield Problem(group.at_container("args"), detail, "correct it, or allow this login to read it")
    else:
        yield Problem(
            where,
            "no ft_group_name: the servers do not stand by for each other",
            "set streaming.ft_group_name to one name for all of them, then restart the pods:",
            (group.kubectl("rollout", "restart", f"statefulset/{group.name}"),),
        )


def routes(group: DeployedGroup) -> Iterator[Finding]:
    """Yield a problem where routes do not name every pod; beside a NATS server there are none."""
    server = group.server
    if server.nats_url or group.replicas < 2 or not server.conf:
        return
    cluster = _entry(server.conf, "cluster")
    table = cluster.value if cluster is not None and isinstance(cluster.value, dict) else {}
    entry = _entry(table, "routes")
    hosts = [] if entry is None else list(_hosts(entry))
    place = entry or cluster
    where = group.at_container("args") if place is None else _where(group, place.place)
    edit = (group.kubectl("rollout", "restart", f"statefulset/{group.name}"),)
    wanted = f"have a route to each of {_named(group, list(group.indices))}, then restart the pods:"
    if not hosts:
        detail = "no routes: a standby does not hear the active, nor do clients of a standby reach it"
        yield Problem(where, detail, wanted, edit)
        return
    named = set[int]()
    for host in hosts:
        index = _index(group, host)
        if index is None:  # a Service, behind which all pods are, or a name that says nothing about them
            return
        named.add(index)
    if missing := [index for index in group.indices if index not in named]:
        there = _named(group, sorted(named))
        yield Problem(
            where,
            f"the routes name {there}, not {_named(group, missing)}, found only while a named pod runs",
            wanted,
            edit,
        )


def _named(group: DeployedGroup, indices: list[int]) -> str:
    names = [f"{group.name}-{index}" for index in indices]
    return ", ".join(names) if len(names) <= 5 else f"{names[0]} … {names[-1]}"


def _hosts(routes: Entry) -> Iterator[str]:
    value = plain(routes.value)
    for each in value if isinstance(value, list) else str(value).split(","):
        if found := _HOST.match(str(each).strip()):
            yield found[1].lower()


def _index(group: DeployedGroup, host: str) -> int | None:
    """Return the number of the pod that a host name is; None for any other host."""
    found = re.fullmatch(rf"{re.escape(group.name)}-([0-9]{{1,4}})(?:\..*)?", host)
    return int(found[1]) if found else None


def _where(group: DeployedGroup, place: Place) -> str:
    """Name the place of an entry: a file's line, or the arguments."""
    held = _HELD.fullmatch(place.file)
    if held is None:
        return group.at_container("args")
    return f"{held['kind'].lower()}/{held['name']} {held['key']}:{place.line}"


def _entry(table: Table, name: str) -> Entry | None:
    """Return the entry of this name, whose case does not count; None if there is none."""
    return next((entry for each, entry in table.items() if each.lower() == name), None)
