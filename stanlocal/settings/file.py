"""The layer of a stanlocal.toml: found from a folder upward, or named."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from stanlocal.errors import SettingsError
from stanlocal.settings.layer import Layer
from stanlocal.settings.text import read_text
from stanlocal.util.integers import INT64_MAX

FILE_NAME = "stanlocal.toml"
_LARGEST = 1 << 17
"""Bytes of the largest file that is read; tomllib takes a second for 500 KB of numbers."""
_VALUES = 10_000
_DEPTH = 64
_DOTS = 2_000
"""Largest number of dots in a line: tomllib's time grows with the square of a key's dots."""
_POSITION = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)")


def find_file(start: Path) -> Path | None:
    """Return the nearest stanlocal.toml in `start` or a folder above it."""
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def trusted_owners(environ: Mapping[str, str], euid: int) -> frozenset[int]:
    """Return the owners whose files count when found, by Git's rule for repositories (safe.directory).

    They are the caller; for root under sudo also the user who ran sudo. Root's files do not count for
    others: files that a container leaves in a shared folder often belong to root.
    """
    sudo = environ.get("SUDO_UID", "")
    return frozenset({euid, int(sudo)} if euid == 0 and sudo.isascii() and sudo.isdecimal() else {euid})


def check_owner(path: Path, owners: Container[int]) -> None:
    """Raise `SettingsError` unless the file, and the link to it if it is one, belong to one of `owners`."""
    try:
        found = (path.lstat().st_uid, path.stat().st_uid)
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {(error.strerror or str(error)).lower()}"]) from error
    for uid in found:
        if uid not in owners:
            raise SettingsError(
                [
                    f"{path} was found and belongs to another user (uid {uid}); name it with --config if it "
                    f"is to count, or put a {FILE_NAME} of your own into the working directory"
                ]
            )


def file_layer(path: Path, home: Path | None, *, named: bool) -> Layer:
    """Return the file's layer; options that run something or reach elsewhere need a `named` file.

    Raises `SettingsError` for a file that cannot be read or does not parse, with line and column.
    """
    import tomllib

    text = read_text(path, _LARGEST)
    _check_keys(path, text)
    try:
        values = tomllib.loads(text)
    except RecursionError:
        raise SettingsError([f"{path}: its values are nested too deeply"]) from None
    except ValueError as error:  # tomllib.TOMLDecodeError, or int() refusing too many digits
        raise SettingsError([f"{_where(path, text, str(error))}; correct it there"]) from error
    _check_size(path, values)
    return Layer("file", values, base=path.parent, home=home, file=path, may_execute=named, found=not named)


def _check_keys(path: Path, text: str) -> None:
    """Refuse keys with too many parts to be read in reasonable time."""
    left = _DOTS**2
    for number, line in enumerate(text.split("\n"), 1):
        left -= line.count(".") ** 2
        if left < 0:
            raise SettingsError(
                [f"{path}:{number}: there are too many dots in a line; write long lists over several lines"]
            )


def _check_size(path: Path, values: object) -> None:
    """Refuse more values, a deeper nesting, or larger numbers, than any real file has."""
    level, count = [values], 0
    for _ in range(_DEPTH):
        count += len(level)
        if count > _VALUES:
            raise SettingsError([f"{path}: there are more than {_VALUES} values"])
        if any(isinstance(value, int) and abs(value) > INT64_MAX for value in level):
            raise SettingsError([f"{path}: a number in it is larger than {INT64_MAX}"])
        level = [item for value in level for item in _items(value)]
        if not level:
            return
    raise SettingsError([f"{path}: its values are nested too deeply"])


def _items(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _where(path: Path, text: str, message: str) -> str:
    """Return `path:line:column: what` from tomllib's message."""
    match = _POSITION.fullmatch(message)
    if match is None:
        return f"{path}: {message}"
    lines = text.split("\n")
    line, column = match["line"] or len(lines), match["column"] or len(lines[-1]) + 1
    return f"{path}:{line}:{column}: {match['what'][0].lower()}{match['what'][1:]}"
