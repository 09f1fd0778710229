"""Notes to the user where no caller takes them."""

from __future__ import annotations


def log_note(line: str) -> None:
    """Log a note; loads `logging` only then."""
    import logging

    logging.getLogger("stanlocal").warning("%s", line)
