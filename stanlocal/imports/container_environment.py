"""The variables of a container, as far as the file has their values; `$(NAME)` is replaced by them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from stanlocal.imports.import_result import Found
from stanlocal.imports.objects import Object, at, listed, named, text
from stanlocal.natsconf import Entry, Place, Table

_LONGEST = 1 << 18
"""Largest number of characters of all variables together, and of all words that they are put into."""
_REFERENCE = re.compile(r"\$(\$)?\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


@dataclass
class Environment:
    """Variables by name."""

    values: dict[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    """Variables of the caller, for those that the file names without a value."""
    places: dict[str, Place] = field(default_factory=dict)
    """Places of the variables that the container has, with or without a value in the file."""
    _left: int = _LONGEST
    _lacking: dict[str, str] = field(default_factory=dict)
    """First missing variable that the value of another refers to."""

    def add(self, name: str, value: str) -> bool:
        """Add a variable, with the references in its value replaced; return whether there was room."""
        self._left -= self._length(value) + len(name) + 1
        if self._left < 0:
            return False
        missing = self._missing(value)
        self.values[name] = self._replaced(value)
        self._lacking.pop(name, None)
        if missing:
            self._lacking[name] = missing
        return True

    def declare(self, name: str) -> None:
        """Note a variable whose value is not in the file."""
        if name in self.environ:
            self.values[name] = self.environ[name]

    def expanded(self, word: str, found: Found, place: Place) -> tuple[str, str]:
        """Return a word of the command line with its references replaced, and the first that is missing."""
        self._left -= self._length(word)
        if self._left < 0:
            found.problem(place, f"the arguments and variables come to more than {_LONGEST} characters")
            return "", ""
        return self._replaced(word), self._missing(word)

    def _missing(self, value: str) -> str:
        """Return the first variable that a value refers to and that has no value itself; empty if none."""
        for each in _REFERENCE.finditer(value):
            if not each[1] and each[2] not in self.values:
                return each[2]
            if not each[1] and each[2] in self._lacking:
                return self._lacking[each[2]]
        return ""

    def complete(self) -> dict[str, str]:
        """Return the variables whose values have no reference that is missing."""
        return {name: value for name, value in self.values.items() if name not in self._lacking}

    def _length(self, value: str) -> int:
        """Return the length of the value with its references replaced, which may exceed the file's."""
        lengths = (
            len(self.values.get(each[2], each[0])) - len(each[0]) for each in _REFERENCE.finditer(value)
        )
        return len(value) + sum(lengths)

    def _replaced(self, value: str) -> str:
        """Replace references; `$$(NAME)` is the text `$(NAME)`, and unknown ones stay as they are."""
        return _REFERENCE.sub(
            lambda match: match[0][1:] if match[1] else self.values.get(match[2], match[0]), value
        )


def environment(
    container: Table,
    workload: Object,
    pod_metadata: Table,
    candidates: Sequence[Object],
    environ: Mapping[str, str],
    found: Found,
) -> Environment:
    """Return the container's variables, with those that ConfigMaps and Secrets of the file give it."""
    result = Environment(environ=environ)
    for name, value, place in _variables(container, workload, pod_metadata, candidates):
        if value is None:
            result.declare(name)
        elif not result.add(name, value):
            found.problem(place, f"the variables come to more than {_LONGEST} characters")
            break
        result.places[name] = place
    return result


def _variables(
    container: Table, workload: Object, pod_metadata: Table, candidates: Sequence[Object]
) -> Iterator[tuple[str, str | None, Place]]:
    """Yield name, value (None if it is not in the file) and place of each variable."""
    place = workload.place
    for _, entry in listed(container, ("envFrom",), place):
        for kind, field_name in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            source = at(entry.value, (field_name, "name")) if isinstance(entry.value, dict) else None
            held = named(candidates, kind, source, workload.namespace) if isinstance(source, str) else None
            if held is not None and isinstance(entry.value, dict):
                held.taken.append(("data",))
                held.taken.append(("stringData",))
                for key, each in held.files.items():
                    yield text(entry.value, "prefix") + key, _text(each), entry.place
    for _, entry in listed(container, ("env",), place):
        if isinstance(entry.value, dict):
            name = text(entry.value, "name")
            yield name, _value(entry.value, workload, pod_metadata, candidates), entry.place


def _value(
    variable: Table, workload: Object, pod_metadata: Table, candidates: Sequence[Object]
) -> str | None:
    if "value" in variable:
        return _text(variable["value"])
    if "valueFrom" not in variable:
        return ""
    for kind, field_name in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
        reference = at(variable, ("valueFrom", field_name))
        if isinstance(reference, dict):
            held = named(candidates, kind, text(reference, "name"), workload.namespace)
            key = text(reference, "key")
            if held is None or key not in held.files:
                return None
            return held.take_file(key)
    path = at(variable, ("valueFrom", "fieldRef", "fieldPath"))
    return _field(path, workload, pod_metadata) if isinstance(path, str) else None


def _field(path: str, workload: Object, pod_metadata: Table) -> str | None:
    """Return a field of the pod that the file shows: its namespace, labels and annotations."""
    if path == "metadata.namespace":
        return workload.namespace
    if path == "metadata.name" and workload.kind == "Pod":
        return workload.name
    match = re.fullmatch(r"metadata\.(labels|annotations)\['(.*)'\]", path)
    value = at(pod_metadata, (match[1], match[2])) if match else None
    return value if isinstance(value, str) else None


def _text(entry: Entry) -> str:
    value = entry.value
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (str, int, float)) else ""
