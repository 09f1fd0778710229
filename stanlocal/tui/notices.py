"""Lines for people from below the screen, which must not be written over it."""

from __future__ import annotations

from collections.abc import Callable


class Notices:
    """Hand it to an `FTGroup` as `report` and `note`; whoever listens gets the lines, from any thread."""

    def __init__(self) -> None:
        self._early: list[str] = []
        self._listener: Callable[[str], object] = self._early.append

    def __call__(self, line: str) -> None:
        self._listener(line)

    def listen(self, listener: Callable[[str], object]) -> None:
        """From now on `listener` is told; also of what was said before."""
        self._listener = listener
        for line in self._early:
            listener(line)
        self._early.clear()
