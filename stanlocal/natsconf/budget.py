"""Limits on a configuration with its variables expanded: a few lines can stand for billions.

Lists and tables that a variable stands for are shared in memory, but a walk through the tree visits them as
often as they are named. So each reference counts as if the text were there again.
"""

from __future__ import annotations

from typing import NamedTuple

from stanlocal.natsconf.scan import Scanner
from stanlocal.natsconf.tree import ConfError, Place, Value


class _Weight(NamedTuple):
    """Expanded size of a value."""

    values: int
    characters: int
    depth: int
    """Depth of nested tables and lists."""


class Budget:
    """Counts down what is left; raises `ConfError` when that is used up."""

    def __init__(self, characters: int, values: int, depth: int) -> None:
        self._characters = self._all_characters = characters
        self._values = self._all_values = values
        self._depth = depth
        self._weights: dict[int, tuple[Value, _Weight]] = {}
        """Weights by the identity of each list and table, which is kept so that no other can get it."""

    def take_text(self, characters: int, place: Place) -> None:
        """Count the text of a file."""
        self._characters -= characters
        if self._characters < 0:
            raise ConfError(place, f"there are more than {self._all_characters} characters")

    def take_value(self, text: Scanner) -> None:
        """Count a value that is read at this position."""
        self._values -= 1
        if self._values < 0:
            raise text.error(f"there are more than {self._all_values} values")

    def take_again(self, value: Value, depth: int, place: Place) -> None:
        """Count a value that a variable puts within `depth` lists and tables."""
        weight = self._weight(value)
        self._values -= weight.values
        self._characters -= weight.characters
        if self._values < 0:
            raise ConfError(place, f"with its variables there are more than {self._all_values} values")
        if self._characters < 0:
            reason = f"with its variables there are more than {self._all_characters} characters"
            raise ConfError(place, reason)
        if depth + weight.depth > self._depth:
            raise ConfError(place, "with its variables tables and lists are nested too deeply")

    def weigh(self, value: Value) -> None:
        """Note the size of a list or table whose own lists and tables were weighed before."""
        if isinstance(value, dict):
            inner = [self._weight(entry.value) for entry in value.values()]
        elif isinstance(value, list):
            inner = [self._weight(item) for item in value]
        else:
            return
        weight = _Weight(
            1 + sum(each.values for each in inner),
            sum(each.characters for each in inner),
            1 + max((each.depth for each in inner), default=0),
        )
        self._weights[id(value)] = (value, weight)

    def weigh_all(self, value: Value) -> None:
        """Note the size of a list or table without any weighed part; its depth is bounded."""
        items = [entry.value for entry in value.values()] if isinstance(value, dict) else value
        for item in items if isinstance(items, list) else ():
            self.weigh_all(item)
        self.weigh(value)

    def _weight(self, value: Value) -> _Weight:
        if isinstance(value, (dict, list)):
            return self._weights[id(value)][1]
        return _Weight(1, len(value), 0) if isinstance(value, str) else _SCALAR


_SCALAR = _Weight(1, 1, 0)
