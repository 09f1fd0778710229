"""The rate of a counter over a window of time. Pure."""

from __future__ import annotations

from collections import deque


class RateMeter:
    """Events per second, over the last `window_s` seconds."""

    def __init__(self, window_s: float = 2.0) -> None:
        self._window_s = window_s
        self._samples: deque[tuple[float, int]] = deque()

    def rate(self, now: float, count: int) -> float:
        """Return the rate with `count` events so far; 0 for the first sample.

        `now` is in seconds of a clock that does not jump.
        """
        self._samples.append((now, count))
        while len(self._samples) > 2 and self._samples[1][0] <= now - self._window_s:
            self._samples.popleft()
        then, before = self._samples[0]
        return (count - before) / (now - then) if now > then else 0.0
