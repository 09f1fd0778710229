"""Restoring a backup into a server: chunks in order, each confirmed, then one long answer.

As `nats stream restore` does it (jsm.go, snapshots.go).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from stanlocal.errors import JetStreamError
from stanlocal.migrate.jetstream.connection import JetStream

_CHUNK = 512 * 1024
_CHUNK_TIMEOUT_S = 30.0
_FINISH_TIMEOUT_S = 3600.0

Progress = Callable[[int], None]
"""Callback that takes the number of bytes that were sent since its last call."""


async def restore(
    server: JetStream,
    config: Mapping[str, Any],
    state: Mapping[str, Any],
    data: Path,
    progress: Progress = lambda count: None,
) -> dict[str, Any]:
    """Restore a stream; return its state. Raises `JetStreamError`, `OSError` when the file cannot be read.

    A restore that fails half way leaves a stream with a part of the messages.
    """
    name = config["name"]
    begun = await server.ask(f"STREAM.RESTORE.{name}", {"config": config, "state": state})
    subject = begun.get("deliver_subject")
    if not isinstance(subject, str):
        raise JetStreamError(f"{server.url} began no restore of stream {name}; look at its log")
    chunk = min(_CHUNK, server.max_payload)
    with data.open("rb") as file:
        while piece := file.read(chunk):
            answer = await server.send(subject, piece, _CHUNK_TIMEOUT_S)
            if answer:
                server.answer(answer, f"the restore of stream {name}")
            progress(len(piece))
    done = server.answer(await server.send(subject, b"", _FINISH_TIMEOUT_S), f"the restore of stream {name}")
    found = done.get("state")
    return found if isinstance(found, dict) else {}
