"""A fault that was injected, as text: predicted against observed. Pure."""

from __future__ import annotations

from textual.content import Content

from stanlocal.journal import FaultRecord

VERDICTS = {True: "as expected", False: "NOT as expected", None: "undecided"}


def in_full(record: FaultRecord) -> Content:
    """What was predicted and what was observed."""
    style = "bold $text-error" if record.as_expected is False else "bold"
    return Content.assemble(
        ("expected  ", "$foreground 65%"),
        record.expected or "nothing was predicted",
        ("\nobserved  ", "$foreground 65%"),
        record.observed or "nothing yet that decides it",
        " - ",
        (VERDICTS[record.as_expected], style),
    )
