"""Writes to a terminal that was closed."""

from __future__ import annotations

import errno
import io
import os

import pytest

from stanlocal.tui.terminal import WhileOpen


class Failing(io.StringIO):
    """A file each write of which fails with that error."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._error = OSError(number, os.strerror(number))

    def write(self, text: str) -> int:
        raise self._error

    def flush(self) -> None:
        raise self._error


def test_write_to_a_closed_terminal_is_discarded() -> None:
    file = WhileOpen(Failing(errno.EIO))
    assert file.write("drawn") == len("drawn")
    file.flush()


def test_write_raises_any_other_error() -> None:
    file = WhileOpen(Failing(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left"):
        file.write("drawn")
    with pytest.raises(OSError, match="No space left"):
        file.flush()


def test_write_reaches_an_open_terminal() -> None:
    terminal = io.StringIO()
    file = WhileOpen(terminal)
    file.write("drawn")
    assert terminal.getvalue() == "drawn"
    assert not file.isatty(), "all else is the file's own"
