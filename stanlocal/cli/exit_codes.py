"""Exit codes of commands. Which error ends a command with which code is decided in `stanlocal.cli.errors`."""

from __future__ import annotations

FAILED, USAGE, ENGINE, NOT_FOUND, BAD_VERDICT, INTERRUPTED = 1, 2, 3, 4, 5, 130
