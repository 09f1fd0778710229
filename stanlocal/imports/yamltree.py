"""YAML documents as tables whose every value knows its line and column.

Only plain data is read: no tags, no objects. Documents may be hostile: their size, depth and number of
values, aliases resolved, are bounded.
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from stanlocal.errors import SettingsError
from stanlocal.natsconf import Entry, Place, Table, Value

_DEPTH = 64
_VALUES = 100_000
_PREFIX = "tag:yaml.org,2002:"
_TRUTH = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


class YamlTree:
    """The documents of one text."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self._lines = text.split("\n")
        self._text = text
        self._left = _VALUES
        self.blocks: dict[Place, tuple[int, int]] = {}
        """For each literal block, by the place of its entry: the line and column where its text begins."""

    def documents(self) -> Iterator[Entry]:
        """Each document that is not empty; `SettingsError` with line and column for what is no YAML."""
        try:
            self._check_depth()
            for node in yaml.compose_all(self._text, Loader=yaml.CSafeLoader):
                if node is not None:
                    yield Entry(self._value(node, 0), self._place(node))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(self.file, mark.line + 1, mark.column + 1) if mark else self.file
            raise SettingsError([f"{place}: {error.problem or error.context}"]) from error
        except yaml.YAMLError as error:  # a character that YAML does not allow
            raise SettingsError([f"{self.file}: {str(error).splitlines()[0]}"]) from error

    def _check_depth(self) -> None:
        """libyaml reads events without recursion, but makes a tree of them with it, down to a crash."""
        depth = 0
        for event in yaml.parse(self._text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > _DEPTH and (mark := event.start_mark) is not None:
                place = Place(self.file, mark.line + 1, mark.column + 1)
                raise SettingsError([f"{place}: values are nested too deeply"])

    def _place(self, node: yaml.Node) -> Place:
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _error(self, node: yaml.Node, reason: str) -> SettingsError:
        return SettingsError([f"{self._place(node)}: {reason}"])

    def _value(self, node: yaml.Node, depth: int) -> Value:
        self._left -= 1
        if self._left < 0:
            raise self._error(node, f"there are more than {_VALUES} values, counting aliases")
        if depth > _DEPTH:
            raise self._error(node, "values are nested too deeply")
        if isinstance(node, yaml.MappingNode):
            return self._table(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, depth + 1) for item in node.value]
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node)

    def _table(self, node: yaml.MappingNode, depth: int) -> Table:
        table: Table = {}
        merged: Table = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._error(key, "a name has to be a word")
            if key.tag == f"{_PREFIX}merge":
                below = self._value(value, depth + 1)
                for each in below if isinstance(below, list) else [below]:
                    merged = {**each, **merged} if isinstance(each, dict) else merged
                continue
            if key.value in table:
                raise self._error(key, f"{key.value!a} is given twice")
            place = self._place(key)
            table[key.value] = Entry(self._value(value, depth + 1), place)
            if isinstance(value, yaml.ScalarNode) and value.style == "|":
                self._note_block(value, place)
        return {**merged, **table}

    def _note_block(self, node: yaml.ScalarNode, place: Place) -> None:
        first = node.start_mark.line + 1
        line = next((line for line in self._lines[first:] if line.strip()), "")
        self.blocks[place] = (first + 1, len(line) - len(line.lstrip(" ")) + 1)

    def _scalar(self, node: yaml.ScalarNode) -> Value:
        kind = node.tag.removeprefix(_PREFIX)
        text: str = node.value
        if kind == "null":
            return {}
        if kind == "bool":
            return _TRUTH[text.lower()]
        if kind in ("int", "float"):
            return self._number(node, kind, text)
        if kind in ("str", "timestamp", "value"):
            return text
        raise self._error(node, f"the tag {node.tag} means nothing here")

    def _number(self, node: yaml.ScalarNode, kind: str, text: str) -> Value:
        try:
            return int(text, 0) if kind == "int" else float(text)
        except ValueError:  # a spelling of YAML's own: 0o17, 1:30, .inf
            return text
