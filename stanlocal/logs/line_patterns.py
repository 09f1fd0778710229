"""Parser of the server's output: each line gives a time, a level and an event. Pure; any text is a `LogLine`.

The server writes ``[pid] YYYY/MM/DD HH:MM:SS.uuuuuu [INF] STREAM: message``; lines of the embedded NATS
server lack ``STREAM: ``, with ``logtime: false`` the stamp is missing, on a terminal the level is
coloured, and refused configurations and Go panics are printed bare.

A client chooses channel names and its id, and both appear in lines. So a pattern matches a message from
its first character to its last, and only at the level and from the part of the server that prints it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from string import Formatter
from typing import Literal, NamedTuple, TypeAlias, cast

from stanlocal.logs import event_types as ev

Level = Literal["INF", "WRN", "ERR", "FTL", "DBG", "TRC"]


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a node's output."""

    time: datetime
    """The server's own stamp, else the time of receipt; UTC."""
    stamped: bool
    """Whether `time` is the server's own stamp."""
    level: Level | None
    """The line's level; None for lines that the server prints without a prefix."""
    streaming: bool
    """Whether the streaming server printed it, not the embedded NATS server."""
    message: str
    """The line without stamp, level and ``STREAM: ``."""
    text: str
    """The whole line, as received."""
    event: ev.LogEvent | None
    """The event that it reports; None if it does not matter."""


class _Rule(NamedTuple):
    event: Callable[..., ev.LogEvent]
    source: str
    """`S` the streaming server, `N` the NATS server, `SN` either, `-` a line without a prefix."""
    level: Level | None
    template: str
    """The whole message. `{name}` is a field of the event, `{}` is text that does not matter."""


_RULES = (
    # a node's way to active
    _Rule(ev.Boot, "S", "INF", "Starting nats-streaming-server[{cluster_id}] version {version:word}"),
    _Rule(ev.ServerId, "S", "INF", "ServerID: {id:word}"),
    _Rule(ev.NatsReady, "N", "INF", "Server is ready"),
    _Rule(ev.StandbyStarted, "S", "INF", "Starting in standby mode"),
    _Rule(ev.LockBusy, "S", "INF", "ft: unable to get store lock at this time, going back to standby"),
    _Rule(ev.LockError, "S", "ERR", "ft: error attempting to get the store lock: {reason}"),
    _Rule(ev.LockTaken, "S", "INF", "Server is active"),
    _Rule(ev.RecoveryStarted, "S", "INF", "Recovering the state..."),
    _Rule(ev.RecoveryEnded, "S", "INF", "Recovered {channels:number} channel(s)"),
    _Rule(ev.RecoveryEnded, "S", "INF", "No recovered state"),
    _Rule(ev.StreamingReady, "S", "INF", "Streaming Server is ready"),
    _Rule(ev.ShuttingDown, "S", "INF", "Shutting down."),
    # two actives
    _Rule(ev.ForeignActive, "S", "ERR", "ft: serverID {server_id:quoted} claims to be active"),
    _Rule(ev.SteppedDown, "-", None, "panic: ft: serverID {server_id:quoted} claims to be active, aborting"),
    _Rule(ev.HeartbeatFailed, "S", "ERR", "Unable to send FT heartbeat: {reason}"),
    _Rule(ev.NatsLost, "S", "ERR", "connection {connection:quoted} has been disconnected: {reason}"),
    _Rule(ev.NatsBack, "S", "INF", "connection {connection:quoted} reconnected to NATS Server at {:quoted}"),
    # unexpected ends; the general ones last
    _Rule(ev.StartFailed, "-", None, "exec {:word}: {reason}"),  # the engine's words: no such executable
    _Rule(ev.Panic, "-", None, "panic: {reason}"),
    _Rule(ev.Panic, "-", None, "fatal error: {reason}"),
    _Rule(ev.Panic, "-", None, "SIGQUIT: {reason}"),
    _Rule(ev.Panic, "-", None, "SIGABRT: {reason}"),
    _Rule(ev.Panic, "-", None, "SIGSEGV: {reason}"),
    _Rule(
        ev.ClusterIdMismatch, "S", "FTL",
        "cluster ID {configured:quoted} does not match recovered value of {recovered:quoted}",
    ),
    _Rule(ev.PortBusy, "N", "FTL", 'Error listening on port: {address:word}, "{}address already in use"'),
    _Rule(
        ev.PortBusy, "N", "FTL",
        "Error listening on router port: {address:word} - {}address already in use",
    ),
    _Rule(
        ev.PortBusy, "N", "FTL",
        "Can't start monitoring: can't listen to the monitor port: "
        "listen tcp {address:word}: {}address already in use",
    ),
    _Rule(ev.StartFailed, "S", "FTL", "Failed to start: {reason}"),
    _Rule(ev.StartFailed, "SN", "FTL", "{reason}"),
    # a configuration or command line that was refused
    _Rule(ev.ConfigError, "-", None, "Parse error on line {}"),
    _Rule(ev.ConfigError, "-", None, "{}:{:number}:{:number}: {}"),
    _Rule(ev.ConfigError, "-", None, "parameter {:quoted} value is expected to be {}"),
    _Rule(ev.ConfigError, "-", None, "expected {} to be a map/struct, got {}"),
    _Rule(ev.ConfigError, "-", None, "variable reference for {} can not be found"),
    _Rule(ev.ConfigError, "-", None, "unknown store type: {}"),
    _Rule(ev.ConfigError, "-", None, "invalid channel name {}"),
    _Rule(ev.ConfigError, "-", None, "time: {} duration {}"),
    _Rule(ev.ConfigError, "-", None, "open {}: {}"),
    _Rule(ev.ConfigError, "-", None, "flag provided but not defined: {}"),
    _Rule(ev.ConfigError, "-", None, "invalid value {:quoted} for flag {}"),
    # the store
    _Rule(
        ev.ServerInfoMissing, "S", "WRN",
        "Server information was not recovered, however channels are present. "
        "Will initialize server and restart recovery!",
    ),
    _Rule(ev.UnexpectedEof, "S", "ERR", "Unexpected EOF for file {file:quoted}"),
    _Rule(ev.FileTruncated, "S", "INF", "File {file:quoted} has been truncated to offset: {offset:number}"),
    _Rule(ev.StoreCorrupted, "S", "ERR", "Server file {file:quoted} corrupted: {reason}"),
    _Rule(ev.StoreCorrupted, "S", "ERR", "Corrupted record in file {file:quoted}: {reason}"),
    _Rule(
        ev.IndexRebuilt, "S", "ERR",
        "Error with index file {file:quoted}: {reason}. Truncating and recovering from data file",
    ),
    _Rule(
        ev.PublishFailed, "S", "ERR",
        "[Client:{client_id:word}] Error processing message for subject {subject:quoted}: {reason}",
    ),
    # routes
    _Rule(ev.RouteUp, "N", "INF", "{remote:word} - rid:{rid:number} - Route connection created"),
    _Rule(ev.RouteDown, "N", "INF", "{remote:word} - rid:{rid:number} - Router connection closed: {reason}"),
    _Rule(ev.RouteDown, "N", "INF", "{remote:word} - rid:{rid:number} - Router connection closed"),
    _Rule(
        ev.RouteDialFailed, "N", "ERR",
        "Error trying to connect to route (attempt {attempt:number}): {reason}",
    ),
    _Rule(
        ev.ClusterNameConflict, "N", "ERR",
        "{remote:word} - rid:{:number} - "
        "Rejecting connection, cluster name {theirs:quoted} does not match {ours:quoted}",
    ),
    _Rule(
        ev.DuplicateServerName, "N", "ERR",
        "{remote:word} - rid:{:number} - Remote server has a duplicate name: {name:quoted}",
    ),
    # channels and clients
    _Rule(ev.ChannelCreated, "S", "INF", "Channel {channel:quoted} has been created"),
    _Rule(ev.ChannelDeleted, "S", "INF", "Channel {channel:quoted} has been deleted"),
    _Rule(ev.ChannelRefused, "S", "ERR", "Creating channel {channel:quoted} failed: {reason}"),
    _Rule(
        ev.LimitReached, "S", "WRN",
        "Reached limits for store {channel:quoted} ({}), dropping old messages to make room for new ones",
    ),
    _Rule(ev.ClientLost, "S", "ERR", "[Client:{client_id:word}] Timed out on heartbeats"),
    _Rule(
        ev.AuthenticationFailed, "N", "ERR",
        "{remote:word} - {:word} - authentication error - User {user:quoted}",
    ),
    # reload
    _Rule(ev.Reloaded, "N", "INF", "Reloaded server configuration"),
    _Rule(ev.ReloadRefused, "S", "ERR", "Reload: {reason}"),
)  # fmt: skip

_PATTERN = {
    "": ".*",
    "word": r"\S+",
    "number": r"\d{1,18}",
    "quoted": r'"[^"\\]*(?:\\.[^"\\]*)*"',  # Go's %q: quotes within are escaped, so none ends it early
}


class _Matcher(NamedTuple):
    pattern: re.Pattern[str]
    event: Callable[..., ev.LogEvent]
    kinds: dict[str, str]
    """The kind of each field."""

    def match(self, message: str) -> ev.LogEvent | None:
        found = self.pattern.fullmatch(message)
        if found is None:
            return None
        return self.event(**{name: _value(found[name], kind) for name, kind in self.kinds.items()})


def _value(text: str, kind: str) -> str | int:
    if kind == "number":
        return int(text)
    return text[1:-1] if kind == "quoted" else text


def _matcher(rule: _Rule) -> _Matcher:
    pattern = ""
    kinds: dict[str, str] = {}
    for literal, name, kind, _ in Formatter().parse(rule.template):
        pattern += re.escape(literal)
        if name is not None:
            kind = kind or ""
            pattern += f"(?P<{name}>{_PATTERN[kind]})" if name else f"(?:{_PATTERN[kind]})"
            kinds |= {name: kind} if name else {}
    return _Matcher(re.compile(pattern, re.ASCII), rule.event, kinds)


_HEAD = 4
"""Number of first characters that find a rule: no template's literal start is shorter."""


_Key: TypeAlias = tuple[bool, Level | None, str]
"""Whether the streaming server printed it, the level, and the first characters."""


def _index() -> dict[_Key, list[_Rule]]:
    """Return the rules by their key, so that most lines cost two look-ups."""
    index: dict[_Key, list[_Rule]] = {}
    for rule in _RULES:
        head = rule.template.split("{")[0][:_HEAD]
        for source in rule.source:
            index.setdefault((source == "S", rule.level, head), []).append(rule)
    return index


_INDEX = _index()


@cache
def _matchers(key: _Key) -> list[_Matcher]:
    """Return the matchers of the rules with that key, compiled on first use: compiling all takes 20 ms."""
    return [_matcher(rule) for rule in _INDEX[key]]


_PREFIX = re.compile(
    r"\[\d{1,10}] (?:(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6}) )?"
    r"\[(?:\x1b\[\d{1,3}m)?(INF|WRN|ERR|FTL|DBG|TRC)(?:\x1b\[0m)?] (STREAM: )?",
    re.ASCII,
)


def parse(text: str, received: datetime) -> LogLine:
    """Parse a line; `text` is without its line end, `received` is in UTC.

    The server's stamps are read as UTC: that is the zone nodes run in.
    """
    prefix = _PREFIX.match(text)
    if prefix is None:
        message = text.rstrip("\r")
        return LogLine(received, False, None, False, message, text, _event(False, None, message))
    stamp, level, streaming = prefix.groups()
    level = cast("Level", level)
    message = text[prefix.end() :].rstrip("\r")
    time = _time(stamp) if stamp else None
    event = _event(streaming is not None, level, message)
    return LogLine(time or received, time is not None, level, streaming is not None, message, text, event)


def _time(stamp: str) -> datetime | None:
    """Return the time of a stamp; None for one that looks right and does not exist (the 31st of February)."""
    try:
        return datetime.fromisoformat(stamp.replace("/", "-") + "+00:00")
    except ValueError:
        return None


def _event(streaming: bool, level: Level | None, message: str) -> ev.LogEvent | None:
    for head in (message[:_HEAD], ""):
        key = (streaming, level, head)
        for matcher in _matchers(key) if key in _INDEX else ():
            event = matcher.match(message)
            if event is not None:
                return event
    return None
