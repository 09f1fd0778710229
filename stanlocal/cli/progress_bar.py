"""A progress bar on standard error for work that counts; nothing where no person reads it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stanlocal.cli import printing
from stanlocal.cli.context import Context

Progress = Callable[[int, int], None]
"""Callback that takes what is done, and all that is to be done."""


@contextmanager
def progress_bar(context: Context, *, of_bytes: bool = False, title: str = "") -> Iterator[Progress]:
    """Yield a callback that moves the bar; it counts bytes, or messages."""
    if context.json or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    counters = (DownloadColumn(), TransferSpeedColumn()) if of_bytes else (MofNCompleteColumn(),)
    bar = Progress(
        TextColumn(title),
        BarColumn(),
        *counters,
        TimeRemainingColumn(),
        console=printing.people_console(),
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
