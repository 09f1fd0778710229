"""Attempts at one thing by several sources, in order, until one succeeds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from stanlocal.engine.base import Progress
from stanlocal.errors import ImageNotFound

T = TypeVar("T")


async def first_success(
    sources: Sequence[Callable[[], Awaitable[T]]], progress: Progress, failure: Callable[[str], str]
) -> T:
    """Return the result of the first source that does not raise `ImageNotFound`.

    Each reason is reported to `progress`. If all fail, raises `ImageNotFound` with these reasons as
    `attempts`, and as message what `failure` makes of all of them, joined.
    """
    attempts: list[str] = []
    for source in sources:
        try:
            return await source()
        except ImageNotFound as error:
            attempts.append(str(error))
            progress(attempts[-1])
    raise ImageNotFound(failure("; ".join(attempts)), attempts)
