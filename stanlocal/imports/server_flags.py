"""The flags of nats-streaming-server 0.25.6: each with its type and the option that it sets.

The server declares them with Go's flag package, its NATS server's included; both lists are complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class FlagKind(Enum):
    """Types of flags, as Go's flag package parses them; the value is their name in messages."""

    SWITCH = "true or false"
    INTEGER = "a whole number"
    SIZE = "a size"
    DURATION = "a duration"
    STRING = "a string"


@dataclass(frozen=True, slots=True)
class ServerFlag:
    """A flag; `keys` are the options of stan.conf that it sets, `why` says why it has no effect here."""

    kind: FlagKind
    keys: tuple[tuple[str, ...], ...] = ()
    why: str = ""


_RAFT = "it is for Raft clusters"
_ENDS = "the server answers and ends with it, it does not run"


def _flags(kind: FlagKind, at: tuple[str, ...], names: Mapping[str, str]) -> dict[str, ServerFlag]:
    """Return the flags of one table: `names` has their names, separated by blanks, by their option."""
    return {
        flag: ServerFlag(kind, ((*at, option),)) for option, each in names.items() for flag in each.split()
    }


def _unused(why: str, kinds: Mapping[FlagKind, str]) -> dict[str, ServerFlag]:
    return {flag: ServerFlag(kind, why=why) for kind, names in kinds.items() for flag in names.split()}


_STREAMING = ("streaming",)
_LIMITS = ("streaming", "store_limits")
_FILE = ("streaming", "file_options")
_NATS = ("nats",)
_ROUTES = ("nats", "cluster")
_LOGIN = ("nats", "authorization")
_TLS = ("nats", "tls")
_CLIENT_TLS = ("streaming", "tls")

FLAGS: Mapping[str, ServerFlag] = {
    **_flags(
        FlagKind.STRING,
        _STREAMING,
        {
            "cluster_id": "cid cluster_id",
            "store": "st store",
            "dir": "dir",
            "ft_group_name": "ft_group",
            "nats_server_url": "ns nats_server",
            "encryption_cipher": "encryption_cipher",
            "encryption_key": "encryption_key",
            "syslog_name": "syslog_name",
        },
    ),
    **_flags(
        FlagKind.DURATION,
        _STREAMING,
        {"hb_interval": "hbi hb_interval", "hb_timeout": "hbt hb_timeout"},
    ),
    **_flags(
        FlagKind.INTEGER,
        _STREAMING,
        {
            "hb_fail_count": "hbf hb_fail_count",
            "io_batch_size": "io_batch_size",
            "io_sleep_time": "io_sleep_time",
        },
    ),
    **_flags(
        FlagKind.SWITCH,
        _STREAMING,
        {
            "stan_debug": "SD stan_debug",
            "stan_trace": "SV stan_trace",
            "secure": "secure",
            "encrypt": "encrypt",
            "replace_durable": "replace_durable",
            "clustered": "clustered",
            "file_truncate_bad_eof": "file_truncate_bad_eof",
        },
    ),
    **_flags(
        FlagKind.INTEGER,
        _LIMITS,
        {"max_channels": "mc max_channels", "max_subs": "msu max_subs", "max_msgs": "mm max_msgs"},
    ),
    **_flags(FlagKind.SIZE, _LIMITS, {"max_bytes": "max_bytes mb"}),
    **_flags(FlagKind.DURATION, _LIMITS, {"max_age": "ma max_age", "max_inactivity": "mi max_inactivity"}),
    **_flags(
        FlagKind.SWITCH,
        _FILE,
        {"compact_enabled": "file_compact_enabled", "crc": "file_crc", "sync_on_flush": "file_sync"},
    ),
    **_flags(
        FlagKind.INTEGER,
        _FILE,
        {
            "compact_fragmentation": "file_compact_frag",
            "compact_interval": "file_compact_interval",
            "crc_poly": "file_crc_poly",
            "slice_max_msgs": "file_slice_max_msgs",
            "file_descriptors_limit": "file_fds_limit",
            "parallel_recovery": "file_parallel_recovery",
        },
    ),
    **_flags(
        FlagKind.SIZE,
        _FILE,
        {
            "compact_min_size": "file_compact_min_size",
            "buffer_size": "file_buffer_size",
            "read_buffer_size": "file_read_buffer_size",
            "slice_max_bytes": "file_slice_max_bytes",
        },
    ),
    **_flags(
        FlagKind.DURATION, _FILE, {"slice_max_age": "file_slice_max_age", "auto_sync": "file_auto_sync"}
    ),
    **_flags(FlagKind.STRING, _FILE, {"slice_archive_script": "file_slice_archive_script"}),
    **_flags(
        FlagKind.STRING,
        _CLIENT_TLS,
        {
            "client_cert": "tls_client_cert",
            "client_key": "tls_client_key",
            "client_cacert": "tls_client_cacert",
        },
    ),
    **_flags(
        FlagKind.SWITCH,
        _NATS,
        {
            "debug": "D debug",
            "trace": "V trace",
            "logtime": "T logtime",
            "logtime_utc": "logtime_utc",
            "syslog": "s syslog",
            "jetstream": "js jetstream",
        },
    ),
    **_flags(
        FlagKind.INTEGER,
        _NATS,
        {
            "port": "p port",
            "http_port": "m http_port",
            "https_port": "ms https_port",
            "logfile_size_limit": "log_size_limit",
            "prof_port": "profile",
            "max_traced_msg_len": "max_traced_msg_len",
        },
    ),
    **_flags(
        FlagKind.STRING,
        _NATS,
        {
            "server_name": "n name server_name",
            "host": "a addr net",
            "client_advertise": "client_advertise",
            "pid_file": "P pid",
            "ports_file_dir": "ports_file_dir",
            "log_file": "l log",
            "remote_syslog": "r remote_syslog",
            "store_dir": "sd store_dir",
        },
    ),
    **_flags(FlagKind.STRING, _LOGIN, {"user": "user", "password": "pass", "token": "auth"}),
    **_flags(FlagKind.STRING, _TLS, {"cert_file": "tlscert", "key_file": "tlskey", "ca_file": "tlscacert"}),
    **_flags(FlagKind.SWITCH, _TLS, {"verify": "tlsverify"}),
    **_flags(
        FlagKind.STRING,
        _ROUTES,
        {
            "listen": "cluster cluster_listen",
            "routes": "routes",
            "cluster_advertise": "cluster_advertise",
            "name": "cluster_name",
        },
    ),
    **_flags(FlagKind.SWITCH, _ROUTES, {"no_advertise": "no_advertise"}),
    **_flags(FlagKind.INTEGER, _ROUTES, {"connect_retries": "connect_retries"}),
    "SDV": ServerFlag(FlagKind.SWITCH, ((*_STREAMING, "stan_debug"), (*_STREAMING, "stan_trace"))),
    "DV": ServerFlag(FlagKind.SWITCH, ((*_NATS, "debug"), (*_NATS, "trace"))),
    "VV": ServerFlag(FlagKind.SWITCH, ((*_NATS, "trace"), (*_NATS, "trace_verbose"))),
    "DVV": ServerFlag(FlagKind.SWITCH, ((*_NATS, "debug"), (*_NATS, "trace"), (*_NATS, "trace_verbose"))),
    **{name: ServerFlag(FlagKind.STRING) for name in ("sc", "stan_config", "c", "config")},
    "tls": ServerFlag(FlagKind.SWITCH, why="its files are on other machines; name yours in stanlocal.toml"),
    **_unused(
        _RAFT,
        {
            FlagKind.STRING: "cluster_node_id cluster_peers cluster_log_path",
            FlagKind.INTEGER: "cluster_log_cache_size cluster_log_snapshots cluster_trailing_logs",
            FlagKind.SWITCH: "cluster_bootstrap cluster_sync cluster_raft_logging "
            "cluster_proceed_on_restore_failure cluster_allow_add_remove_node",
        },
    ),
    **_unused(
        "stanlocal runs groups over a file store",
        {
            FlagKind.STRING: "sql_driver sql_source",
            FlagKind.SWITCH: "sql_no_caching",
            FlagKind.INTEGER: "sql_max_open_conns sql_bulk_insert_limit",
        },
    ),
    **_unused(_ENDS, {FlagKind.SWITCH: "h help v version help_tls t", FlagKind.STRING: "sl signal"}),
}

LATE = ("DV", "DVV", "SDV", "VV")
"""Flags that count more than those for one of their options, wherever they are; the last counts most."""
ENDS = frozenset(name for name, flag in FLAGS.items() if flag.why == _ENDS)
"""Flags with which the server does something else than run."""
