"""The files that an import may read: those that were given, and those in their folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from stanlocal.errors import SettingsError
from stanlocal.imports.import_result import Found
from stanlocal.natsconf import ConfError, Place, Table, parse
from stanlocal.settings.text import read_text

_MOST_FILES = 250
_MOST_CHARACTERS = 1 << 20
"""Number of characters of all configurations that the servers read, each counted as often as it is read."""


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file that is imported, or that one of those names."""

    name: str
    """Name in messages: as it was given, or within the folder of the file that names it."""
    text: str
    folder: Path
    """Folder that its relative paths start from."""
    path: Path | None = None
    """None for text that is in no file: standard input, or a file that a script writes."""
    first_line: int = 1
    """Line of the file that its text begins on, where it is a part of another."""

    @property
    def start(self) -> Place:
        return Place(self.name, self.first_line, 1)


@dataclass
class GivenFiles:
    """The files of one import; files outside the folders of those that were given are never read."""

    given: Sequence[GivenFile]
    folders: Sequence[Path]
    """Folders that may be read."""
    used: set[str] = field(default_factory=set)
    """Names of the given files that another file led to."""
    _read: int = 0
    _characters: int = 0

    def find(self, wanted: str, beside: GivenFile) -> GivenFile | None:
        """Return the file that `beside` names `wanted`; None when it is in no folder that may be read.

        A server's path is of another machine: so a file of the same name that was given, or is in the same
        folder, is taken for it.
        """
        name = PurePosixPath(wanted).name
        if not name or "\0" in wanted:
            return None
        exact = _resolved(beside.folder / wanted)
        others = [each for each in self.given if each is not beside and each.path is not None]
        for each in (
            *(each for each in others if each.path is not None and _resolved(each.path) == exact),
            *(each for each in others if each.path is not None and each.path.name == name),
        ):
            self.used.add(each.name)
            return each
        for path in (beside.folder / wanted, beside.folder / name):
            if (found := self._file(path)) is not None:
                return found
        return None

    def _file(self, path: Path) -> GivenFile | None:
        real = _resolved(path)
        if real is None or not any(real.is_relative_to(folder) for folder in self.folders):
            return None
        if not real.is_file() or self._read >= _MOST_FILES:
            return None
        self._read += 1
        return GivenFile(str(path), read_text(real), path.parent, path)

    def configuration(self, file: GivenFile, environ: Mapping[str, str], found: Found) -> Table:
        """Parse a stan.conf with what it includes; empty after a problem, which is noted."""
        self._characters += len(file.text)
        if self._characters > _MOST_CHARACTERS:
            found.problem(file.start, f"the configurations have more than {_MOST_CHARACTERS} characters")
            return {}
        try:
            return parse(
                "\n" * (file.first_line - 1) + file.text,
                file.name,
                environ=environ,
                read_include=lambda name: included(file.folder, name),
                missing_ok=True,
                said=lambda place, line: found.changed(place, "an option", line),
            )
        except ConfError as error:
            found.problems.append(str(error))
            return {}


def _resolved(path: Path) -> Path | None:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a circle of symbolic links
        return None


def included(folder: Path, name: str) -> str:
    """Read a file in the main one's folder, or below it, symbolic links resolved."""
    folder = folder.resolve()
    wanted = (folder / name).resolve()
    if not wanted.is_relative_to(folder):
        raise ValueError("it is outside the configuration's folder")
    try:
        return read_text(wanted)
    except SettingsError as error:
        raise ValueError(str(error)) from error
