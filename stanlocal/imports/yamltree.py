"""YAML documents as tables in which every value knows its line and column.

Only plain data is read: no tags, no objects. Documents may be hostile: their size, depth and number of
values, aliases resolved, are bounded. Input that would take libyaml too long is refused before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import yaml

from stanlocal.errors import SettingsError
from stanlocal.natsconf import Entry, Place, Table, Value

_DEPTH = 64
_VALUES = 10_000
"""Largest number of values of all documents together, repeats by aliases and merges included."""
_CHARACTERS = 1 << 22
"""Largest number of characters of all values together, repeats included: four times the largest file."""
_EVENTS = 4 * _VALUES
"""Largest number of libyaml's events: one for each value and name, two for each table and list."""
_TOO_MANY = f"there are more than {_VALUES} values, counting aliases"
_DIRECTIVES = 16
"""Largest number of directives: libyaml compares each `%TAG` with all before."""
_DIRECTIVE = re.compile(r"(?:\A\ufeff?|[\n\r\x85\u2028\u2029])%")
_LONGEST_SHOWN = 60
_LONGEST_NUMBER = 80
"""Characters of the longest integer; 64 bits in binary are 66. A longer one is read as a word."""
_EXPONENT = re.compile(r"[-+]?[0-9]{1,30}[eE][-+]?[0-9]{1,3}")
"""A number to Kubernetes and Helm, and a word to PyYAML, which wants a point in it."""
_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""PyYAML can be built without libyaml; it is ten times slower then."""
_PREFIX = "tag:yaml.org,2002:"
_TRUTH = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


class YamlText:
    """A text of YAML documents, which libyaml reads once however often they are converted."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.lines = text.split("\n")
        self.events = 0
        """Number of libyaml's events, once the nodes were read."""
        self._text = text
        self._nodes: list[yaml.Node] | SettingsError | None = None

    def nodes(self) -> list[yaml.Node]:
        """Return each document that is not empty; raises `SettingsError` with the place of invalid YAML."""
        if self._nodes is None:
            try:
                self._nodes = self._composed()
            except SettingsError as error:
                self._nodes = error
        if isinstance(self._nodes, SettingsError):
            raise SettingsError(list(self._nodes.problems)) from self._nodes
        return self._nodes

    def _composed(self) -> list[yaml.Node]:
        try:
            self._check()
            return [node for node in yaml.compose_all(self._text, Loader=_LOADER) if not _is_empty(node)]
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(self.file, mark.line + 1, mark.column + 1) if mark else self.file
            raise SettingsError([f"{place}: {error.problem or error.context}"]) from error
        except yaml.YAMLError as error:  # a character that YAML does not allow
            raise SettingsError([f"{self.file}: {str(error).splitlines()[0]}"]) from error

    def _check(self) -> None:
        """Refuse nesting that libyaml, which composes recursively, would crash on."""
        if len(list(islice(_DIRECTIVE.finditer(self._text), _DIRECTIVES + 1))) > _DIRECTIVES:
            raise SettingsError([f"{self.file}: there are more than {_DIRECTIVES} directives"])
        depth = 0
        for event in yaml.parse(self._text, Loader=_LOADER):
            self.events += 1
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if (depth > _DEPTH or self.events > _EVENTS) and (mark := event.start_mark) is not None:
                place = Place(self.file, mark.line + 1, mark.column + 1)
                reason = "values are nested too deeply" if depth > _DEPTH else _TOO_MANY
                raise SettingsError([f"{place}: {reason}"])


class YamlTree:
    """The documents of one text as tables."""

    def __init__(self, text: YamlText, before: YamlTree | None = None, *, truth_words: bool = True) -> None:
        """Take the text; values and characters count together with those of `before`.

        Without `truth_words` `yes`, `no`, `on` and `off` are strings, as in YAML 1.2.
        """
        self._truth_words = truth_words
        self.file = text.file
        self._source = text
        self._indents: dict[int, int] = {}
        """Indentation of each block's text, by the number of its first line."""
        self._values: int = _VALUES if before is None else before._values
        self._characters: int = _CHARACTERS if before is None else before._characters
        self._events: int = _EVENTS if before is None else before._events
        self.blocks: dict[Place, tuple[int, int]] = {}
        """Line and column where the text of each literal block begins, by the place of its entry."""

    def documents(self) -> Iterator[Entry]:
        """Yield each document that is not empty; raises `SettingsError` with the place of invalid YAML."""
        nodes = self._source.nodes()
        self._events -= self._source.events
        for node in nodes:
            if self._events < 0:
                raise self._error(node, _TOO_MANY)
            yield Entry(self._value(node, 0), self._place(node))

    def _place(self, node: yaml.Node) -> Place:
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _error(self, node: yaml.Node, reason: str) -> SettingsError:
        return SettingsError([f"{self._place(node)}: {reason}"])

    def _value(self, node: yaml.Node, depth: int) -> Value:
        self._values -= 1
        if self._values < 0:
            raise self._error(node, _TOO_MANY)
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
                    for name, entry in each.items() if isinstance(each, dict) else ():
                        merged.setdefault(name, entry)
                continue
            if key.value in table:
                name = key.value if len(key.value) <= _LONGEST_SHOWN else f"{key.value[:_LONGEST_SHOWN]}…"
                raise self._error(key, f"{name!a} is given twice")
            place = self._place(key)
            table[key.value] = Entry(self._value(value, depth + 1), place)
            if isinstance(value, yaml.ScalarNode) and value.style == "|":
                self._note_block(value, place)
        return {**merged, **table}

    def _note_block(self, node: yaml.ScalarNode, place: Place) -> None:
        first = node.start_mark.line + 1
        if first not in self._indents:  # a block with aliases is read again, and may begin with blank lines
            lines = self._source.lines
            beginning = (lines[number] for number in range(first, len(lines)))
            line = next((line for line in beginning if line.strip()), "")
            self._indents[first] = len(line) - len(line.lstrip(" "))
        self.blocks[place] = (first + 1, self._indents[first] + 1)

    def _scalar(self, node: yaml.ScalarNode) -> Value:
        kind = node.tag.removeprefix(_PREFIX)
        text: str = node.value
        self._characters -= len(text)
        if self._characters < 0:
            raise self._error(node, f"there are more than {_CHARACTERS} characters, counting aliases")
        if kind == "null":
            return {}
        if kind == "bool" and (self._truth_words or text.lower() in ("true", "false")):
            return _TRUTH[text.lower()]
        if kind in ("int", "float"):
            return self._number(node, kind, text)
        if kind in ("str", "timestamp", "value", "bool"):
            return float(text) if not node.style and _EXPONENT.fullmatch(text) else text
        raise self._error(node, f"the tag {node.tag[:_LONGEST_SHOWN]} means nothing here")

    def _number(self, node: yaml.ScalarNode, kind: str, text: str) -> Value:
        if kind == "int" and len(text) > _LONGEST_NUMBER:
            return text
        try:
            return int(text, 0) if kind == "int" else float(text)
        except ValueError:  # a spelling of YAML's own: 0o17, 1:30, .inf
            return text


def _is_empty(node: yaml.Node | None) -> bool:
    """Return whether a document has no content, as after a last `---`."""
    return node is None or (isinstance(node, yaml.ScalarNode) and node.tag == f"{_PREFIX}null")
