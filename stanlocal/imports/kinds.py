"""Values of another kind than the server expects: read as the server reads them, or refused as it does."""

from __future__ import annotations

from stanlocal.imports.import_result import Found
from stanlocal.natsconf import Entry, Value
from stanlocal.settings.coerce import shown
from stanlocal.settings.layer import Key, dotted
from stanlocal.settings.schema import Kind, Option

_REFUSES = "the server refuses a configuration with"


def converted(option: Option, entry: Entry, key: Key, found: Found) -> Value | None:
    """Return the value that the server means; None after a problem, which is noted.

    A number where the server expects a word, and a size in quotes, have one meaning only. So they are taken,
    and the report says that the server refuses them. A number where it expects a duration may be anything,
    except in the NATS server's own options: these are seconds.
    """
    value, name = entry.value, dotted(key)
    number = isinstance(value, int) and not isinstance(value, bool)
    if option.kind is Kind.DURATION and number and key[0] == "nats":
        found.changed(
            entry.place, name, f"{value} is seconds; the server takes a number with -c, not with -sc"
        )
        return f"{value}s"
    if option.kind is Kind.DURATION and number and value:
        why = f"{_REFUSES} a number there; write a duration in quotes, such as '{value}s'"
        found.problem(entry.place, f"{name} is the number {shown(value)}: {why}")
        return None
    if option.kind is Kind.DURATION and number:
        found.changed(entry.place, name, f"{_REFUSES} a number there; it is '0s' here")
        return "0s"
    if option.kind in (Kind.STRING, Kind.CHOICE) and number:
        what = "a word" if option.secret else f"the word '{value}'"
        found.changed(entry.place, name, f"{_REFUSES} a number there; it is {what} here, as if in quotes")
        return str(value)
    if option.kind is Kind.SIZE and isinstance(value, str):
        found.changed(entry.place, name, f"{_REFUSES} a size in quotes; it is without them here")
    return value
