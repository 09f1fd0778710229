"""Values of the nats/stan chart as settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stanlocal.imports.chart_login import read_login
from stanlocal.imports.chart_text import rendered, rendered_names
from stanlocal.imports.conf import NATS_ELSEWHERE, no_group, options, put_store
from stanlocal.imports.import_result import Found
from stanlocal.imports.walk import Path, Reasons, leave_rest
from stanlocal.natsconf import Entry, Place, Table, plain
from stanlocal.settings.layer import Key
from stanlocal.settings.store import FILE_OPTIONS, STORE_LIMITS

RELEASE = "stan"
"""The release's name in the guide, and so the cluster id where the values have none."""

_TAKEN: Mapping[Path, Key] = {
    ("stan", "replicas"): ("nodes",),
    ("stan", "clusterID"): ("streaming", "cluster_id"),
    ("stan", "logging", "debug"): ("streaming", "stan_debug"),
    ("stan", "logging", "trace"): ("streaming", "stan_trace"),
    ("store", "ft", "group"): ("streaming", "ft_group_name"),
    ("store", "partitioning", "enabled"): ("streaming", "partitioning"),
    ("nats", "pingInterval"): ("nats", "ping_interval"),
    ("nats", "limits", "maxConnections"): ("nats", "max_connections"),
    ("nats", "limits", "maxSubscriptions"): ("nats", "max_subscriptions"),
    ("nats", "limits", "maxControlLine"): ("nats", "max_control_line"),
    ("nats", "limits", "maxPayload"): ("nats", "max_payload"),
    ("nats", "limits", "maxPending"): ("nats", "max_pending"),
    ("nats", "limits", "maxPings"): ("nats", "ping_max"),
    ("nats", "limits", "writeDeadline"): ("nats", "write_deadline"),
    ("nats", "limits", "lameDuckDuration"): ("nats", "lame_duck_duration"),
    ("nats", "logging", "debug"): ("nats", "debug"),
    ("nats", "logging", "trace"): ("nats", "trace"),
    ("nats", "logging", "connectErrorReports"): ("nats", "connect_error_reports"),
    ("nats", "logging", "reconnectErrorReports"): ("nats", "reconnect_error_reports"),
}
_TABLES: Mapping[Path, tuple[Key, object]] = {
    ("store", "file", "options"): (("streaming", "file_options"), FILE_OPTIONS),
    ("store", "limits"): (("streaming", "store_limits"), STORE_LIMITS),
}
_IMAGE = "an image is code, which a file cannot choose; take it with --image"
_FOLDER = "the store is a folder of this machine; choose it with --store-dir"
_SECURITY = "nodes run as the caller, without capabilities, on a read-only system"
_PROBES = "stanlocal reads logs and monitor itself; 'stanlocal up --attach' restarts"
_METRICS = "'stanlocal metrics' serves the metrics"

_REASONS: Reasons = {
    ("stan", "image"): _IMAGE,
    ("stan", "securityContext"): _SECURITY,
    ("stan", "pullPolicy"): "an image that the engine has is taken as it is",
    ("stan", "nats"): NATS_ELSEWHERE,
    ("store", "file", "path"): _FOLDER,
    ("store", "file", "storageSize"): _FOLDER,
    ("store", "volume"): _FOLDER,
    ("store", "sql"): "stanlocal runs groups over a file store",
    ("store", "cluster"): "it is for Raft clusters",
    ("store", "backup"): "it makes something run; 'stanlocal store snapshot' makes copies",
    ("exporter",): _METRICS,
    ("resources",): "nodes take what this machine has",
    ("affinity",): "all nodes run on this machine",
    ("nodeSelector",): "all nodes run on this machine",
    ("tolerations",): "all nodes run on this machine",
    ("securityContext",): _SECURITY,
    ("livenessProbe",): _PROBES,
    ("readinessProbe",): _PROBES,
    ("nameOverride",): "choose the group's name with --group",
}


def is_values(document: Table) -> bool:
    """Return whether the document is a values file of the chart."""
    return "kind" not in document and "apiVersion" not in document and bool({"stan", "store"} & set(document))


def read(values: Table, start: Place, found: Found) -> None:
    """Put the settings of the values into `found`."""
    leaves = dict(_leaves(values, ()))
    raft = leaves.get(("store", "cluster", "enabled"))
    if raft is not None and plain(raft.value) is True:
        found.problem(
            raft.place, "this is a Raft cluster; stanlocal runs FT groups over one store (store.ft.group)"
        )
        return
    put_store(leaves.get(("store", "type"), Entry("file", start)), start, found)
    taken: list[Path] = [("store", "type")]
    for path, key in _TAKEN.items():
        if path in leaves:
            printed = rendered(leaves[path], ".".join(path), found)
            found.put(key, plain(printed.value), printed.place)
            taken.append(path)
    for path, (key, table) in _TABLES.items():
        entry = _entry(values, path)
        if entry is not None and isinstance(entry.value, dict):
            options(table, _printed(entry.value), key, found)  # type: ignore[arg-type]  # option tables
            taken.append(path)
    if not found.has(("streaming", "cluster_id")):
        found.put(("streaming", "cluster_id"), RELEASE, start)
        found.changed(
            start,
            "stan.clusterID",
            f"the chart takes the release's name, which is taken to be {RELEASE!r}; set "
            "STANLOCAL_STREAMING__CLUSTER_ID for another",
        )
    if not found.has(("streaming", "ft_group_name")):
        found.changed(start, "store.ft.group", no_group())
    used, reasons = read_login(values, found)
    leave_rest(values, "", [*taken, *used], {**_REASONS, **reasons}, found)


def _printed(table: Table) -> Table:
    """Return a table of options with the channels' names as the server reads them."""
    channels = table.get("channels")
    if channels is None or not isinstance(channels.value, dict):
        return table
    return {**table, "channels": Entry(rendered_names(channels.value), channels.place)}


def _entry(values: Table, path: Path) -> Entry | None:
    table: object = values
    entry = None
    for step in path:
        if not isinstance(table, dict) or step not in table:
            return None
        entry = table[step]
        table = entry.value
    return entry


def _leaves(table: Table, at: Path) -> Iterator[tuple[Path, Entry]]:
    """Yield every value except tables and null, by its path."""
    for name, entry in table.items():
        if isinstance(entry.value, dict):
            yield from _leaves(entry.value, (*at, name))
        else:
            yield (*at, name), entry
