"""Problems of a store: what the server does about each at its next start, and how to fix it. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from stanlocal.util.printable import printable

ANOTHER_KEY = "give the key that the channel's messages were written with"
"""Fix of a message that cannot be decrypted."""
KEPT = 1000
"""Number of problems listed for a file and for a store; the others are counted."""


class Kind(StrEnum):
    """Kinds of problems."""

    MESSAGE_DAMAGED = "message-damaged"
    """A message does not match its checksum."""
    HEAD_DAMAGED = "head-damaged"
    """The size in a message's record differs from the one in the index."""
    UNDECODABLE = "undecodable"
    """The checksum is right, but the content is no message, client or subscription."""
    UNDECRYPTABLE = "undecryptable"
    """The message is intact, and cannot be decrypted with the store's key."""
    TRUNCATED = "truncated"
    """The file ends within a record."""
    MESSAGES_MISSING = "messages-missing"
    """The file ends between two records, before the last one in its index."""
    ZERO_TAIL = "zero-tail"
    """The file ends in zeros, as after a power failure."""
    INDEX_DAMAGED = "index-damaged"
    """A record of the index does not match its checksum, or is cut short."""
    INDEX_MISMATCH = "index-mismatch"
    """The index and the slice disagree about a message."""
    INDEX_SHORT = "index-short"
    """Messages are missing from the index: the server does not see them."""
    INDEX_MISSING = "index-missing"
    INDEX_ORPHAN = "index-orphan"
    """An index without its messages."""
    SEQUENCE_GAP = "sequence-gap"
    """Messages are missing between two others."""
    SEQUENCE_OVERLAP = "sequence-overlap"
    """A sequence comes twice, or out of order."""
    RECORD_DAMAGED = "record-damaged"
    """A record of clients, subscriptions or the server does not match its checksum."""
    RECORD_TYPE = "record-type"
    """A record of a type that the server does not know."""
    RECORD_MISFIT = "record-misfit"
    """A record has the fields of another type; the server accepts it as it is."""
    VERSION = "version"
    """The file's format is not the one that the server reads."""
    SERVER_FILE_MISSING = "server-file-missing"
    SERVER_FILE_SIZE = "server-file-size"
    """The server's file holds more than its record."""
    CLUSTER_ID = "cluster-id"
    """The store was written under another cluster id."""
    FOREIGN_FOLDER = "foreign-folder"
    """A folder is no channel, and the server takes it for one."""
    FOREIGN_NAME = "foreign-name"
    """A file is named like messages but without a number: the server does not start."""
    TOO_MANY = "too-many"
    """The file is intact as far as it was read, and holds more than is listed."""
    UNREADABLE = "unreadable"
    """A file cannot be read."""


class Start(StrEnum):
    """The server's reaction to a problem at its next start."""

    REFUSED = "refused"
    """The server does not start."""
    SILENT = "silent"
    """The server starts and reports nothing; a subscriber that gets there is affected."""
    REPAIRED = "repaired"
    """The server starts, and repairs it or drops what is damaged."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of a store."""

    kind: Kind
    file: str
    """Path relative to the store."""
    detail: str
    start: Start
    fix: str
    offset: int | None = None
    """Offset in bytes of the record concerned."""

    def document(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "file": printable(self.file),
            "kind": self.kind.value,
            "start": self.start.value,
        }

    @property
    def key(self) -> tuple[str, str, int | None]:
        """The key by which a problem is recognized in a second check."""
        return self.kind.value, self.file, self.offset
