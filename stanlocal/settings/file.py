"""The layer of a stanlocal.toml: found from a folder upward, or named."""

from __future__ import annotations

import re
from pathlib import Path

from stanlocal.errors import SettingsError
from stanlocal.settings.layer import Layer
from stanlocal.settings.text import read_text

FILE_NAME = "stanlocal.toml"
_POSITION = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)")


def find_file(start: Path) -> Path | None:
    """The nearest stanlocal.toml in `start` or a folder above it."""
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def file_layer(path: Path, home: Path | None, *, named: bool) -> Layer:
    """The file's layer; it may make something run only when it was `named`.

    Raises `SettingsError` for a file that cannot be read or does not parse, with line and column.
    """
    import tomllib

    text = read_text(path)
    try:
        values = tomllib.loads(text)
    except RecursionError:
        raise SettingsError([f"{path}: its values are nested too deeply"]) from None
    except ValueError as error:  # tomllib.TOMLDecodeError, and int() refusing an endless number
        raise SettingsError([_where(path, text, str(error))]) from error
    return Layer("file", values, base=path.parent, home=home, file=path, may_execute=named)


def _where(path: Path, text: str, message: str) -> str:
    """`path:line:column: what`, from the words that tomllib puts its position in."""
    match = _POSITION.fullmatch(message)
    if match is None:
        return f"{path}: {message}"
    lines = text.split("\n")
    line, column = match["line"] or len(lines), match["column"] or len(lines[-1]) + 1
    return f"{path}:{line}:{column}: {match['what'][0].lower()}{match['what'][1:]}"
