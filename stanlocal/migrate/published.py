"""The headers of messages that were published into a stream instead of restored. Pure.

The server stamps a message with the time of publishing, so the original time travels in a header; and it only
takes a message directly behind its predecessor, which makes a repeat harmless.
"""

from __future__ import annotations

EXPECTED = "Nats-Expected-Last-Sequence"
TIMESTAMP = "Nats-Streaming-Timestamp"
MARK = "stan_published"
"""Key of the metadata of a stream that is filled by publishing."""
PART, WHOLE = "part", "whole"
"""Values of that key: as long as something is missing or too much, and afterwards."""

LOSSES = (
    "the time of each message becomes that of loading, so a 'max_age' begins again; "
    f"the original is in the header {TIMESTAMP}"
)
"""The losses of loading by publishing, as said before it starts."""


def headers_of(sequence: int, time: int) -> bytes:
    """Return the header block of a message with this sequence and time (ns since the epoch)."""
    return b"NATS/1.0\r\n%b: %d\r\n%b: %d\r\n\r\n" % (
        EXPECTED.encode(),
        sequence - 1,
        TIMESTAMP.encode(),
        time,
    )
