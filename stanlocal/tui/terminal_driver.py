"""The terminal that the interface is drawn on, which may be closed while it is drawn on."""

from __future__ import annotations

import errno
from typing import IO, Any

from textual.drivers.linux_driver import LinuxDriver


class TerminalDriver(LinuxDriver):
    """Textual's driver, for which a closed terminal is one that shows nothing.

    Textual writes from a thread, which would end with the first write that fails; the event loop would then
    wait for ever for room in its queue, and never handle SIGHUP.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._file: Any = WhileOpen(self._file)


class WhileOpen:
    """A terminal's file; what is written after the terminal was closed is lost."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write text."""
        try:
            return self._file.write(text)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return len(text)

    def flush(self) -> None:
        """Write what is still kept."""
        try:
            self._file.flush()
        except OSError as error:
            if error.errno != errno.EIO:
                raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
