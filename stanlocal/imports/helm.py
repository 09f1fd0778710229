"""Values of the nats/stan chart as settings."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from stanlocal.imports.chart_login import read_login
from stanlocal.imports.chart_options import ChartValues, entry_at
from stanlocal.imports.chart_printing import is_printed
from stanlocal.imports.chart_reasons import REASONS, UNREAD
from stanlocal.imports.conf import no_group, put_store
from stanlocal.imports.import_result import Found, listing, with_value
from stanlocal.imports.walk import Path, leave_rest
from stanlocal.natsconf import Entry, Place, Table, Value, plain
from stanlocal.settings.presets import DEFAULTS

RELEASE = "stan"
"""The release's name in the guide, and so the cluster id where the values have none."""

_OWN_VALUES = {
    "stan": frozenset(("replicas", "clusterID", "nats", "logging")),
    "store": frozenset(("type", "ft", "limits", "partitioning", "cluster")),
}
"""Names by which values of the chart are known."""
_TYPES = frozenset(("file", "sql", "memory"))
_DEPTH = 3
"""Depth of subcharts that are searched."""


Charts = Sequence[tuple[Path, Table]]
"""Tables that are values of the chart, each with its path."""


def values_in(document: Table) -> Charts:
    """Return the values of the chart: the whole document, or tables of subcharts; none in another one."""
    return [] if "kind" in document or "apiVersion" in document else _subcharts(document, ())


def merged(documents: Sequence[Entry]) -> Table | None:
    """Return the values of several files, merged as Helm does; None where one has an object."""
    result: Table = {}
    for document in documents:
        if not isinstance(document.value, dict) or {"kind", "apiVersion"} & set(document.value):
            return None
        result = _over(result, document.value)
    return result


def _over(below: Table, above: Table) -> Table:
    result = dict(below)
    for name, entry in above.items():
        old = result.get(name)
        if old is not None and isinstance(old.value, dict) and isinstance(entry.value, dict):
            entry = Entry(_over(old.value, entry.value), old.place)
        result[name] = entry
    return result


def _subcharts(values: Table, at: Path) -> Charts:
    if any(_is_own(name, entry.value) for name, entry in values.items()):
        return [(at, values)]
    if len(at) == _DEPTH:
        return []
    tables = [(name, entry.value) for name, entry in values.items() if isinstance(entry.value, dict)]
    return [found for name, table in tables for found in _subcharts(table, (*at, name))]


def _is_own(name: str, value: object) -> bool:
    if not isinstance(value, dict) or not _OWN_VALUES.get(name, frozenset()) & set(value):
        return False
    kind = plain(value["type"].value) if "type" in value else "file"
    return name != "store" or not isinstance(kind, str) or kind.lower() in _TYPES


def read(document: Table, charts: Charts, start: Place, found: Found, release: str = "") -> None:
    """Put the settings of the values into `found`.

    `charts` is what `values_in` finds in the document, `release` the release's name, where it is known.
    """
    (path, values), *others = charts
    if others:
        names = listing([".".join(each) for each, _ in ((path, values), *others)])
        found.problem(start, f"several subcharts have values of the nats/stan chart ({names}); leave one")
        return
    _read(values, start, "".join(f"{step}." for step in path), release, found)
    if path:
        _around(document, path, found)


def _read(values: Table, start: Place, at: str, release: str, found: Found) -> None:
    raft = entry_at(values, ("store", "cluster", "enabled"))
    if raft is not None and is_printed(raft.value):
        why = "this is a Raft cluster; stanlocal runs FT groups over one store (store.ft.group)"
        found.problem(raft.place, why)
        return
    kind = entry_at(values, ("store", "type")) or Entry("file", start)
    if kind.value not in ("sql", "memory"):  # to the chart all else is files
        if kind.value not in ("file", {}):
            found.changed(
                kind.place, with_value(f"{at}store.type", kind.value), "the chart takes it for file"
            )
        kind = Entry("file", kind.place)
    put_store(kind, start, found)
    _replicas(values, start, at, found)
    taken = [("stan", "replicas"), ("store", "type"), *ChartValues(values, found, at).put()]
    _names(values, start, at, release, found)
    used, reasons = read_login(values, found)
    leave_rest(values, at, [*taken, *used], {**REASONS, **reasons}, found, unknown=UNREAD)


def _replicas(values: Table, start: Place, at: str, found: Found) -> None:
    replicas = entry_at(values, ("stan", "replicas"))
    count = 0 if replicas is None else _whole(replicas.value)
    if count is None:
        assert replicas is not None
        found.put(("nodes",), plain(replicas.value), replicas.place)
    elif replicas is not None and count:
        found.put(("nodes",), count, replicas.place)
    else:
        nodes = DEFAULTS["nodes"]
        why = f"it is not set, and the chart's own 1 is no FT group; {nodes} nodes here"
        found.changed(start, f"{at}stan.replicas", f"{why}, and --nodes sets another number")


def _whole(value: Value) -> int | None:
    """Return the number that the chart makes of its replicas; 0 for null, None for what is no number."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return int(value)
    return 0 if value == {} else None


def _names(values: Table, start: Place, at: str, release: str, found: Found) -> None:
    """Put the names that the chart takes from elsewhere, or that are missing."""
    if not found.has(("streaming", "cluster_id")):
        override = entry_at(values, ("nameOverride",))
        name = override.value if override is not None and isinstance(override.value, str) else release
        found.put(("streaming", "cluster_id"), name or RELEASE, start)
        if not name:
            why = (
                f"the chart takes the release's name, which is taken to be {RELEASE!r}; set "
                "STANLOCAL_STREAMING__CLUSTER_ID for another"
            )
            found.changed(start, f"{at}stan.clusterID", why)
    if not found.has(("streaming", "ft_group_name")):
        found.changed(start, f"{at}store.ft.group", no_group())


def _around(document: Table, path: Path, found: Found) -> None:
    """Note the values of other charts; those of a NATS server of its own count for the nodes' own."""
    table = document
    for step in path:
        for name, entry in table.items():
            inner = entry.value
            if name == "nats" and step != name and isinstance(inner, dict) and _is_nats(inner):
                found.changed(entry.place, name, "its NATS server is the one inside each node here")
                ChartValues(inner, found, "nats.").put_nats()
            elif name != step:
                found.left_out(entry.place, name, "it belongs to another chart")
        inner = table[step].value
        table = inner if isinstance(inner, dict) else {}


def _is_nats(values: Table) -> bool:
    """Return whether these are values of the NATS server's chart with limits that count here too."""
    limits = entry_at(values, ("nats", "limits"))
    return limits is not None and isinstance(limits.value, dict)
