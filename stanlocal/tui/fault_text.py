"""A fault that was injected, as text: predicted against observed. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from textual.content import Content

from stanlocal.history.journal import FaultRecord

VERDICTS = {True: "as expected", False: "NOT as expected", None: "undecided"}


def in_full(record: FaultRecord) -> Content:
    """What was predicted and what was observed; of a fault with an end of its own, when that is or was."""
    style = "bold $text-error" if record.as_expected is False else "bold"
    return Content.assemble(
        ("expected  ", "$foreground 65%"),
        record.expected or "nothing was predicted",
        ("\nobserved  ", "$foreground 65%"),
        record.observed or "nothing yet that decides it",
        " - ",
        (VERDICTS[record.as_expected], style),
        *_end(record),
    )


def _end(record: FaultRecord) -> Iterator[str | tuple[str, str]]:
    if record.until is None:
        return
    yield "\nlasts     ", "$foreground 65%"
    if record.healed_at is None:
        yield f"it ends by itself at {_clock(record.until, record)}"
    elif record.ran_out:
        yield f"it is over: its time was up at {_clock(record.until, record)}"
    else:
        yield f"it is over: healed at {_clock(record.healed_at, record)}, before its time was up"


def _clock(time: datetime, record: FaultRecord) -> str:
    """Local time; with the date where it is not that of the fault."""
    local, day = time.astimezone(), record.since.astimezone().date()
    return f"{local:%H:%M:%S}" if local.date() == day else f"{local:%Y-%m-%d %H:%M:%S}"
