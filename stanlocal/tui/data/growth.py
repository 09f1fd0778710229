"""How fast a store grows, between two looks at it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TOTAL = ""
"""The whole store, among the names of channels."""


class Growth:
    """Bytes a second, of the whole store and of each channel."""

    def __init__(self) -> None:
        self._before: tuple[str, float, dict[str, int]] | None = None

    def look(self, now: float, overview: Mapping[str, Any]) -> dict[str, float]:
        """Since the last look at the same store; nothing at the first. `now` in seconds that do not jump.

        `overview` is the document of `inspect.overview`. A channel that is new grew by all it has;
        one of which old messages were removed has shrunk.
        """
        sizes = {each["name"]: int(each["disk_bytes"]) for each in overview["channels"]}
        sizes[TOTAL] = int(overview["disk_bytes"])
        before, self._before = self._before, (overview["store"], now, sizes)
        if before is None or before[0] != overview["store"] or now <= before[1]:
            return {}
        return {name: (size - before[2].get(name, 0)) / (now - before[1]) for name, size in sizes.items()}
