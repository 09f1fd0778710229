"""The messages of a channel as lines: JSON, text or hexadecimal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from stanlocal.errors import StoreRefused
from stanlocal.store.format.message import StoredMessage, time_of
from stanlocal.store.format.records import Damage
from stanlocal.store.format.slices import Window, read_messages, slices_of
from stanlocal.store.inspect.survey import survey
from stanlocal.store.layout import shown
from stanlocal.store.verify.problems import Kind, Problem, Start

Format = Literal["jsonl", "text", "hex"]


def dump(store: Path, channel: str, window: Window) -> Iterator[StoredMessage | Problem]:
    """The channel's messages in the window, slice by slice, and each damaged record where it is met.

    Raises `StoreRefused` when there is no such store or channel, or it cannot be read.
    """
    names = [found.name for found in survey(store).channels]
    if channel not in names:
        have = ", ".join(map(shown, names[:5])) or "none"
        raise StoreRefused(
            f"no channel '{channel}' in {store}; it has {have}{', …' if len(names) > 5 else ''}"
        )
    try:
        for slice_ in slices_of(store, channel):
            for found in read_messages(store, slice_, window):
                if isinstance(found, Damage):
                    name = slice_.data or ""
                    mend = "see 'stanlocal store verify'"
                    yield Problem(Kind.MESSAGE_DAMAGED, name, found.detail, Start.SILENT, mend, found.offset)
                else:
                    yield found
    except OSError as error:
        raise StoreRefused(f"cannot read {error.filename or store} ({error.strerror})") from error


def line(message: StoredMessage, how: Format) -> str:
    """A message on one line; `text` and `hex` begin with its sequence and time."""
    if how == "jsonl":
        return json.dumps(message.document(), ensure_ascii=False)
    data = message.data.hex() if how == "hex" else printable(message.data)
    return f"{message.sequence}\t{time_of(message.timestamp).isoformat()}\t{data}"


def printable(data: bytes) -> str:
    """Bytes as they can stand in a line of text: what is no printable character is escaped."""
    return shown(data.decode("utf-8", "backslashreplace"))
