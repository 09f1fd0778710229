"""OpenShift Templates: their objects with the parameters in place, as `oc process` makes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from stanlocal.imports.import_result import Found
from stanlocal.imports.objects import Object, at, listed, objects, text
from stanlocal.natsconf import Entry, Place, Value

_KIND = "Template"
_LONGEST = 1 << 20
"""Largest number of characters of all texts that have parameters in them."""
_TYPED = re.compile(r"\$\{\{(\w+)\}\}")
"""Parameter as the whole of a value, which may be a number or a truth value."""
_IN_TEXT = re.compile(r"\$\{(\w+)\}")
_USED = ("ConfigMap", "Secret", "NatsStreamingCluster")
"""Kinds that matter, besides those with a pod."""


def processed(given: Sequence[Object], environ: Mapping[str, str], found: Found) -> list[Object]:
    """Return the objects, and in the place of each Template its objects.

    A parameter without a value comes from the environment, or else is reported.
    """
    result: list[Object] = []
    for each in given:
        result += _objects(each, environ, found) if each.kind == _KIND else [each]
    return result


def _objects(template: Object, environ: Mapping[str, str], found: Found) -> Iterator[Object]:
    parameters = _Parameters(environ)
    for _, entry in listed(template.content, ("parameters",), template.place):
        if isinstance(entry.value, dict):
            parameters.declare(text(entry.value, "name"), at(entry.value, ("value",)), entry.place)
    for made in objects([entry for _, entry in listed(template.content, ("objects",), template.place)]):
        parameters.missing.clear()
        content = parameters.inside(made.content, found)
        if not isinstance(content, dict):
            return
        name = at(content, ("metadata", "name"))
        spec = at(content, ("spec",))
        if made.kind in _USED or (isinstance(spec, dict) and "template" in spec):
            for missing in sorted(parameters.missing):
                why = f"it has no value; set {missing} in the environment, or give what 'oc process' makes"
                found.problem(parameters.places.get(missing, made.place), f"parameter {missing}: {why}")
        yield Object(made.kind, name if isinstance(name, str) else made.name, content, made.place)


@dataclass
class _Parameters:
    environ: Mapping[str, str]
    values: dict[str, str] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    _left: int = _LONGEST

    def declare(self, name: str, value: object, place: Place) -> None:
        self.places[name] = place
        given = self.environ.get(name, value)
        if isinstance(given, (str, int, float)) and given != "":
            self.values[name] = str(given)

    def inside(self, value: Value, found: Found) -> Value:
        """Return the value with parameters replaced, at any depth."""
        if isinstance(value, dict):
            return {name: Entry(self.inside(each.value, found), each.place) for name, each in value.items()}
        if isinstance(value, list):
            return [self.inside(item, found) for item in value]
        if not isinstance(value, str) or "${" not in value:
            return value
        whole = _TYPED.fullmatch(value)
        if whole is not None:
            replaced = self._value(whole)
            return int(replaced) if re.fullmatch(r"-?[0-9]{1,18}", replaced) else replaced
        return self._text(value)

    def _text(self, value: str) -> str:
        parts = _IN_TEXT.sub(self._value, value) if self._fits(value) else ""
        self._left -= len(parts)
        return parts

    def _fits(self, value: str) -> bool:
        length = sum(len(self.values.get(each[1], "")) for each in _IN_TEXT.finditer(value))
        return length + len(value) <= self._left

    def _value(self, match: re.Match[str]) -> str:
        """Return the parameter's value; a variable that is no parameter stays as it is."""
        name = match[1]
        if name in self.values:
            return self.values[name]
        if name in self.places:
            self.missing.add(name)
        return match[0]
