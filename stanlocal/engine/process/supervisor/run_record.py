"""The record of one run of a server, as its supervisor writes it: a file of lines `name value`."""

from __future__ import annotations

import os

from stanlocal.machine.process_identity import birth_of

RUN = "run"


class RunRecord:
    """Replaced as a whole each time."""

    def __init__(self, number: int) -> None:
        self._facts: dict[str, object] = {"number": number, "supervisor": identity(os.getpid())}
        self.problem: str | None = None
        """Why the file does not say yet what is known."""

    def note(self, **facts: object) -> None:
        """Adds what is known now; what is None is known no more."""
        self._facts.update(facts)
        self.write()

    def write(self) -> None:
        """Brings the file up to date, if the disk allows."""
        known = {name: value for name, value in self._facts.items() if value is not None}
        text = "".join(f"{name} {value}\n" for name, value in known.items())
        try:
            with open(f".{RUN}", "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
            os.replace(f".{RUN}", RUN)
        except OSError as error:
            self.problem = f"cannot write the record of the run: {error.strerror}"
        else:
            self.problem = None


def identity(pid: int) -> str:
    return f"{pid} {birth_of(pid)}"


def last_number() -> int:
    """Of the run before this one; 0 when there was none."""
    try:
        with open(RUN, encoding="utf-8") as file:
            return int(file.readline().split()[1])
    except FileNotFoundError:
        return 0
