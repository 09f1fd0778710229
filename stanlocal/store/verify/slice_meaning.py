"""The meaning of damage to a slice: its name, the server's reaction, and the fix. Pure."""

from __future__ import annotations

from stanlocal.store.format.records import Flaw
from stanlocal.store.verify.problems import Kind, Start

KINDS = {
    Flaw.CRC: Kind.MESSAGE_DAMAGED,
    Flaw.SIZE: Kind.HEAD_DAMAGED,
    Flaw.CUT_SHORT: Kind.TRUNCATED,
    Flaw.ZEROS: Kind.ZERO_TAIL,
}
FATAL_WHEN_READ = (Kind.MESSAGE_DAMAGED, Kind.HEAD_DAMAGED, Kind.TRUNCATED, Kind.UNDECODABLE)
"""Problems with which the server does not start when it reads all messages."""
_LOST = "its bytes are lost; restore a copy, or let subscribers begin behind it"
_REBUILD = "stop the group, copy the store, remove {index}: the server rebuilds it"
MEANING: dict[Kind, tuple[Start, str]] = {
    Kind.MESSAGE_DAMAGED: (Start.SILENT, _LOST),
    Kind.HEAD_DAMAGED: (Start.SILENT, _LOST),
    Kind.UNDECODABLE: (Start.SILENT, _LOST),
    Kind.TRUNCATED: (Start.SILENT, "nothing reads there; the next message is written behind it"),
    Kind.MESSAGES_MISSING: (Start.REPAIRED, "they are lost: the server forgets them; restore a copy"),
    Kind.ZERO_TAIL: (Start.REPAIRED, "stop the group, copy the store, 'truncate -s {offset} {file}'"),
    Kind.INDEX_DAMAGED: (Start.REPAIRED, "nothing to do, as long as the messages are intact"),
    Kind.INDEX_MISMATCH: (Start.SILENT, _REBUILD),
    Kind.INDEX_SHORT: (Start.SILENT, _REBUILD),
    Kind.INDEX_MISSING: (Start.REPAIRED, "nothing to do, as long as the messages are intact"),
    Kind.SEQUENCE_GAP: (Start.SILENT, "bring the missing slice back from a copy; else nothing can be done"),
    Kind.SEQUENCE_OVERLAP: (Start.SILENT, "move the slice that does not belong here away"),
}
