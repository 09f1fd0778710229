"""Reading of a deployment's files: `read` returns their settings, and what was left out or changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stanlocal.errors import SettingsError
from stanlocal.imports.conf import fill_defaults
from stanlocal.imports.given_files import collect
from stanlocal.imports.import_result import Finding, Found, Need
from stanlocal.imports.shapes import read_all
from stanlocal.settings import Settings
from stanlocal.settings.layer import Layer, dotted

__all__ = ["Finding", "Import", "read"]


@dataclass(frozen=True, slots=True)
class Import:
    """The result of importing a file."""

    layer: Layer
    """The file's settings, each with its place in the file."""
    findings: tuple[Finding, ...]
    """Everything left out or changed in the local group, in the order of the files."""
    shapes: Mapping[str, str]
    """Shape of each file, by its name."""
    needs: tuple[Need, ...] = ()
    """Settings that have to come from elsewhere: secrets, and files of another machine."""

    def unmet(self, settings: Settings) -> list[str]:
        """Return a line for each setting that the deployment has and nothing gives.

        A secured group makes its certificates itself. What an undefined variable hides is always unmet, as
        an existing group may have an older value.
        """
        return [
            each.problem
            for each in self.needs
            if each.undefined
            or (dotted(each.key) not in settings.sources and not (settings.secure and each.is_certificate))
        ]


def read(
    sources: Path | Sequence[Path],
    environ: Mapping[str, str],
    *,
    file_store: bool = False,
    standard_input: Callable[[], str] = lambda: "",
) -> Import:
    """Import the settings of a deployment, in one or several files.

    Each of `sources` is a file, a folder, or `-` for standard input; `environ` has the variables that they
    may refer to. With `file_store` a deployment over another kind of store, or in memory, gets a file store.

    The content of a file shows its shape. Raises `SettingsError` with every problem, each with line and
    column where known.
    """
    files = collect([sources] if isinstance(sources, Path) else sources, standard_input)
    found = Found(file_store=file_store)
    first = files.given[0]
    shapes = read_all(files, environ, found)
    if found.problems:
        raise SettingsError(list(dict.fromkeys(found.problems)))
    places = {dotted(key): str(place) for key, place in found.places.items()}
    fill_defaults(found, first.start)
    places = dict.fromkeys(map(dotted, found.places), f"the server's default, for {first.name}") | places
    layer = Layer(
        "import", found.values, base=first.folder, file=Path(first.name), may_execute=False, places=places
    )
    order = {file.name: number for number, file in enumerate(files.given)}
    findings = sorted(
        found.findings,
        key=lambda each: (order.get(each.place.file, len(order)), each.place.line, each.place.column),
    )
    read_as = {name: shape.name for name, shape in shapes.items()}
    return Import(layer, tuple(findings), read_as, tuple(found.needs))
