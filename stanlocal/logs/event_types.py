"""Events of the server's log: one small class for each kind of line that matters, to `match` on.

Only kinds that change a state or explain a problem are here. Names and reasons are the server's own words;
what it prints in Go's quotes (channels, files, ids) is kept as printed, with its escapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class LogEvent:
    """Base of all kinds of events.

    A kind without fields is a dataclass by inheritance: decorating it costs every start half a millisecond.
    """

    fatal: ClassVar[bool] = False
    """Whether the server's process ends with this line."""


# --- a node's way to active, in order ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Boot(LogEvent):
    """The first line of a run."""

    cluster_id: str
    version: str


@dataclass(frozen=True, slots=True)
class ServerId(LogEvent):
    """The id under which this run of the server is known to the other nodes."""

    id: str


class NatsReady(LogEvent):
    """The embedded NATS server listens. The streaming server may not be ready."""


class StandbyStarted(LogEvent):
    """The node stands by: it waits for the active node's heartbeats to stop, then for the store lock."""


class LockBusy(LogEvent):
    """Another process holds the store lock. Printed less and less often, down to once a minute."""


@dataclass(frozen=True, slots=True)
class LockError(LogEvent):
    """The lock file cannot be used at all; the node tries again for ever."""

    reason: str


class LockTaken(LogEvent):
    """`Server is active`: the node has the store lock, and does not serve yet."""


class RecoveryStarted(LogEvent):
    """The node reads the store, twice in a run when server.dat was missing."""


@dataclass(frozen=True, slots=True)
class RecoveryEnded(LogEvent):
    """The node has read the store."""

    channels: int = 0
    """Channels recovered; 0 for a store that was empty."""


class StreamingReady(LogEvent):
    """Clients are served: the one line that makes a node active."""


class ShuttingDown(LogEvent):
    """The server received SIGTERM or SIGINT."""


# --- two actives ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ForeignActive(LogEvent):
    """An active node hears another, which became active later. This one stays active."""

    server_id: str
    """The other node's server id."""


@dataclass(frozen=True, slots=True)
class SteppedDown(LogEvent):
    """An active node hears one that became active earlier, and ends (exit code 2)."""

    fatal: ClassVar[bool] = True
    server_id: str
    """The other node's server id."""


@dataclass(frozen=True, slots=True)
class HeartbeatFailed(LogEvent):
    """The active node could not send an FT heartbeat."""

    reason: str


@dataclass(frozen=True, slots=True)
class NatsLost(LogEvent):
    """One of the node's connections to the NATS server was lost. Not printed when that server ends."""

    connection: str
    reason: str


@dataclass(frozen=True, slots=True)
class NatsBack(LogEvent):
    """One of the node's connections to the NATS server was made again."""

    connection: str
    """`_NSS-<cluster id>-<purpose>`; `ft` is the one that carries FT heartbeats."""


# --- unexpected ends -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Panic(LogEvent):
    """The Go runtime ended the process (exit code 2); a goroutine dump follows."""

    fatal: ClassVar[bool] = True
    reason: str


@dataclass(frozen=True, slots=True)
class StartFailed(LogEvent):
    """The server could not start, or not become active (exit code 1)."""

    fatal: ClassVar[bool] = True
    reason: str


class ConfigError(LogEvent):
    """The configuration or the command line was refused before there was a log (exit code 1; 0 for an
    unknown flag). The line is the reason."""

    fatal: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class ClusterIdMismatch(LogEvent):
    """The store belongs to another cluster id."""

    fatal: ClassVar[bool] = True
    configured: str
    recovered: str


@dataclass(frozen=True, slots=True)
class PortBusy(LogEvent):
    """A port that the server is to listen on is taken."""

    fatal: ClassVar[bool] = True
    address: str
    """`host:port`, or the port alone."""


# --- the store --------------------------------------------------------------------------------------


class ServerInfoMissing(LogEvent):
    """server.dat was missing; the server writes it again and recovers a second time."""


@dataclass(frozen=True, slots=True)
class UnexpectedEof(LogEvent):
    """A file of the store ends within a record, as after an unclean stop. `StartFailed` follows."""

    file: str


@dataclass(frozen=True, slots=True)
class FileTruncated(LogEvent):
    """`file_truncate_bad_eof` cut a file at its last whole record."""

    file: str
    offset: int
    """Number of bytes left."""


@dataclass(frozen=True, slots=True)
class StoreCorrupted(LogEvent):
    """A file of the store does not read as it was written. `StartFailed` follows."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class IndexRebuilt(LogEvent):
    """An index file was bad and is rebuilt from the messages; not an error by itself."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class PublishFailed(LogEvent):
    """A message could not be stored; its publisher gets an error. On a full disk a `Panic` often follows."""

    client_id: str
    subject: str
    """The channel's name after the cluster's prefix, `_STAN.pub.<cluster id>.`"""
    reason: str


# --- routes -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RouteUp(LogEvent):
    """A connection to another node (or to itself, or a second one: those end as `Duplicate Route`)."""

    remote: str
    """`ip:port` of the other end."""
    rid: int
    """Number of the connection, unique in a run of the server."""


@dataclass(frozen=True, slots=True)
class RouteDown(LogEvent):
    """A connection to another node was closed."""

    remote: str
    rid: int
    reason: str | None = None
    """Such as `Duplicate Route` (normal) or `Stale Connection`; None from servers that print none."""


@dataclass(frozen=True, slots=True)
class RouteDialFailed(LogEvent):
    """The node could not connect to another one."""

    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class ClusterNameConflict(LogEvent):
    """Two nodes of different `cluster.name` reject each other."""

    remote: str
    theirs: str
    ours: str


@dataclass(frozen=True, slots=True)
class DuplicateServerName(LogEvent):
    """Two nodes of the same `server_name` reject each other."""

    remote: str
    name: str


# --- channels and clients ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChannelCreated(LogEvent):
    """A client used a channel for the first time."""

    channel: str


@dataclass(frozen=True, slots=True)
class ChannelDeleted(LogEvent):
    """A channel reached its `max_inactivity`; nothing else deletes a channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class ChannelRefused(LogEvent):
    """A channel could not be created."""

    channel: str
    reason: str


@dataclass(frozen=True, slots=True)
class LimitReached(LogEvent):
    """Old messages of the channel are dropped from now on. Printed once for each channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class ClientLost(LogEvent):
    """A client answered no heartbeats and was closed."""

    client_id: str


@dataclass(frozen=True, slots=True)
class AuthenticationFailed(LogEvent):
    """A client connected with a wrong user or password."""

    remote: str
    user: str


# --- reload -----------------------------------------------------------------------------------------


class Reloaded(LogEvent):
    """SIGHUP: the NATS part of the configuration was read again."""


@dataclass(frozen=True, slots=True)
class ReloadRefused(LogEvent):
    """SIGHUP: the changed configuration needs a restart, or does not parse."""

    reason: str
