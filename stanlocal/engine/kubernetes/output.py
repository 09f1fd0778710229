"""Output of a pod's container, with the times at which the machine received each line."""

from __future__ import annotations

from datetime import datetime

from stanlocal.model.instance import RawLine

_STAMP_DIGITS = 9
Stamp = tuple[str, str]
"""Time of a line as it was written: seconds, and nanoseconds with all digits. Later ones are larger."""


def read_line(line: bytes) -> tuple[Stamp, RawLine] | None:
    """Return a line of the API's log with its stamp; None for one of the machine's own messages."""
    text = line.decode("utf-8", "replace").removesuffix("\r")
    word, _, rest = text.partition(" ")
    if not word.endswith("Z"):
        return None
    try:
        time = datetime.fromisoformat(word)
    except ValueError:
        return None
    seconds, _, fraction = word.removesuffix("Z").partition(".")
    return (seconds, fraction.ljust(_STAMP_DIGITS, "0")), RawLine(time, rest)


def since_parameter(since: datetime) -> str:
    """Return a time for a query; the API takes whole seconds, so this is the one before."""
    return since.strftime("%Y-%m-%dT%H:%M:%SZ")
