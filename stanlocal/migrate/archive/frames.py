"""Snappy's framing format, in which an archive is compressed; the server's S2 reader reads it too."""

from __future__ import annotations

from typing import IO

from cramjam import snappy

_PIECE = 1 << 20


class Frames:
    """Compresses what is written into frames; several in one file may follow each other."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._compressor = snappy.Compressor()
        self._held = 0

    def write(self, data: bytes) -> None:
        self._compressor.compress(data)
        self._held += len(data)
        if self._held >= _PIECE:
            self._flush()

    def close(self) -> None:
        """Write what is held; the file stays open."""
        self._flush()

    def _flush(self) -> None:
        self._file.write(bytes(self._compressor.flush()))
        self._held = 0
