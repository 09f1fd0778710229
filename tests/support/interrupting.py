"""An engine at whose n-th call something happens, so that a test can sweep over every n."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable
from typing import Any, Literal, cast

from stanlocal.engine.base import Engine

When = Literal["before", "after"]


class Killed(BaseException):
    """A `kill -9` of the tool as seen from within: no call gets through any more."""


class Interruptions:
    """Calls `interrupt` before or after call number `at` (from 1), and if `lasting` before all later ones.

    Streams (`attach`, `events`) do not count: they only look.
    """

    def __init__(
        self, engine: Engine, at: int, when: When, interrupt: Callable[[], object], *, lasting: bool = False
    ) -> None:
        self.calls: list[str] = []
        """The names of the calls so far."""
        self._engine = engine
        self._at = at
        self._when = when
        self._interrupt = interrupt
        self._lasting = lasting

    @property
    def engine(self) -> Engine:
        """The engine to use."""
        return cast("Engine", self)

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._engine, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            number = await self._before(name)
            result = await real(*args, **kwargs)
            await self._after(number)
            return result

        async def read(*args: Any, **kwargs: Any) -> AsyncGenerator[Any]:
            number = await self._before(name)
            async for each in real(*args, **kwargs):
                yield each
            await self._after(number)

        if name == "output":
            return read
        return call if inspect.iscoroutinefunction(real) else real

    async def _before(self, name: str) -> int:
        self.calls.append(name)
        number = len(self.calls)
        if (number == self._at and self._when == "before") or (number > self._at and self._lasting):
            await self._strike()
        return number

    async def _after(self, number: int) -> None:
        if number == self._at and self._when == "after":
            await self._strike()

    async def _strike(self) -> None:
        self._interrupt()
        await asyncio.sleep(0)  # where a cancellation arrives
