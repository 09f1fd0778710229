"""Kubernetes objects in YAML documents, and access to their parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from stanlocal.imports.walk import Path, items
from stanlocal.natsconf import Entry, Place, Table


@dataclass(slots=True)
class Object:
    """An object of the file."""

    kind: str
    name: str
    content: Table
    place: Place
    taken: list[Path] = field(default_factory=list)
    """Paths of the parts that were used."""

    @property
    def title(self) -> str:
        return f"{self.kind}/{self.name}"


def objects(documents: Sequence[Entry]) -> Iterator[Object]:
    """Yield the objects of the documents, those in lists (`kubectl get -o yaml`) included."""
    for document in documents:
        content = document.value
        if not isinstance(content, dict):
            continue
        if text(content, "kind").endswith("List"):
            yield from objects([item for _, item in listed(content, ("items",), document.place)])
        else:
            metadata = at(content, ("metadata", "name"))
            name = metadata if isinstance(metadata, str) else "?"
            yield Object(text(content, "kind") or "?", name, content, document.place)


def at(table: Table, path: Path) -> object:
    """Return the value at `path`; None when there is none."""
    value: object = table
    for step in path:
        if not isinstance(value, dict) or step not in value:
            return None
        value = value[step].value
    return value


def text(table: Table, name: str) -> str:
    """Return the string of this name; empty when there is none."""
    value = at(table, (name,))
    return value if isinstance(value, str) else ""


def strings(table: Table, name: str) -> list[str]:
    """Return the words of the list of this name, with numbers as words."""
    value = at(table, (name,))
    words = value if isinstance(value, list) else []
    return [str(word) for word in words if isinstance(word, (str, int, float))]


def listed(table: Table, path: Path, place: Place) -> list[tuple[str, Entry]]:
    """Return the items of the list at `path` as paths name them; none without a list."""
    value = at(table, path)
    return list(items(value, place)) if isinstance(value, list) else []


def data(config_map: Object) -> Table:
    """Return the data of a ConfigMap."""
    value = at(config_map.content, ("data",))
    return value if isinstance(value, dict) else {}
