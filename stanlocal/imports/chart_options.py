"""Values of the nats/stan chart as the options that the server gets once the chart has printed them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeGuard

from stanlocal.imports.chart_printing import fits, is_printed, printed, read, read_name, rendered
from stanlocal.imports.chart_reasons import UNREAD
from stanlocal.imports.conf import options
from stanlocal.imports.import_result import Found, with_value
from stanlocal.imports.walk import Path
from stanlocal.natsconf import Entry, Table, Value
from stanlocal.settings.layer import Key
from stanlocal.settings.schema import Kind
from stanlocal.settings.store import FILE_OPTIONS
from stanlocal.settings.tool_options import SETTINGS
from stanlocal.settings.values import parse_duration

_DROPS = "the server's own default counts"
_SHORTEST_LAME_DUCK = "30s"


class How(Enum):
    """How a template of the chart prints a value."""

    PLAIN = "without quotes"
    QUOTED = "in quotes"
    NUMBER = "a number, and nothing else"
    SWITCH = "true, where the value holds"


_VALUES: Mapping[Path, tuple[Key, How]] = {
    ("stan", "clusterID"): (("streaming", "cluster_id"), How.PLAIN),
    ("stan", "logging", "debug"): (("streaming", "stan_debug"), How.SWITCH),
    ("stan", "logging", "trace"): (("streaming", "stan_trace"), How.SWITCH),
    ("store", "ft", "group"): (("streaming", "ft_group_name"), How.PLAIN),
    ("store", "partitioning", "enabled"): (("streaming", "partitioning"), How.PLAIN),
}
_NATS_VALUES: Mapping[Path, tuple[Key, How]] = {
    ("nats", "pingInterval"): (("nats", "ping_interval"), How.PLAIN),
    ("nats", "maxPings"): (("nats", "ping_max"), How.PLAIN),
    ("nats", "writeDeadline"): (("nats", "write_deadline"), How.QUOTED),
    ("nats", "limits", "maxConnections"): (("nats", "max_connections"), How.PLAIN),
    ("nats", "limits", "maxSubscriptions"): (("nats", "max_subscriptions"), How.PLAIN),
    ("nats", "limits", "maxControlLine"): (("nats", "max_control_line"), How.PLAIN),
    ("nats", "limits", "maxPayload"): (("nats", "max_payload"), How.PLAIN),
    ("nats", "limits", "maxPending"): (("nats", "max_pending"), How.PLAIN),
    ("nats", "logging", "debug"): (("nats", "debug"), How.PLAIN),
    ("nats", "logging", "trace"): (("nats", "trace"), How.PLAIN),
    ("nats", "logging", "connectErrorReports"): (("nats", "connect_error_reports"), How.PLAIN),
    ("nats", "logging", "reconnectErrorReports"): (("nats", "reconnect_error_reports"), How.PLAIN),
}
_LIMITS: Mapping[str, How] = {
    "max_channels": How.NUMBER,
    "max_msgs": How.NUMBER,
    "max_subs": How.NUMBER,
    "max_bytes": How.PLAIN,
    "max_age": How.QUOTED,
    "max_inactivity": How.QUOTED,
}


@dataclass(frozen=True, slots=True)
class ChartValues:
    """The values of the chart, and where what they come to is put."""

    values: Table
    found: Found
    at: str = ""
    """Name of the subchart, with its point, for messages."""

    def put(self) -> list[Path]:
        """Put all options that the templates print, and return the paths of their values."""
        taken = [*self.put_nats(), ("store", "file", "options"), ("store", "limits")]
        taken += self._put_all(_VALUES)
        options_table = entry_at(self.values, ("store", "file", "options"))
        if options_table is not None and isinstance(options_table.value, dict):
            options(
                FILE_OPTIONS, self._as_json(options_table.value), ("streaming", "file_options"), self.found
            )
        limits = entry_at(self.values, ("store", "limits"))
        if limits is not None and isinstance(limits.value, dict):
            self._limits(limits.value, "store.limits", ("streaming", "store_limits"))
        return taken

    def put_nats(self) -> list[Path]:
        """Put the options of the NATS server alone."""
        taken = self._put_all(_NATS_VALUES)
        deadline = entry_at(self.values, ("nats", "writeDeadline"))
        if deadline is not None and is_printed(deadline.value):
            self._lame_duck(deadline)
        return taken

    def _put_all(self, table: Mapping[Path, tuple[Key, How]]) -> list[Path]:
        taken = []
        for path, (key, how) in table.items():
            entry = entry_at(self.values, path)
            if entry is not None and not isinstance(entry.value, (dict, list)):
                self._put(entry, ".".join(path), key, how)
                taken.append(path)
        return taken

    def _put(self, entry: Entry, name: str, key: Key, how: How) -> None:
        """Put a value as the server gets it; what it would refuse is taken as it is meant, and reported."""
        value = entry.value
        what = with_value(f"{self.at}{name}", value)
        option = SETTINGS.at(key)
        assert option is not None
        if how is How.NUMBER:
            if _is_number(value):
                self.found.put(key, int(value), entry.place)
            else:
                self.found.left_out(entry.place, what, f"the chart prints a number only; {_DROPS}")
        elif not is_printed(value):
            if _is_number(value) and how is not How.SWITCH:
                self.found.left_out(entry.place, what, f"the chart prints no 0 there; {_DROPS}")
        elif how is How.SWITCH:
            self.found.put(key, True, entry.place)
        elif how is How.QUOTED:
            self.found.put(key, printed(value), entry.place)
        else:
            self._plain(entry, name, key, option.kind)

    def _plain(self, entry: Entry, name: str, key: Key, kind: Kind) -> None:
        text = printed(entry.value)
        value = read(text)
        if fits(kind, value):
            self.found.put(key, value, entry.place)
        elif value is None and isinstance(entry.value, str):
            rendered(entry, f"{self.at}{name}", self.found)
        else:
            why = f"the server refuses what the chart prints there ({text}); here it is as it is meant"
            self.found.changed(entry.place, with_value(f"{self.at}{name}", entry.value), why)
            self.found.put(key, _meant(entry.value, kind), entry.place)

    def _lame_duck(self, deadline: Entry) -> None:
        """Put the duration that the chart prints for lame duck mode, which is that of writes."""
        try:
            short = parse_duration(printed(deadline.value)) < parse_duration(_SHORTEST_LAME_DUCK)
        except ValueError:
            return  # a problem of write_deadline too
        if short:
            why = (
                "the chart prints it as lame_duck_duration too, where the server refuses less than "
                f"{_SHORTEST_LAME_DUCK}; it is left out there"
            )
            self.found.changed(deadline.place, f"{self.at}nats.writeDeadline", why)
        else:
            self.found.put(("nats", "lame_duck_duration"), printed(deadline.value), deadline.place)

    def _limits(self, limits: Table, name: str, key: Key) -> None:
        """Put limits, those of channels included."""
        for each, entry in limits.items():
            what = f"{name}.{each}"
            if each == "channels" and isinstance(entry.value, dict) and len(key) == 2:
                for channel, own in entry.value.items():
                    at = (*key, "channels", read_name(channel))
                    self._channel(own, f"{what}.{channel}", at)
            elif each not in _LIMITS or (each == "max_channels" and len(key) > 2):
                self.found.left_out(entry.place, with_value(f"{self.at}{what}", entry.value), UNREAD)
            elif not isinstance(entry.value, (dict, list)):
                self._put(entry, what, (*key, each), _LIMITS[each])

    def _as_json(self, table: Table) -> Table:
        """Return options as the chart's JSON has them: whole numbers, and null, which the server refuses."""
        given = {name: entry for name, entry in table.items() if entry.value != {}}
        for name, entry in table.items():
            if name not in given:
                why = f"the chart prints null, which the server refuses; here {_DROPS}"
                self.found.left_out(entry.place, f"{self.at}store.file.options.{name}", why)
        return {name: replace(entry, value=_whole(entry.value)) for name, entry in given.items()}

    def _channel(self, own: Entry, name: str, key: Key) -> None:
        limits = own.value if isinstance(own.value, dict) else {}
        self._limits(limits, name, key)
        if not self.found.has(key):
            self.found.put(key, {}, own.place)


def entry_at(values: Table, path: Path) -> Entry | None:
    """Return the entry at a path; None without one."""
    table: Value = values
    entry = None
    for step in path:
        if not isinstance(table, dict) or step not in table:
            return None
        entry = table[step]
        table = entry.value
    return entry


def _is_number(value: Value) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _whole(value: Value) -> Value:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _meant(value: Value, kind: Kind) -> Value:
    if kind is Kind.DURATION and _is_number(value):
        return f"{int(value)}s"
    value = _whole(value)
    return str(value) if kind in (Kind.STRING, Kind.DURATION) and not isinstance(value, bool) else value
