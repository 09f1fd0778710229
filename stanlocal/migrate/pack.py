"""A STAN store as a folder of JetStream backups, one folder a stream.

`nats stream restore` of nats-server 2.15 and later restores each; sequences, gaps, times, data, positions and
unacknowledged messages stay as they are. The folder appears under its name only when it is complete.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from stanlocal.errors import OutputError, StoreRefused
from stanlocal.migrate.archive.entries import END, MAGIC, consumer_entry, message_entries, state_entry
from stanlocal.migrate.archive.frames import Frames
from stanlocal.migrate.branches import KEPT
from stanlocal.migrate.messages import damaged_positions, messages_of, refuse
from stanlocal.migrate.pack_folder import DATA, FORMAT, MANIFEST, META, PACK_ID
from stanlocal.migrate.pack_source import PackSource
from stanlocal.migrate.plan import MigrationPlan
from stanlocal.migrate.stream_plan import Contents, StreamPlan
from stanlocal.store.format.records import Damage
from stanlocal.util.printable import printable

_DRAFT_SUFFIX = ".stanlocal-draft"

Progress = Callable[[int, int], None]
"""Callback that takes the number of messages done, and of all messages."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A record of a damaged store that was left out."""

    channel: str
    file: str
    damage: Damage

    def document(self) -> dict[str, Any]:
        return {
            "channel": printable(self.channel),
            "file": printable(self.file),
            "offset": self.damage.offset,
            "detail": printable(self.damage.detail),
        }


@dataclass(slots=True)
class Packed:
    """The result of packing a store."""

    folder: Path
    streams: list[dict[str, Any]] = field(default_factory=list)
    lost: list[Loss] = field(default_factory=list)
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        return {
            "pack": str(self.folder),
            "streams": self.streams,
            "lost": [loss.document() for loss in self.lost],
            "seconds": round(self.seconds, 3),
        }


def pack(
    plan: MigrationPlan, folder: Path, *, salvage: bool = False, progress: Progress = lambda done, total: None
) -> Packed:
    """Write the pack to the new folder `folder`. Memory does not grow with the store.

    With `salvage` damaged records are left out and listed, and the branches of a channel that two servers
    wrote into become streams of their own. Raises `OutputError` where the folder exists or
    cannot be written, `StoreRefused` for a damaged or unreadable store; then nothing is left behind.
    """
    for finding in plan.findings:
        if finding.refused or (finding.salvaged and not salvage):
            raise StoreRefused(f"{printable(finding.where)}: {finding.detail}; {finding.advice}")
    if folder.exists() or folder.is_symlink():
        raise OutputError(f"{folder} exists already; name another folder, or remove it")
    draft = folder.with_name(f".{folder.name}{_DRAFT_SUFFIX}")
    try:
        shutil.rmtree(draft, ignore_errors=True)  # left by a command that was killed
        draft.mkdir(mode=0o700, parents=True)
        packed = _Packing(plan, draft, Packed(folder), salvage, progress).run()
        draft.rename(folder)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(
            f"cannot write {error.filename or draft}: {reason}; name another folder with '--out'"
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return packed


class _Packing:
    def __init__(
        self, plan: MigrationPlan, folder: Path, packed: Packed, salvage: bool, progress: Progress
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._packed = packed
        self._salvage = salvage
        self._progress = progress
        self._id = secrets.token_hex(8)
        self._total = sum(stream.channel.messages for stream in plan.streams)
        self._done = 0

    def run(self) -> Packed:
        began = time.monotonic()
        for stream in self._plan.streams:
            self._stream(stream)
        self._packed.seconds = time.monotonic() - began
        manifest = {
            "stanlocal_pack": FORMAT,
            "cluster_id": self._plan.inventory.cluster_id,
            "source": PackSource.of(self._plan, salvage=self._salvage).document(),
            "streams": self._packed.streams,
            "lost": [loss.document() for loss in self._packed.lost],
        }
        _write_json(self._folder / MANIFEST, manifest)
        return self._packed

    def _stream(self, stream: StreamPlan) -> None:
        folder = self._folder / stream.name
        folder.mkdir(mode=0o700)
        # The messages first: the state that stands before them counts them.
        messages = folder / f"{DATA}.messages"
        with messages.open("xb") as file:
            contents = self._messages(stream, file)
        state = contents.state(stream)
        with (folder / DATA).open("xb") as file:
            frames = Frames(file)
            frames.write(_head(stream, state))
            frames.close()
            with messages.open("rb") as source:
                shutil.copyfileobj(source, file, 1 << 20)
            _sync(file)
        messages.unlink()
        config = stream.config()
        config["metadata"] = {**config["metadata"], PACK_ID: self._id}
        _write_json(folder / META, {"config": config, "state": state})
        self._packed.streams.append(
            {
                "stream": stream.name,
                "channel": printable(stream.channel.name),
                "conflict": stream.part != KEPT,
                "branch": stream.branch.document() if stream.branch else None,
                "messages": contents.messages,
                "first_seq": state["first_seq"],
                "last_seq": state["last_seq"],
                "bytes": state["bytes"],
                "largest": contents.largest,
                "consumers": {
                    each.name: {"delivered": each.delivered, "ack_floor": each.floor}
                    for each in stream.consumers
                },
            }
        )

    def _messages(self, stream: StreamPlan, file: IO[bytes]) -> Contents:
        contents = Contents()

        def lose(name: str, damage: Damage) -> None:
            self._packed.lost.append(Loss(stream.channel.name, name, damage))

        frames = Frames(file)
        inventory = self._plan.inventory
        damaged = lose if self._salvage else refuse
        if stream.part == KEPT:
            for file_name, each in damaged_positions(inventory.store, stream.channel.name):
                damaged(file_name, each)
        for batch in messages_of(inventory.store, stream, damaged, inventory.key):
            contents.add(batch)
            frames.write(message_entries(stream.subject, batch))
            self._done += len(batch)
            self._progress(self._done, max(self._total, self._done))
        frames.write(END)
        frames.close()
        return contents


def _head(stream: StreamPlan, state: dict[str, Any]) -> bytes:
    now = time.time_ns()
    consumers = (consumer_entry(each.name, each.config(), each.state(now), now) for each in stream.consumers)
    return MAGIC + state_entry(state, now) + b"".join(consumers)


def _write_json(path: Path, document: dict[str, Any]) -> None:
    with path.open("x", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
        _sync(file)


def _sync(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())
