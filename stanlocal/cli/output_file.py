"""Files that users name: `--output`, `--svg`, `--html`, `--junit`.

Only files that stanlocal wrote itself, and that nobody changed since, are replaced: each holds a mark, a line
of its own, with a checksum of the rest. Everything else needs `--force`. A file is written beside its place
and renamed, so that at any moment either the old one or the new one exists. Anything that is not a regular
file, such as /dev/stdout, is written to directly.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import click

from stanlocal.errors import OutputError

F = TypeVar("F", bound=Callable[..., Any])

_LARGEST = 64 << 20
_MARK = re.compile(
    r'^(?:# |<!-- |  "__written_by": ")written by stanlocal, checksum ([0-9a-f]{16})(?: -->|",)?\n',
    re.MULTILINE,
)

force_option: Callable[[F], F] = click.option(
    "--force", is_flag=True, help="Replace files that stanlocal did not write, or that were changed since."
)


def check(paths: Iterable[Path | None], *, force: bool) -> None:
    """Raise `OutputError` for the first file that must not, or cannot, be written; None is skipped."""
    for path in paths:
        if path is not None:
            _check(path, force=force)


def write(path: Path, text: str, *, force: bool) -> None:
    """Write a file with a mark; raises `OutputError`, with what was there in its place."""
    _check(path, force=force)
    _put(path, marked(text))


def merge_env(path: Path, values: Mapping[str, str]) -> None:
    """Set variables in a file of `NAME=value` lines; every other line stays as it is."""
    text = _content(path) or ""
    merged = text
    for name, value in values.items():
        line = f"{name}={value}"
        merged, replaced = re.subn(
            rf"^[ \t]*(?:export[ \t]+)?{re.escape(name)}[ \t]*=.*$", line, merged, flags=re.MULTILINE
        )
        if not replaced:
            merged += f"{'' if merged.endswith(chr(10)) or not merged else chr(10)}{line}\n"
    if merged != text:
        _put(path, merged)


def marked(text: str) -> str:
    """Return the text with its mark, as a comment of the language that it is in."""
    mark = f"written by stanlocal, checksum {_checksum(text)}"
    if text.startswith("<"):
        return f"{text}{'' if text.endswith(chr(10)) else chr(10)}<!-- {mark} -->\n"
    if text.startswith("{\n"):
        return text.replace("{\n", f'{{\n  "__written_by": "{mark}",\n', 1)
    return f"# {mark}\n{text}"


def is_unchanged(text: str) -> bool:
    """Whether `marked` made the text; a changed line end does not count."""
    found = _MARK.search(text)
    if found is None:
        return False
    rest = text[: found.start()] + text[found.end() :]
    return found[1] in (_checksum(rest), _checksum(rest.removesuffix("\n")))


def _checksum(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _check(path: Path, *, force: bool) -> None:
    kind = _kind(path)
    if kind == "other":
        return
    if not os.access(Path(os.path.realpath(path)).parent, os.W_OK):
        raise OutputError(f"{path} cannot be written: its folder is not there, or is not yours; name another")
    if force:
        return
    text = _content(path)
    if text is None and path.is_symlink():
        raise OutputError(f"{path} is a link to what is not there; name another file, or use --force")
    if text and not is_unchanged(text):
        raise OutputError(
            f"{path} is there and not as stanlocal wrote it; name another file, or replace it with --force"
        )


def _kind(path: Path) -> str | None:
    """`file`, `other` for what is written to as it is, None where nothing is."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return None
    return "file" if stat.S_ISREG(mode) else "other"


def _content(path: Path) -> str | None:
    """Return the file's text; None if it does not exist. A file too large to be stanlocal's is another's."""
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read(_LARGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _failed(path, error) from error


def _put(path: Path, text: str) -> None:
    data = text.encode("utf-8", "surrogateescape")
    try:
        if _kind(path) == "other":
            path.write_bytes(data)
            return
        target = Path(os.path.realpath(path))
        beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            with os.fdopen(descriptor, "wb") as file:
                if target.exists():
                    os.fchmod(descriptor, stat.S_IMODE(target.stat().st_mode))
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise _failed(path, error) from error


def _failed(path: Path, error: OSError) -> OutputError:
    reason = (error.strerror or str(error)).lower()
    return OutputError(f"{path} cannot be written: {reason}; name another")
