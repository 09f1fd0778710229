"""The record of one run of a server, as its supervisor writes it: a file of lines `name value`."""

from __future__ import annotations

import os
from contextlib import suppress

from stanlocal.machine.process_identity import birth_of

RUN = "run"
_SPARE = f".{RUN}.spare"
_SPARE_BYTES = 4096


class RunRecord:
    """The record of a run: each write replaces the file, on a full disk with an allocated spare."""

    def __init__(self, number: int) -> None:
        self._facts: dict[str, object] = {"number": number, "supervisor": identity(os.getpid())}
        self.problem: str | None = None
        """Reason why the file is out of date; None if it is current."""

    def note(self, **facts: object) -> None:
        """Update facts and write the file; None removes a fact."""
        self._facts.update(facts)
        self.write()

    def write(self) -> None:
        """Write the file; sets `problem` if the disk does not allow it."""
        known = {name: value for name, value in self._facts.items() if value is not None}
        text = "".join(f"{name} {value}\n" for name, value in known.items())
        content = text.encode("utf-8", "replace")
        try:
            try:
                _fill(f".{RUN}", content)
                os.replace(f".{RUN}", RUN)
            except OSError:
                _fill(_SPARE, content)
                os.replace(_SPARE, RUN)
        except OSError as error:
            self.problem = f"cannot write the record of the run: {error.strerror}"
        else:
            self.problem = None
        self._set_aside()

    def _set_aside(self) -> None:
        """Make the spare file, as large as a record becomes, unless the disk is full."""
        with suppress(OSError):
            if not os.path.exists(_SPARE) or os.path.getsize(_SPARE) < _SPARE_BYTES:
                _fill(_SPARE, b" " * _SPARE_BYTES)


def _fill(path: str, content: bytes) -> None:
    """Overwrite the file in place, so that none of its blocks is freed before."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        left = content
        while left:
            left = left[os.write(descriptor, left) :]
        os.ftruncate(descriptor, len(content))
    except OSError:
        if path != _SPARE:
            os.unlink(path)
        raise
    finally:
        os.close(descriptor)


def identity(pid: int) -> str:
    return f"{pid} {birth_of(pid)}"


def last_number() -> int:
    """Return the number of the previous run; 0 if there was none."""
    try:
        with open(RUN, encoding="utf-8") as file:
            return int(file.readline().split()[1])
    except FileNotFoundError:
        return 0
