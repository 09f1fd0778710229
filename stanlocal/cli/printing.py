"""Printing to standard output and standard error; no other module does.

On a terminal, characters that are not printable are escaped: names, payloads and logs come from elsewhere,
and a terminal obeys control characters. Styles are added after that. Into a pipe or a file everything is
written as it is, without styles.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

import click

from stanlocal.util.printable import printable
from stanlocal.util.styled import Part, Styled

if TYPE_CHECKING:
    from rich.console import Console

_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e]")


def is_terminal(*, err: bool = False) -> bool:
    """Whether standard output (or, with `err`, standard error) is a terminal."""
    return _stream(err).isatty()


def echo(*parts: Part, err: bool = False) -> None:
    """Print one line, the parts one after the other; a line feed in them is escaped on a terminal."""
    _write(_stream(err), [*(_shown(part, _stream(err)) for part in parts), "\n"])


def page(text: str, *, err: bool = False) -> None:
    """Print a text of many lines; no line feed is added at its end."""
    stream = _stream(err)
    _write(stream, [printable(text, keep="\n\t") if stream.isatty() else text])


def print_json(document: Mapping[str, Any], *, indent: int | None = None) -> None:
    """Print a JSON document; on a terminal its strings are escaped as JSON does, the data stays the same."""
    import json

    json_page(json.dumps(document, indent=indent, ensure_ascii=False) + "\n")


def json_page(text: str) -> None:
    """Print JSON that is text already, or a piece of it, as `print_json` does."""
    if sys.stdout.isatty() or not _is_encodable(text, sys.stdout):
        text = _NOT_PRINTABLE.sub(_in_json, text)
    _write(sys.stdout, [text])


def confirm(question: str) -> bool:
    """Ask a person on standard error."""
    return click.confirm(printable(question), err=True)


def clear() -> None:
    """Clear the terminal; write nothing into a pipe."""
    if sys.stdout.isatty():
        click.clear()


def people_console() -> Console:
    """Return a console on standard error for spinners and bars; foreign text must be `printable`."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def painted(text: str, style: str) -> str:
    """Return the text with the terminal codes of a style in rich's terms."""
    words, _, ground = style.partition("on ")
    colour = [word for word in words.split() if word not in ("bold", "dim")]
    return click.style(
        text,
        fg=colour[0] if colour else None,
        bg=ground or None,
        bold="bold" in words or None,
        dim="dim" in words or None,
    )


def _stream(err: bool) -> TextIO:
    return sys.stderr if err else sys.stdout


def _shown(part: Part, stream: TextIO) -> str:
    text = str(part)
    if not stream.isatty():
        return text
    text = printable(text)
    plain = not isinstance(part, Styled) or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain or not isinstance(part, Styled) else painted(text, part.style)


def _write(stream: TextIO, texts: list[str]) -> None:
    text = "".join(texts)
    if not _is_encodable(text, stream):  # half of a surrogate pair, or a terminal that knows few characters
        encoding = stream.encoding or "utf-8"
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    stream.write(text)
    stream.flush()


def _is_encodable(text: str, stream: TextIO) -> bool:
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _in_json(found: re.Match[str]) -> str:
    character = found[0]
    if character == "\n" or (character.isprintable() and _is_encodable(character, sys.stdout)):
        return character
    import json

    return json.dumps(character)[1:-1]
