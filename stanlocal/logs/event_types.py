"""Events of the server's log: one small class for each kind of line that matters, to `match` on.

Only kinds that change a state or explain a problem are here. Names and reasons are the server's own words;
what it prints in Go's quotes (channels, files, ids) is kept as printed, with its escapes.
"""

from __future__ import annotations

from typing import ClassVar, dataclass_transform


@dataclass_transform(frozen_default=True)
class LogEvent:
    """Base of all kinds of events, whose fields are their annotations: immutable, equal by kind and fields.

    They are no dataclasses: to define all of those would cost each start of a command a tenth of its time.
    """

    fatal: ClassVar[bool] = False
    """Whether the server's process ends with this line."""
    _fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        cls._fields = tuple(name for name, kind in cls.__annotations__.items() if "ClassVar" not in kind)
        type.__setattr__(cls, "__match_args__", cls._fields)

    def __init__(self, *values: object, **named: object) -> None:
        given = dict(zip(self._fields, values, strict=False))
        if len(given) < len(values) or given.keys() & named.keys() or named.keys() - set(self._fields):
            raise TypeError(f"{type(self).__name__} takes only {', '.join(self._fields) or 'nothing'}")
        self.__dict__.update(given, **named)
        if missing := [name for name in self._fields if not hasattr(self, name)]:
            raise TypeError(f"{type(self).__name__} needs {', '.join(missing)}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} of an event cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{name} of an event cannot be changed")

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self._fields)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, LogEvent) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        return f"{type(self).__name__}({shown})"


# --- a node's way to active, in order ---------------------------------------------------------------


class Boot(LogEvent):
    """The first line of a run."""

    cluster_id: str
    version: str


class ServerId(LogEvent):
    """The id under which this run of the server is known to the other nodes."""

    id: str


class NatsReady(LogEvent):
    """The embedded NATS server listens. The streaming server may not be ready."""


class StandbyStarted(LogEvent):
    """The node stands by: it waits for the active node's heartbeats to stop, then for the store lock."""


class LockBusy(LogEvent):
    """Another process holds the store lock. Printed less and less often, down to once a minute."""


class LockError(LogEvent):
    """The lock file cannot be used at all; the node tries again for ever."""

    reason: str


class LockTaken(LogEvent):
    """`Server is active`: the node has the store lock, and does not serve yet."""


class RecoveryStarted(LogEvent):
    """The node reads the store, twice in a run when server.dat was missing."""


class RecoveryEnded(LogEvent):
    """The node has read the store."""

    channels: int = 0
    """Channels recovered; 0 for a store that was empty."""


class StreamingReady(LogEvent):
    """Clients are served: the one line that makes a node active."""


class ShuttingDown(LogEvent):
    """The server received SIGTERM or SIGINT."""


# --- two actives ------------------------------------------------------------------------------------


class ForeignActive(LogEvent):
    """An active node hears another, which became active later. This one stays active."""

    server_id: str
    """The other node's server id."""


class SteppedDown(LogEvent):
    """An active node hears one that became active earlier, and ends (exit code 2)."""

    fatal: ClassVar[bool] = True
    server_id: str
    """The other node's server id."""


class HeartbeatFailed(LogEvent):
    """The active node could not send an FT heartbeat."""

    reason: str


class NatsLost(LogEvent):
    """One of the node's connections to the NATS server was lost. Not printed when that server ends."""

    connection: str
    reason: str


class NatsBack(LogEvent):
    """One of the node's connections to the NATS server was made again."""

    connection: str
    """`_NSS-<cluster id>-<purpose>`; `ft` is the one that carries FT heartbeats."""


# --- unexpected ends -------------------------------------------------------------------------------


class Panic(LogEvent):
    """The Go runtime ended the process (exit code 2); a goroutine dump follows."""

    fatal: ClassVar[bool] = True
    reason: str


class StartFailed(LogEvent):
    """The server could not start, or not become active (exit code 1)."""

    fatal: ClassVar[bool] = True
    reason: str


class ConfigError(LogEvent):
    """The configuration or the command line was refused before there was a log (exit code 1; 0 for an
    unknown flag). The line is the reason."""

    fatal: ClassVar[bool] = True


class ClusterIdMismatch(LogEvent):
    """The store belongs to another cluster id."""

    fatal: ClassVar[bool] = True
    configured: str
    recovered: str


class PortBusy(LogEvent):
    """A port that the server should listen on is taken."""

    fatal: ClassVar[bool] = True
    address: str
    """`host:port`, or the port alone."""


# --- the store --------------------------------------------------------------------------------------


class ServerInfoMissing(LogEvent):
    """server.dat was missing; the server writes it again and recovers a second time."""


class UnexpectedEof(LogEvent):
    """A file of the store ends within a record, as after an unclean stop. `StartFailed` follows."""

    file: str


class FileTruncated(LogEvent):
    """`file_truncate_bad_eof` cut a file at its last whole record."""

    file: str
    offset: int
    """Number of bytes left."""


class StoreCorrupted(LogEvent):
    """A file of the store does not read as it was written. `StartFailed` follows."""

    file: str
    reason: str


class IndexRebuilt(LogEvent):
    """An index file was bad and is rebuilt from the messages; not an error by itself."""

    file: str
    reason: str


class PublishFailed(LogEvent):
    """A message could not be stored; its publisher gets an error. On a full disk a `Panic` often follows."""

    client_id: str
    subject: str
    """The channel's name after the cluster's prefix, `_STAN.pub.<cluster id>.`"""
    reason: str


# --- routes -----------------------------------------------------------------------------------------


class RouteUp(LogEvent):
    """A connection to another node (or to itself, or a second one: those end as `Duplicate Route`)."""

    remote: str
    """`ip:port` of the other end."""
    rid: int
    """Number of the connection, unique in a run of the server."""


class RouteDown(LogEvent):
    """A connection to another node was closed."""

    remote: str
    rid: int
    reason: str | None = None
    """Such as `Duplicate Route` (normal) or `Stale Connection`; None from servers that print none."""


class RouteDialFailed(LogEvent):
    """The node could not connect to another one."""

    attempt: int
    reason: str


class ClusterNameConflict(LogEvent):
    """Two nodes of different `cluster.name` reject each other."""

    remote: str
    theirs: str
    ours: str


class DuplicateServerName(LogEvent):
    """Two nodes of the same `server_name` reject each other."""

    remote: str
    name: str


# --- channels and clients ---------------------------------------------------------------------------


class ChannelCreated(LogEvent):
    """A client used a channel for the first time."""

    channel: str


class ChannelDeleted(LogEvent):
    """A channel reached its `max_inactivity`; nothing else deletes a channel."""

    channel: str


class ChannelRefused(LogEvent):
    """A channel could not be created."""

    channel: str
    reason: str


class LimitReached(LogEvent):
    """Old messages of the channel are dropped from now on. Printed once for each channel."""

    channel: str


class ClientLost(LogEvent):
    """A client answered no heartbeats and was closed."""

    client_id: str


class AuthenticationFailed(LogEvent):
    """A client connected with a wrong user or password."""

    remote: str
    user: str


# --- reload -----------------------------------------------------------------------------------------


class Reloaded(LogEvent):
    """SIGHUP: the NATS part of the configuration was read again."""


class ReloadRefused(LogEvent):
    """SIGHUP: the changed configuration needs a restart, or does not parse."""

    reason: str
