"""Kubernetes objects out of YAML documents, and looking into them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from stanlocal.imports.walk import Path, items
from stanlocal.natsconf import Entry, Place, Table


@dataclass(slots=True)
class Object:
    """One object of the file."""

    kind: str
    name: str
    content: Table
    place: Place
    taken: list[Path] = field(default_factory=list)
    """Where what was used of it is."""

    @property
    def title(self) -> str:
        return f"{self.kind}/{self.name}"


def objects(documents: Sequence[Entry]) -> Iterator[Object]:
    """The objects of the documents, those in lists (`kubectl get -o yaml`) included."""
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
    """The value at `path`; None when there is none."""
    value: object = table
    for step in path:
        if not isinstance(value, dict) or step not in value:
            return None
        value = value[step].value
    return value


def text(table: Table, name: str) -> str:
    """The string of that name; empty when there is none."""
    value = at(table, (name,))
    return value if isinstance(value, str) else ""


def strings(table: Table, name: str) -> list[str]:
    """The words of the list of that name, numbers among them as words."""
    value = at(table, (name,))
    words = value if isinstance(value, list) else []
    return [str(word) for word in words if isinstance(word, (str, int, float))]


def listed(table: Table, path: Path, place: Place) -> list[tuple[str, Entry]]:
    """The items of the list at `path` as paths name them; none when there is no list."""
    value = at(table, path)
    return list(items(value, place)) if isinstance(value, list) else []


def data(config_map: Object) -> Table:
    """What a ConfigMap holds."""
    value = at(config_map.content, ("data",))
    return value if isinstance(value, dict) else {}
