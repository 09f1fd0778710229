"""Reasons why values of the nats/stan chart have no place in a local group."""

from __future__ import annotations

from stanlocal.imports.conf import NATS_ELSEWHERE
from stanlocal.imports.walk import Reasons

UNREAD = "no template of the chart reads it"
"""Reason for every value without another: the reasons name all that the templates read."""

_IMAGE = "an image is code, which a file cannot choose; take it with --image"
_PULLED = "an image that the engine has is taken as it is"
_FOLDER = "the store is a folder of this machine; choose it with --store-dir"
_SECURITY = "nodes run as the caller, without capabilities, on a read-only system"
_PROBES = "stanlocal reads logs and monitor itself; 'stanlocal up --attach' restarts"
_PLACEMENT = "all nodes run on this machine"
_ROUTES = "stanlocal writes the routes between the nodes"
_PORTS = "stanlocal publishes the ports of clients and monitoring only, on 127.0.0.1"

REASONS: Reasons = {
    ("stan", "image"): _IMAGE,
    ("stan", "securityContext"): _SECURITY,
    ("stan", "pullPolicy"): _PULLED,
    ("stan", "nats"): NATS_ELSEWHERE,
    ("store", "file", "path"): _FOLDER,
    ("store", "volume"): _FOLDER,
    ("store", "sql"): "stanlocal runs groups over a file store",
    ("store", "cluster"): "it is for Raft clusters",
    ("store", "backup"): "it makes something run; 'stanlocal store snapshot' makes copies",
    ("nats", "advertise"): _PORTS,
    ("nats", "externalAccess"): _PORTS,
    ("nats", "connectRetries"): _ROUTES,
    ("nats", "logging", "logtime"): "stanlocal needs the times in the log",
    ("nats", "limits", "maxPings"): f"{UNREAD}; nats.maxPings counts",
    ("nats", "limits", "writeDeadline"): f"{UNREAD}; nats.writeDeadline counts",
    ("nats", "limits", "lameDuckDuration"): f"{UNREAD}; nats.writeDeadline counts",
    ("cluster",): _ROUTES,
    ("leafnodes",): _PORTS,
    ("gateway",): _PORTS,
    ("auth", "enabled"): "it only says whether the chart reads the rest of auth",
    ("auth", "systemAccount"): "stanlocal does not run operator mode; use auth.basic",
    ("exporter",): "'stanlocal metrics' serves the metrics",
    ("reloader",): "'stanlocal up' applies changed settings",
    ("resources",): "nodes take what this machine has",
    ("affinity",): _PLACEMENT,
    ("nodeSelector",): _PLACEMENT,
    ("tolerations",): _PLACEMENT,
    ("topologySpreadConstraints",): _PLACEMENT,
    ("securityContext",): _SECURITY,
    ("livenessProbe",): _PROBES,
    ("readinessProbe",): _PROBES,
    ("clusterReadinessProbe",): _PROBES,
    ("imagePullSecrets",): _PULLED,
    ("serviceAccountName",): "the servers need no rights in a cluster",
    ("podAnnotations",): "stanlocal finds its nodes by labels of its own",
    ("nameOverride",): "choose the group's name with --group",
}
"""Reasons for the values that the templates of the chart read."""
