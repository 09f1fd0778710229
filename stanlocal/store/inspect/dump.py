"""The messages of a channel as lines: JSON, text or hexadecimal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeVar

from stanlocal.errors import StoreRefused
from stanlocal.store.format.encryption import StoreKey
from stanlocal.store.format.message import StoredMessage, time_of
from stanlocal.store.format.records import Damage, Flaw
from stanlocal.store.format.slices import Window, read_messages, slices_of
from stanlocal.store.inspect.survey import survey
from stanlocal.store.verify.problems import ANOTHER_KEY, Kind, Problem, Start
from stanlocal.util.printable import printable, printable_bytes

Format = Literal["jsonl", "text", "hex"]
_PIECE = 1 << 16
"""Characters or bytes of data that are formatted at once."""


def dump(
    store: Path, channel: str, window: Window, key: StoreKey | None = None
) -> Iterator[StoredMessage | Problem]:
    """Yield the channel's messages in the window, slice by slice, and each damaged record in its place.

    With the store's key messages are decrypted; without it they are as on disk. Raises `StoreRefused` when
    there is no such store or channel, or it cannot be read.
    """
    names = [found.name for found in survey(store).channels]
    if channel not in names:
        have = ", ".join(map(printable, names[:5])) or "none"
        raise StoreRefused(
            f"no channel '{channel}' in {store}; it has {have}{', …' if len(names) > 5 else ''}"
        )
    own = None if key is None else key.channel(channel)
    try:
        for slice_ in slices_of(store, channel):
            for found in read_messages(store, slice_, window, own):
                yield _problem(slice_.data or "", found) if isinstance(found, Damage) else found
    except OSError as error:
        raise StoreRefused(f"cannot read {error.filename or store} ({error.strerror})") from error


def _problem(name: str, damage: Damage) -> Problem:
    if damage.flaw is Flaw.UNDECRYPTABLE:
        return Problem(Kind.UNDECRYPTABLE, name, damage.detail, Start.SILENT, ANOTHER_KEY, damage.offset)
    fix = "see 'stanlocal store verify'"
    return Problem(Kind.MESSAGE_DAMAGED, name, damage.detail, Start.SILENT, fix, damage.offset)


def line(message: StoredMessage, how: Format) -> str:
    """Format a message as one line; `text` and `hex` begin with its sequence and time."""
    if how == "jsonl":
        return json.dumps(message.document(), ensure_ascii=False)
    data = message.data.hex() if how == "hex" else printable_bytes(message.data)
    return f"{message.sequence}\t{time_of(message.timestamp).isoformat()}\t{data}"


def pieces(message: StoredMessage, how: Format) -> Iterator[str]:
    """Yield the line of a message, with its line end, in pieces: escaped data is several times as long."""
    if len(message.data) <= _PIECE:
        yield f"{line(message, how)}\n"
        return
    before, after = line(replace(message, data=b""), how), ""
    if how == "hex":
        data: Iterator[str] = (part.hex() for part in _parts(message.data))
    elif how == "text":
        data = map(printable, _parts(message.data.decode("utf-8", "backslashreplace")))
    else:
        name, text = message.shown_data()
        before, after = before.split('"data": ""', 1)
        before, after = f'{before}"{name}": "', f'"{after}'
        data = (json.dumps(part, ensure_ascii=False)[1:-1] for part in _parts(text))
    yield before
    yield from data
    yield f"{after}\n"


_Data = TypeVar("_Data", str, bytes)


def _parts(data: _Data) -> Iterator[_Data]:
    return (data[at : at + _PIECE] for at in range(0, len(data), _PIECE))
