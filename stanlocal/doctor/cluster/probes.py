"""Rules about probes: none may fail on a standby, or end a node that reads the store. Pure.

A standby's monitor answers everything with 200 (`/streaming/isFTActive` with 204, which passes, too), except
channels and clients, which only the active has. While a node reads the store, neither `isFTActive` nor
`/streaming/serverz` answers. A probe that is a command may judge by the answer's content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from stanlocal.doctor.cluster.deployed_group import DeployedGroup
from stanlocal.doctor.cluster.finding import Finding, Problem
from stanlocal.doctor.cluster.pods import exporter
from stanlocal.engine.kubernetes.pods import path_of
from stanlocal.model.plan import CLIENT_PORT

_OF_ACTIVE = re.compile(r"FT_ACTIVE|isFTActive(?=.*\b200\b)", re.DOTALL)
"""Parts of a command that judges by the state, or by the status 200, which a standby's 204 is not."""
_ONE_CHANNEL = re.compile(r"/streaming/(?:channelsz|clientsz)\?(?:.*&)?(?:channel|client)=")
_SILENT = re.compile(r"/streaming/(?:serverz|isFTActive)")
"""Pages that do not answer while the store is read."""
_LONG_S = 300
"""Seconds of reading a store that a probe should bear: a large one without index takes minutes."""
_PERIOD_S = 10
_FAILURES = 3
"""Kubernetes's own defaults of a probe."""
_ENDING = ("livenessProbe", "startupProbe")
"""Probes after whose failures the container is ended."""


def liveness(group: DeployedGroup) -> Iterator[Finding]:
    """Yield a problem for each probe that ends a standby, or a node that takes over."""
    for kind in _ENDING:
        probe = group.container.get(kind)
        if not isinstance(probe, Mapping):
            continue
        where, seconds = _place(group, kind, probe), _patience(probe)
        if asked := asks_only_active(probe):
            yield Problem(
                where,
                f"asks {asked}, which only the active passes: a standby is ended every {seconds} s",
                "ask the NATS server, which answers on a standby, too: httpGet path /",
            )
        elif (asked := _asks_silent(probe)) and seconds < _LONG_S:
            yield Problem(
                where,
                f"asks {asked}, which does not answer while the store is read: a node that takes over is "
                f"ended if that lasts longer than {seconds} s",
                "ask the NATS server, which answers meanwhile: httpGet path /",
            )
        elif (port := _client_port(probe, group.container)) and group.server.nats_url:
            yield Problem(
                where,
                f"asks port {port}, where nothing listens: the servers are beside a NATS server, not in one",
                "ask the monitor: httpGet path /",
            )


def readiness(group: DeployedGroup) -> Iterator[Finding]:
    """Yield a problem for a probe that no standby passes."""
    probe = group.container.get("readinessProbe")
    asked = asks_only_active(probe) if isinstance(probe, Mapping) else None
    if asked and isinstance(probe, Mapping):
        yield Problem(
            _place(group, "readinessProbe", probe),
            f"asks {asked}, which only the active passes: no standby is ever ready, no rolling update ends",
            "ask the NATS server, which answers on a standby, too: httpGet path /",
        )


def order(group: DeployedGroup) -> Iterator[Finding]:
    """Yield a problem where pods are made one after the other, and one that is never ready stops that."""
    if not group.ordered:
        return
    never = [each for rule in (readiness, exporter) for each in rule(group) if isinstance(each, Problem)]
    if never:
        yield Problem(
            group.at("spec.podManagementPolicy"),
            f"OrderedReady: no standby is made while the pod before it is not ready, which {never[0].where} "
            "keeps it from being",
            "it cannot be changed in place: write Parallel into the manifest, remove the StatefulSet without "
            "its pods, then apply it again:",
            (group.kubectl("delete", f"statefulset/{group.name}", "--cascade=orphan"),),
        )


def asks_only_active(probe: Mapping[str, Any]) -> str | None:
    """Return what a probe asks that only the active node passes; None if a standby passes it."""
    command = _command(probe)
    if found := _OF_ACTIVE.search(command):
        return found[0]
    path = str(path_of(probe, "httpGet", "path") or "")
    return path if _ONE_CHANNEL.search(path) else None


def _asks_silent(probe: Mapping[str, Any]) -> str | None:
    path = str(path_of(probe, "httpGet", "path") or "")
    found = _SILENT.search(path) or _SILENT.search(_command(probe))
    return found[0] if found else None


def _command(probe: Mapping[str, Any]) -> str:
    return " ".join(map(str, path_of(probe, "exec", "command") or ()))


def _client_port(probe: Mapping[str, Any], container: Mapping[str, Any]) -> int | None:
    """Return the port of clients if the probe asks it; None if it asks another."""
    port = path_of(probe, "tcpSocket", "port") or path_of(probe, "httpGet", "port")
    named = {each.get("name"): each.get("containerPort") for each in container.get("ports") or ()}
    return CLIENT_PORT if named.get(port, port) == CLIENT_PORT else None


def _patience(probe: Mapping[str, Any]) -> int:
    """Return the seconds of failures after which the container is ended."""
    period, failures = probe.get("periodSeconds"), probe.get("failureThreshold")
    return int(period or _PERIOD_S) * int(failures or _FAILURES)


def _place(group: DeployedGroup, kind: str, probe: Mapping[str, Any]) -> str:
    fields = {"exec": "exec.command", "httpGet": "httpGet.path", "tcpSocket": "tcpSocket.port"}
    field = next((path for name, path in fields.items() if name in probe), "")
    return group.at_container(f"{kind}.{field}".rstrip("."))
