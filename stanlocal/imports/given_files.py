"""The files that an import may read: those that were given, and those in their folders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from stat import S_ISDIR, S_ISREG

from stanlocal.errors import SettingsError
from stanlocal.imports.import_result import Found
from stanlocal.imports.templates import source_folder
from stanlocal.imports.yamltree import YamlText
from stanlocal.natsconf import ConfError, Place, Table, parse
from stanlocal.settings.text import read_text

_SECRET = re.compile(r"(\.\./)+run/secrets/[^/]+")
"""Path of a secret of the container, relative to its configuration."""
_MOST_FILES = 250
_LARGEST_FOLDER = 1 << 22
"""Number of characters of all files of a folder."""
_MOST_CHARACTERS = 1 << 20
"""Number of characters of all configurations that the servers read, each counted as often as it is read."""


@dataclass(frozen=True)
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

    @cached_property
    def yaml(self) -> YamlText:
        """The text as YAML, if it is."""
        return YamlText(self.text, self.name)

    def beside(self, path: str) -> Path | None:
        """Return the file at a path in this one's folder or below it, symbolic links resolved."""
        folder, wanted = _resolved(self.folder), None if "\0" in path else _resolved(self.folder / path)
        if folder is None or wanted is None or folder == Path(folder.anchor):
            return None
        return wanted if wanted.is_relative_to(folder) and S_ISREG(_mode(wanted)) else None


@dataclass
class GivenFiles:
    """The files of one import; files outside the folders of those that were given are never read."""

    given: Sequence[GivenFile]
    folders: Sequence[Path]
    """Folders that may be read."""
    used: set[str] = field(default_factory=set)
    """Names of the given files that another file led to."""
    _read: dict[Path, GivenFile] = field(default_factory=dict)
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

    def in_folder(self, folder: str, pattern: str) -> list[GivenFile]:
        """Return the files of a folder whose names fit; none of a folder that may not be read."""
        try:
            paths = sorted(Path(folder).glob(pattern))[:_MOST_FILES]
        except (OSError, ValueError, NotImplementedError):  # a pattern that is none
            return []
        return [file for path in paths if (file := self._file(path)) is not None]

    def _file(self, path: Path) -> GivenFile | None:
        real = _resolved(path)
        if real is None or not any(real.is_relative_to(folder) for folder in self.folders):
            return None
        if path not in self._read:
            if not S_ISREG(_mode(real)) or len(self._read) >= _MOST_FILES:
                return None
            self._read[path] = GivenFile(str(path), read_text(real), path.parent, path)
        return self._read[path]

    def configuration(
        self,
        file: GivenFile,
        environ: Mapping[str, str],
        found: Found,
        outside: Callable[[str], GivenFile | None] = lambda path: None,
    ) -> Table:
        """Parse a stan.conf with what it includes; empty after a problem, which is noted.

        `outside` returns a file that the configuration includes from outside its folder. A secret of the
        container that is not there is empty: the variables that it sets are then asked for.
        """
        self._characters += len(file.text)
        if self._characters > _MOST_CHARACTERS:
            found.problem(file.start, f"the configurations have more than {_MOST_CHARACTERS} characters")
            return {}
        if file.text.startswith("\ufeff"):
            why = "the server takes it for a part of the first name; save the file without it"
            found.problem(file.start, f"the file begins with a byte order mark: {why}")
            return {}
        try:
            return parse(
                "\n" * (file.first_line - 1) + file.text,
                file.name,
                environ=environ,
                read_include=lambda name: self._included(file, name, outside),
                may_lead_out=lambda path: outside(path) is not None or bool(_SECRET.fullmatch(path)),
                missing_ok=True,
                said=lambda place, line: found.changed(place, "an option", line),
            )
        except ConfError as error:
            found.problems.append(str(error))
            return {}

    def _included(self, file: GivenFile, name: str, outside: Callable[[str], GivenFile | None]) -> str:
        """Read a file in the main one's folder, or below it, symbolic links resolved, or one of `outside`."""
        if name.startswith(".."):
            elsewhere = outside(name)
            return "" if elsewhere is None else elsewhere.text
        folder = file.folder.resolve()
        wanted = (folder / name).resolve()
        if not wanted.is_relative_to(folder):
            raise ValueError("it is outside the configuration's folder")
        self.used.update(each.name for each in self.given if each.path and _resolved(each.path) == wanted)
        try:
            return read_text(wanted)
        except SettingsError as error:
            raise ValueError(str(error)) from error


def _resolved(path: Path) -> Path | None:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a circle of symbolic links
        return None


def _mode(path: Path) -> int:
    """Return the kind and the permissions of what is at a path; 0 if that cannot be told."""
    try:
        return path.stat().st_mode
    except OSError:  # also a name that is too long
        return 0


def collect(sources: Sequence[Path], standard_input: Callable[[], str]) -> GivenFiles:
    """Read the files: each of `sources` is a file, a folder, or `-` for standard input.

    Of a folder all files count that are text, not hidden, and not larger than a file may be.
    Raises `SettingsError` for what cannot be read.
    """
    given: list[GivenFile] = []
    folders: list[Path] = []
    for source in sources:
        if str(source) == "-":
            given.append(GivenFile("standard input", standard_input(), Path()))
            folders.append(Path())
        elif S_ISDIR(_mode(source)):
            given += _in_folder(source)
            folders.append(source)
        else:
            given.append(GivenFile(str(source), read_text(source), source.parent, source))
            folders.append(source.parent)
    real = (folder.resolve() for folder in folders)
    return GivenFiles(given, [folder for folder in real if folder != Path(folder.anchor)])


def _in_folder(folder: Path) -> Iterator[GivenFile]:
    """Yield the files of a folder and of its units' drop-in folders."""
    paths = [*folder.iterdir(), *folder.glob("*.service.d/*.conf")]
    if why := source_folder(path.name for path in paths):
        raise SettingsError([f"{folder}: {why}"])
    left = _LARGEST_FOLDER
    count = 0
    for path in sorted(path for path in paths if path.is_file() and not path.name.startswith(".")):
        try:
            text = read_text(path)
        except SettingsError:
            continue  # no text, or no configuration by its size
        count += 1
        left -= len(text)
        if left < 0 or count > _MOST_FILES:
            limits = f"{_MOST_FILES} files or {_LARGEST_FOLDER} characters"
            raise SettingsError([f"{folder}: has more than {limits}; name the files that count"])
        yield GivenFile(str(path), text, path.parent, path)
    if not count:
        raise SettingsError([f"{folder}: has no text file"])
