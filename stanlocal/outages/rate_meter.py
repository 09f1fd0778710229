"""How fast something is counted. Pure."""

from __future__ import annotations

from collections import deque

_WINDOW_S = 2.0


class Meter:
    """Events a second, over the last two seconds."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque()

    def rate(self, now: float, count: int) -> float:
        """With `count` so far; `now` in seconds of a clock that does not jump. 0 at the first look."""
        self._looks.append((now, count))
        while len(self._looks) > 2 and self._looks[1][0] <= now - _WINDOW_S:
            self._looks.popleft()
        then, before = self._looks[0]
        return (count - before) / (now - then) if now > then else 0.0
