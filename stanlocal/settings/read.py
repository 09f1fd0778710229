"""The check of a layer against the tables: canonical names, values of the right kind, all problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stanlocal.settings.coerce import called, coerce
from stanlocal.settings.layer import Key, Layer, dotted, variable
from stanlocal.settings.schema import Kind, Option, Table

_HINTS = 20
"""Number of unknown names for which the nearest known one is found, at 0.25 ms each."""


@dataclass
class LayerReader:
    """A reader of one layer; it collects `problems`."""

    layer: Layer
    problems: list[str] = field(default_factory=list)
    _hints: int = _HINTS

    def read(self, table: Table) -> dict[Key, Any]:
        """Return the layer's values by canonical key, without those with a problem."""
        return dict(self._table(table, self.layer.values, ()))

    def _table(self, table: Table, values: object, at: Key) -> Iterator[tuple[Key, Any]]:
        if not isinstance(values, Mapping):
            self._problem(at, f"must be a table, not {called(values, secret=table.has_secrets)}")
            return
        spelled: dict[str, str] = {}
        for name, value in values.items():
            option = table.find(name)
            if option is None:
                self._problem((*at, name), f"is not a setting{self._meant(table, at, name)}")
            elif option.name in spelled:
                twice = f"is given twice, as {spelled[option.name]!r} and as {name!r}"
                self._problem((*at, option.name), twice)
            else:
                spelled[option.name] = name
                yield from self._option(option, value, at, name)

    def _option(self, option: Option, value: object, at: Key, name: str) -> Iterator[tuple[Key, Any]]:
        key = (*at, option.name)
        if option.refused:
            self._problem((*at, name), f"cannot be set: {option.refused}")
        elif option.executes and not self.layer.may_execute:
            self._only_named(key, "make something run")
        elif option.reaches and self.layer.found:
            self._only_named(key, option.reaches)
        elif option.kind is Kind.TABLE and option.table:
            yield from self._table(option.table, value, key)
        elif option.kind is Kind.MAP and option.table:
            yield from self._map(option, option.table, value, key)
        elif option.kind is Kind.TABLES and option.table:
            yield from self._tables(option.table, value, key)
        else:
            try:
                yield key, coerce(option, value, self.layer)
            except ValueError as problem:
                self._problem(key, str(problem))

    def _map(self, option: Option, shape: Table, value: object, key: Key) -> Iterator[tuple[Key, Any]]:
        if not isinstance(value, Mapping):
            self._problem(key, f"must be a table of tables, not {called(value)}")
            return
        for name, item in value.items():
            if option.check and (reason := option.check(name)):
                self._problem((*key, name), reason)
            elif item == {}:
                yield (*key, name), {}  # a channel without limits of its own still is a channel
            else:
                yield from self._table(shape, item, (*key, name))

    def _tables(self, shape: Table, value: object, key: Key) -> Iterator[tuple[Key, Any]]:
        if not isinstance(value, (list, tuple)):
            self._problem(key, f"must be a list of tables, not {called(value, secret=shape.has_secrets)}")
            return
        rows = [self._table(shape, item, (*key, str(index))) for index, item in enumerate(value)]
        yield key, [{leaf[-1]: content for leaf, content in row} for row in rows]

    def _meant(self, table: Table, at: Key, name: str) -> str:
        self._hints -= 1
        near = table.nearest(name) if self._hints >= 0 else None
        return "" if near is None else f"; did you mean {dotted((*at, *near.split('.')))}?"

    def _only_named(self, key: Key, deed: str) -> None:
        self._problem(
            key,
            f"would {deed}, which a file that was found and not named cannot ask for; "
            f"name the file with --config, or set {variable(key)}",
        )

    def _problem(self, key: Key, what: str) -> None:
        self.problems.append(f"{self.layer.place(key)} {what}")
