"""A container's log as it is written, without a gap, while its run lasts.

The stream of the API ends with the run, and may end before: when the machine's kubelet restarts, or the log
is rotated. So whoever follows says whether the run goes on, and the stream is opened again where it ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

from stanlocal.engine.kubernetes.api import Api
from stanlocal.engine.kubernetes.output import Stamp, read_line
from stanlocal.model.instance import RawLine

_BEGINNING: Stamp = ("", "")
UNREAD_S = 4.0
"""Seconds without an answer after which a machine counts as one that does not answer: its kubelet takes
milliseconds, a busy one a second."""
_REOPEN_S = 0.1
"""Pause before a stream that ended is opened again, so that one which ends at once costs little."""


async def follow(
    api: Api, path: str, container: str, goes_on: Callable[[], Awaitable[bool]]
) -> AsyncGenerator[Sequence[RawLine]]:
    """Yield an empty batch once nothing more can be missed, then what is written, until the run ends.

    `path` is the log's in the API; `goes_on` says whether the run lasts although its stream has ended.
    """
    last = await _last(api, path, container)
    yield ()  # what comes after that line is asked for by its time
    while True:
        async with aclosing(_from(api, path, container, last)) as batches:
            async for stamp, lines in batches:
                last = stamp
                yield lines
        if not await goes_on():
            return
        await asyncio.sleep(_REOPEN_S)


async def _last(api: Api, path: str, container: str) -> Stamp:
    """Return the stamp of the last line that is there."""
    wanted = {"container": container, "timestamps": "true", "tailLines": "1"}
    last = _BEGINNING
    async with api.lines(path, wanted, patience_s=UNREAD_S) as chunks:
        async for chunk in chunks:
            last = max([last, *(read[0] for line in chunk if (read := read_line(line)) is not None)])
    return last


async def _from(
    api: Api, path: str, container: str, last: Stamp
) -> AsyncGenerator[tuple[Stamp, Sequence[RawLine]]]:
    """Yield the lines after `last`, with the stamp of the last one.

    The answer begins with the first line, however long that takes.
    """
    wanted = {"container": container, "timestamps": "true", "follow": "true"}
    if last != _BEGINNING:  # the API counts in seconds: what that second had before comes again
        wanted["sinceTime"] = f"{last[0]}Z"
    async with api.lines(path, wanted) as chunks:
        async for chunk in chunks:
            read = [found for line in chunk if (found := read_line(line)) is not None]
            news = [(stamp, line) for stamp, line in read if stamp > last]
            if news:
                last = news[-1][0]
                yield last, [line for _, line in news]
