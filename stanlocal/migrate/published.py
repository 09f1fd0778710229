"""The headers of messages that were published into a stream instead of restored. Pure.

The server stamps a message with the time of publishing, so the original time travels in a header; and it only
takes a message directly behind its predecessor, which makes a repeat harmless.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EXPECTED = "Nats-Expected-Last-Sequence"
TIMESTAMP = "Nats-Streaming-Timestamp"
MARK = "stan_published"
"""Key of the metadata of a stream that is filled by publishing."""
PART, WHOLE = "part", "whole"
"""Values of that key: as long as something is missing or too much, and afterwards."""

LOSSES = (
    "the time of each message becomes that of loading, so a 'max_age' begins again; "
    f"the original is in the header {TIMESTAMP}; 'max_bytes' is raised by the bytes of these headers, about "
    "100 a message, so that no message is dropped for them"
)
"""The losses of loading by publishing, as said before it starts."""

UNLIMITED: Mapping[str, int] = {"max_msgs": -1, "max_bytes": -1, "max_age": 0}
"""The limits of a stream while it is filled: the messages that keep gaps open would count too."""
_LATEST = (1 << 63) - 1
_LENGTH_BYTES = 4
"""Bytes that a file stream counts for the length of a message's headers."""


def limits_of(config: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, int]:
    """Return the limits of a stream that was filled by publishing, from its restored configuration and state.

    They are those of its channel, and `max_bytes` has room for the headers of all messages besides.
    """
    limits = {key: int(config.get(key, none)) for key, none in UNLIMITED.items()}
    if limits["max_bytes"] > 0:
        each = _LENGTH_BYTES + len(headers_of(state["last_seq"] + 1, _LATEST))
        limits["max_bytes"] += each * state["messages"]
    return limits


def headers_of(sequence: int, time: int) -> bytes:
    """Return the header block of a message with this sequence and time (ns since the epoch)."""
    return b"NATS/1.0\r\n%b: %d\r\n%b: %d\r\n\r\n" % (
        EXPECTED.encode(),
        sequence - 1,
        TIMESTAMP.encode(),
        time,
    )
