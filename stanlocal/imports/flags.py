"""The server's command line as configuration: flags override the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stanlocal.imports.import_result import Found
from stanlocal.natsconf import Entry, Place, Table
from stanlocal.settings.coerce import coerce
from stanlocal.settings.layer import Layer
from stanlocal.settings.schema import Kind
from stanlocal.settings.tool_options import SETTINGS

CONFIG_FLAGS = frozenset({"sc", "stan_config", "c", "config"})

_STREAMING = {
    "cid": "cluster_id",
    "cluster_id": "cluster_id",
    "st": "store",
    "store": "store",
    "dir": "dir",
    "ft_group": "ft_group_name",
    "ns": "nats_server_url",
    "nats_server": "nats_server_url",
    "hbi": "hb_interval",
    "hb_interval": "hb_interval",
    "hbt": "hb_timeout",
    "hb_timeout": "hb_timeout",
    "hbf": "hb_fail_count",
    "hb_fail_count": "hb_fail_count",
    "SD": "stan_debug",
    "stan_debug": "stan_debug",
    "SV": "stan_trace",
    "stan_trace": "stan_trace",
    "secure": "secure",
    "encrypt": "encrypt",
    "encryption_cipher": "encryption_cipher",
    "encryption_key": "encryption_key",
    "replace_durable": "replace_durable",
    "clustered": "clustered",
}
_LIMITS = {
    "mc": "max_channels",
    "max_channels": "max_channels",
    "msu": "max_subs",
    "max_subs": "max_subs",
    "mm": "max_msgs",
    "max_msgs": "max_msgs",
    "mb": "max_bytes",
    "max_bytes": "max_bytes",
    "ma": "max_age",
    "max_age": "max_age",
    "mi": "max_inactivity",
    "max_inactivity": "max_inactivity",
}
_FILE = {
    "file_compact_enabled": "compact_enabled",
    "file_compact_frag": "compact_fragmentation",
    "file_compact_interval": "compact_interval",
    "file_compact_min_size": "compact_min_size",
    "file_buffer_size": "buffer_size",
    "file_read_buffer_size": "read_buffer_size",
    "file_crc": "crc",
    "file_crc_poly": "crc_poly",
    "file_sync": "sync_on_flush",
    "file_slice_max_msgs": "slice_max_msgs",
    "file_slice_max_bytes": "slice_max_bytes",
    "file_slice_max_age": "slice_max_age",
    "file_slice_archive_script": "slice_archive_script",
    "file_fds_limit": "file_descriptors_limit",
    "file_parallel_recovery": "parallel_recovery",
    "file_auto_sync": "auto_sync",
}
_NATS = {
    "D": "debug",
    "debug": "debug",
    "V": "trace",
    "trace": "trace",
    "p": "port",
    "port": "port",
    "a": "host",
    "addr": "host",
    "m": "http_port",
    "http_port": "http_port",
    "l": "log_file",
    "log": "log_file",
    "P": "pid_file",
    "pid": "pid_file",
}
_KEYS = {
    **{flag: ("streaming", name) for flag, name in _STREAMING.items()},
    **{flag: ("streaming", "store_limits", name) for flag, name in _LIMITS.items()},
    **{flag: ("streaming", "file_options", name) for flag, name in _FILE.items()},
    **{flag: ("nats", name) for flag, name in _NATS.items()},
}
_BOTH = {
    "SDV": (("streaming", "stan_debug"), ("streaming", "stan_trace")),
    "DV": (("nats", "debug"), ("nats", "trace")),
}
_SWITCHES = frozenset({*_BOTH, "T", "logtime", "no_advertise", "file_truncate_bad_eof"})
"""Flags without a value, besides those of true-or-false options."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag of the command line, without its dashes."""

    name: str
    value: str | None
    place: Place


def split(arguments: Sequence[tuple[str, Place]]) -> Iterator[Flag]:
    """Split the arguments as Go's flag package does: `-name value`, `--name=value`, `-switch`."""
    rest = iter(arguments)
    for text, place in rest:
        if not text.startswith("-"):
            continue  # the command itself
        name, equals, value = text.lstrip("-").partition("=")
        if equals:
            yield Flag(name, value, place)
        elif _is_switch(name):
            yield Flag(name, None, place)
        else:
            yield Flag(name, next(rest, ("", place))[0], place)


def _is_switch(name: str) -> bool:
    option = SETTINGS.at(_KEYS[name]) if name in _KEYS else None
    return name in _SWITCHES or (option is not None and option.kind is Kind.BOOLEAN)


def lay_over(conf: Table, flags: Sequence[Flag], found: Found) -> Table:
    """Return `conf` with the flags' values; flags that are not settings are noted as left out."""
    merged = dict(conf)
    for flag in flags:
        if flag.name in _BOTH:
            for key in _BOTH[flag.name]:
                _set(merged, key, Entry(True, flag.place))
        elif flag.name in _KEYS:
            _lay(merged, _KEYS[flag.name], flag, found)
        elif flag.name not in CONFIG_FLAGS:
            found.left_out(flag.place, f"argument -{flag.name}", "stanlocal has no setting for it")
    return merged


def _lay(conf: Table, key: tuple[str, ...], flag: Flag, found: Found) -> None:
    option = SETTINGS.at(key)
    assert option is not None
    value: object = True if flag.value is None else flag.value
    if not option.refused and option.kind is not Kind.PATH:
        try:
            value = coerce(option, str(value).lower() if value is True else value, Layer("environment", {}))
        except ValueError as error:
            if option.name != "store":  # noted for a store elsewhere
                found.problem(flag.place, f"argument -{flag.name} {error}")
                return
    assert isinstance(value, (str, int, float, bool))
    _set(conf, key, Entry(value, flag.place))


def _set(conf: Table, key: tuple[str, ...], entry: Entry) -> None:
    """Set `key` under whichever of its names the file uses.

    NATS's options are at the top, and so are the streaming server's in a file without a section for them.
    """
    at_top = key[0] == "nats" or (conf and not any(name.lower() == key[0] for name in conf))
    path = key[1:] if at_top else key
    branch = conf
    for depth, part in enumerate(path):
        at = key[: len(key) - len(path) + depth + 1]
        spelled = [name for name in branch if (found := SETTINGS.at((*at[:-1], name))) and found.name == part]
        if depth == len(path) - 1:
            for name in spelled:
                del branch[name]
            branch[part] = entry
            return
        name = spelled[0] if spelled else part
        below = branch[name].value if name in branch else {}
        below = dict(below) if isinstance(below, dict) else {}
        branch[name] = Entry(below, branch[name].place if name in branch else entry.place)
        branch = below
