"""Resources that install the nats/stan chart in a cluster, with its values inside them."""

from __future__ import annotations

from collections.abc import Sequence

from stanlocal.errors import SettingsError
from stanlocal.imports import helm
from stanlocal.imports.import_result import Found
from stanlocal.imports.objects import Object, at
from stanlocal.imports.walk import Path
from stanlocal.imports.yamltree import YamlText, YamlTree
from stanlocal.natsconf import Entry, Table

_VALUES: tuple[Path, ...] = (
    ("spec", "values"),
    ("spec", "valuesContent"),
    ("spec", "source", "helm", "valuesObject"),
    ("spec", "source", "helm", "values"),
)
"""Where a HelmRelease of Flux, a HelmChart of k3s and an Application of Argo CD have values."""
_NAMES: tuple[Path, ...] = (
    ("spec", "releaseName"),
    ("spec", "source", "helm", "releaseName"),
    ("metadata", "name"),
)


def read(given: Sequence[Object], found: Found) -> bool:
    """Put the settings of the first such resource into `found`; return whether there is one."""
    texts = _Texts()
    for each in given:
        for path in _VALUES:
            values = _table(each, path, texts)
            charts = [] if values is None else helm.values_in(values)
            if values is not None and charts:
                name = next(
                    (name for place in _NAMES if isinstance(name := at(each.content, place), str)), ""
                )
                each.taken += [path, ("metadata", "name")]
                helm.read(values, charts, each.place, found, release=name)
                return True
    return False


class _Texts:
    """Reads values that are texts, which may not come to more than one file's together."""

    def __init__(self) -> None:
        self._before: YamlTree | None = None

    def table(self, text: str, each: Object) -> Table | None:
        """Return the values in a text; None if it has none."""
        tree = self._before = YamlTree(YamlText(text, each.place.file), self._before)
        try:
            documents = list(tree.documents())
        except SettingsError:
            return None
        value = documents[0].value if documents else None
        return _at_place(value, each) if isinstance(value, dict) else None


def _table(each: Object, path: Path, texts: _Texts) -> Table | None:
    value = at(each.content, path)
    if isinstance(value, str):
        return texts.table(value, each)
    return value if isinstance(value, dict) else None


def _at_place(table: Table, each: Object) -> Table:
    """Return the table with the object's place in the file for all of it: those of the text are its own."""
    return {
        name: Entry(
            _at_place(entry.value, each) if isinstance(entry.value, dict) else entry.value,
            each.place,
        )
        for name, entry in table.items()
    }
