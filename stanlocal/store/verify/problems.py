"""What can be wrong with a store, what the server makes of it at its next start, and how to fix it. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from stanlocal.util.printable import printable

KEPT = 1000
"""Problems that are told one by one, of a file and of a store; the others are counted."""


class Kind(StrEnum):
    """What is wrong, by name."""

    MESSAGE_DAMAGED = "message-damaged"
    """A message's bytes do not have their checksum."""
    HEAD_DAMAGED = "head-damaged"
    """A message's record has another size than the index says."""
    UNDECODABLE = "undecodable"
    """The checksum is right, but it is no message, client or subscription."""
    TRUNCATED = "truncated"
    """The file ends within a record."""
    MESSAGES_MISSING = "messages-missing"
    """The file ends, between two records, before what its index has last."""
    ZERO_TAIL = "zero-tail"
    """The file ends in zeros, as after a power failure."""
    INDEX_DAMAGED = "index-damaged"
    """A record of the index does not have its checksum, or is cut short."""
    INDEX_MISMATCH = "index-mismatch"
    """The index and the messages say different things of one message."""
    INDEX_SHORT = "index-short"
    """There are messages that the index does not have: the server does not see them."""
    INDEX_MISSING = "index-missing"
    INDEX_ORPHAN = "index-orphan"
    """An index without its messages."""
    SEQUENCE_GAP = "sequence-gap"
    """Messages are missing between two that are there."""
    SEQUENCE_OVERLAP = "sequence-overlap"
    """A sequence comes twice, or out of order."""
    RECORD_DAMAGED = "record-damaged"
    """A record of clients, subscriptions or the server does not have its checksum."""
    RECORD_TYPE = "record-type"
    """A record of a type that the server does not know."""
    RECORD_MISFIT = "record-misfit"
    """A record whose fields are those of another type; the server takes it as it is."""
    VERSION = "version"
    """The file's format is not the one that the server reads."""
    SERVER_FILE_MISSING = "server-file-missing"
    SERVER_FILE_SIZE = "server-file-size"
    """The server's own record is not all that is in its file."""
    CLUSTER_ID = "cluster-id"
    """The store was written under another cluster id."""
    FOREIGN_FOLDER = "foreign-folder"
    """A folder that is no channel; the server takes it for one."""
    FOREIGN_NAME = "foreign-name"
    """A file that looks like messages but has no number: the server does not start."""
    TOO_MANY = "too-many"
    """The file is intact as far as it was read, and holds more than is listed."""
    UNREADABLE = "unreadable"
    """It may not or cannot be read."""


class Start(StrEnum):
    """What the server does about it at its next start."""

    REFUSED = "refused"
    """It does not start."""
    SILENT = "silent"
    """It starts and says nothing; who reads there meets it."""
    REPAIRED = "repaired"
    """It starts and puts it right, or loses what it tells of."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    kind: Kind
    file: str
    """Relative to the store."""
    detail: str
    start: Start
    fix: str
    offset: int | None = None
    """In the file, in bytes, of the record concerned."""

    def document(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "file": printable(self.file),
            "kind": self.kind.value,
            "start": self.start.value,
        }

    @property
    def key(self) -> tuple[str, str, int | None]:
        """What makes it the same problem when it is seen again."""
        return self.kind.value, self.file, self.offset
