"""Loading a pack into a JetStream server or cluster; run again it goes on where it stopped, and adds nothing.

A stream that a killed run left half restored is known by the pack's id in its metadata: it is deleted and
restored again. Any other stream of the same name is refused.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stanlocal.errors import JetStreamError
from stanlocal.migrate.jetstream.connection import JetStream
from stanlocal.migrate.jetstream.publishing import bring_up_again, fill_by_publishing, make_gaps
from stanlocal.migrate.jetstream.restore import restore
from stanlocal.migrate.pack_folder import PACK_ID, PackedStream, PackFolder
from stanlocal.migrate.published import LOSSES, MARK, PART, limits_of
from stanlocal.migrate.server_versions import PUBLISHES, RESTORES
from stanlocal.util.format import size
from stanlocal.util.printable import printable

_CONSUMER_S = 30.0
"""Seconds that a cluster may take to bring up a consumer."""
_SILENT_S = 15.0
"""Seconds in which a replica whose server runs is heard by the stream's leader."""
_REPLICAS_S = 300.0
"""Seconds that the replicas of a stream may take to get what was restored."""
_PAUSE_S = 0.1
_NO_ROOM = 10047
"""Error code where limits of streams add up to more than the server may store (server/errors.json)."""

Progress = Callable[[int, int], None]
"""Callback that takes the number of bytes sent, and of all bytes."""


@dataclass(slots=True)
class Loaded:
    """The result of `load`."""

    to: str
    streams: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        return {"to": self.to, "streams": self.streams, "seconds": round(self.seconds, 3)}


async def load(
    pack: PackFolder,
    server: JetStream,
    *,
    replicas: int = 1,
    accept_loss: bool = False,
    progress: Progress = lambda done, total: None,
) -> Loaded:
    """Restore every stream of the pack; with `accept_loss` a server before 2.15 is filled by publishing.

    Raises `JetStreamError` when the server is too old, has a stream of the same name, or fails; what was
    restored until then stays, and the next run goes on.
    """
    began = time.monotonic()
    restores = server.version >= RESTORES
    if not restores and not accept_loss:
        raise JetStreamError(
            f"{server.url} runs nats-server {_text(server.version)}, which restores no packs: "
            f"{LOSSES}; load into 2.15 or later, or accept that with '--accept-loss'"
        )
    if server.version < PUBLISHES:
        raise JetStreamError(
            f"{server.url} runs nats-server {_text(server.version)}, which begins no stream at a sequence; "
            "use 2.10 or later, best 2.15"
        )
    largest = max((stream.largest for stream in pack.streams), default=0)
    if largest > server.max_payload:
        raise JetStreamError(
            f"the pack has a message of {largest} bytes, {server.url} takes {server.max_payload}; "
            "raise 'max_payload' in its configuration"
        )
    loaded = Loaded(server.url)
    total, sent = sum(stream.data.stat().st_size for stream in pack.streams), 0
    for stream in pack.streams:

        def advance(count: int) -> None:
            nonlocal sent
            sent += count
            progress(sent, total)

        try:
            how = await _load(stream, server, replicas, advance, restores)
        except JetStreamError as error:
            if error.code != _NO_ROOM:
                raise
            raise _no_room(stream, pack, server, replicas) from error
        loaded.streams.append({"stream": stream.name, "messages": stream.state["messages"], "result": how})
    loaded.seconds = time.monotonic() - began
    return loaded


def _no_room(stream: PackedStream, pack: PackFolder, server: JetStream, replicas: int) -> JetStreamError:
    """Return the error for a stream whose limit is more than the server may still reserve."""
    restores = server.version >= RESTORES
    limits = (each.config if restores else limits_of(each.config, each.state) for each in pack.streams)
    needed = replicas * sum(max(0, each.get("max_bytes") or 0) for each in limits)
    return JetStreamError(
        f"{server.url} has no room for stream {stream.name}: it reserves max_bytes whole, "
        f"{size(needed)} for all streams of the pack; set at least "
        f"'jetstream {{ max_file_store: {needed} }}' in its configuration, or give pack lower limits with "
        "'--from'"
    )


async def _load(
    stream: PackedStream, server: JetStream, replicas: int, advance: Callable[[int], None], restores: bool
) -> str:
    config = {**stream.config, "num_replicas": replicas}
    there = await server.stream(stream.name)
    how = "restored" if restores else "published"
    if there is not None:
        whole = _is_whole(there, stream) and _mark(there) != PART
        if not (_same_pack(there, stream) and (whole or _mark(there) == PART or _is_part(there, stream))):
            raise JetStreamError(
                f"{server.url} has a stream {stream.name} that this pack did not make; "
                f"delete it ('nats stream rm {stream.name}'), or name the channel's stream with '--names'"
            )
        if whole and _mark(there) is not None:
            if _is_overfull(there, stream):
                await make_gaps(stream, server)
            await bring_up_again(stream, server)
        if whole:
            advance(stream.data.stat().st_size)
            return "there already"
        how = f"{how} again" if restores else f"{how} on"
    if not restores:
        config["metadata"] = {**config["metadata"], MARK: PART}
        await fill_by_publishing(stream, config, server, advance)
        return how
    if there is not None:
        await server.delete_stream(stream.name)
    state = await restore(server, config, stream.state, stream.data, advance)
    made, wanted = ((each.get("messages"), each.get("last_seq")) for each in (state, stream.state))
    if made != wanted:
        raise JetStreamError(
            f"stream {stream.name} has {made[0]} messages up to {made[1]} now, not {wanted[0]} up to "
            f"{wanted[1]}; see the log of {server.url}"
        )
    for name, position in stream.consumers.items():
        await _wait_for_consumer(stream, name, position, server)
    await _wait_for_replicas(stream, server)
    return how


async def _wait_for_consumer(
    stream: PackedStream, name: str, position: Mapping[str, int], server: JetStream
) -> None:
    """Wait until a consumer has its position: in a cluster it comes up after the stream."""
    found: object = "missing"
    try:
        async with asyncio.timeout(_CONSUMER_S):
            while found != position:
                info = await server.consumer(stream.name, name)
                found = {key: info[key]["stream_seq"] for key in position} if info else "missing"
                if found != position:
                    await asyncio.sleep(_PAUSE_S)
    except TimeoutError as error:
        raise JetStreamError(
            f"consumer {name} of stream {stream.name} is {found} after {_CONSUMER_S:g} s, not "
            f"{dict(position)}; see the log of {server.url}"
        ) from error


async def _wait_for_replicas(stream: PackedStream, server: JetStream) -> None:
    """Wait until each replica that is reached has the stream: any may answer whoever reads it next.

    The cluster takes minutes to call a server offline, so one that stays silent is not waited for either.
    """
    behind: list[str] = []
    began = time.monotonic()
    try:
        async with asyncio.timeout(_REPLICAS_S):
            while True:
                cluster = (await server.stream(stream.name) or {}).get("cluster") or {}
                replicas = cluster.get("replicas") or []
                patient = time.monotonic() - began < _SILENT_S
                reached = [each for each in replicas if not each.get("offline")]
                there = [each for each in reached if patient or _is_heard(each)]
                behind = [str(each.get("name")) for each in there if not each.get("current")]
                if not behind:
                    return
                await asyncio.sleep(_PAUSE_S)
    except TimeoutError as error:
        raise JetStreamError(
            f"stream {stream.name} is not on {printable(', '.join(behind))} after {_REPLICAS_S:g} s; see the "
            "logs of these servers, and run it again"
        ) from error


def _is_heard(replica: Mapping[str, Any]) -> bool:
    """Return whether the stream's leader has heard of a replica lately; `active` is 0 if it never has."""
    return 0 < int(replica.get("active") or 0) < _SILENT_S * 1e9


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _same_pack(there: dict[str, Any], stream: PackedStream) -> bool:
    metadata = there.get("config", {}).get("metadata") or {}
    wanted = stream.config.get("metadata") or {}
    return bool(wanted.get(PACK_ID)) and metadata.get(PACK_ID) == wanted.get(PACK_ID)


def _mark(there: dict[str, Any]) -> str | None:
    """Return what the stream's metadata say of its being filled by publishing; None if it is not."""
    metadata = there.get("config", {}).get("metadata") or {}
    return metadata.get(MARK)


def _is_whole(there: dict[str, Any], stream: PackedStream) -> bool:
    """Return whether the stream has come at least as far as the pack; it may have gone on since."""
    state = there.get("state", {})
    return bool(
        state.get("last_seq", 0) >= stream.state["last_seq"]
        and state.get("consumer_count", 0) >= stream.state["consumer_count"]
        and (
            state.get("messages", 0) >= stream.state["messages"]
            or state.get("first_seq", 0) > stream.state["first_seq"]
        )
    )


def _is_overfull(there: dict[str, Any], stream: PackedStream) -> bool:
    """Return whether the stream ends where the pack does, and has more messages."""
    state = there.get("state", {})
    return bool(
        state.get("last_seq") == stream.state["last_seq"]
        and state.get("messages", 0) > stream.state["messages"]
    )


def _is_part(there: dict[str, Any], stream: PackedStream) -> bool:
    state = there.get("state", {})
    return bool(
        state.get("last_seq", 0) <= stream.state["last_seq"]
        and state.get("messages", 0) <= stream.state["messages"]
    )
