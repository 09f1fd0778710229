"""Errors as exit codes and one line on standard error; no other module chooses exit codes."""

from __future__ import annotations

import re
import sys
import traceback
from typing import Any

import click

from stanlocal import errors
from stanlocal.cli import printing
from stanlocal.cli.context import Context
from stanlocal.cli.exit_codes import ENGINE, FAILED, INTERRUPTED, NOT_FOUND, USAGE
from stanlocal.cli.hangup import is_gone, leave_terminal
from stanlocal.stan.errors import InvalidName, InvalidOption
from stanlocal.util.durable_write import FULL, full

_EXIT_CODES: tuple[tuple[type[errors.StanlocalError], int], ...] = (
    (errors.SettingsError, USAGE),
    (errors.LoginError, USAGE),
    (errors.PortInUse, USAGE),
    (errors.NameConflict, USAGE),
    (errors.Refused, USAGE),
    (errors.Unsupported, USAGE),
    (errors.LedgerError, USAGE),
    (errors.OutputError, USAGE),
    (InvalidName, USAGE),
    (InvalidOption, USAGE),
    (errors.EngineError, ENGINE),
    (errors.GroupNotFound, NOT_FOUND),
    (errors.NodeNotFound, NOT_FOUND),
)
"""Exit codes by the first row that fits; `FAILED` for every other error."""


def end(error: Exception | KeyboardInterrupt, context: Context) -> int:
    """Print why a command ended with an error; return the exit code."""
    match error:
        case errors.StanlocalError():
            return show(error, context)
        case click.exceptions.Abort() | KeyboardInterrupt():
            printing.echo("interrupted", err=True)
            return INTERRUPTED
        case click.ClickException():
            return show_usage(error, context)
        case BrokenPipeError():  # the reader of a pipe has seen enough
            sys.stderr.close()
            return 0
        case OSError() if error.errno in FULL:
            return show(full(error.filename or "a file", error), context)
        case OSError() if is_gone(error):
            leave_terminal()  # it was closed while something was written to it
            return INTERRUPTED
        case _:
            return show_defect(error, context)


def exit_code(error: errors.StanlocalError) -> int:
    """Return the exit code for an error."""
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), FAILED)


def show(error: errors.StanlocalError, context: Context) -> int:
    """Print an error for people, and for scripts with `--json`; return the exit code."""
    if context.verbose:
        printing.page("".join(traceback.format_exception(error)), err=True)
    for line in getattr(error, "log_tail", ()):
        printing.echo(f"  {line}", err=True)
    if isinstance(error, errors.SettingsError):
        for problem in error.problems:
            printing.echo(f"error: {problem}", err=True)
    else:
        printing.echo(f"error: {error}", err=True)
    if context.json:
        printing.print_json({"error": document(error)})
    return exit_code(error)


def show_defect(error: BaseException, context: Context) -> int:
    """Print an unexpected error; return the exit code."""
    if context.verbose:
        printing.page("".join(traceback.format_exception(error)), err=True)
    message = errors.described(error)
    printing.echo(f"error: {message}; run it again with '-v' and report what it prints", err=True)
    if context.json:
        printing.print_json({"error": {"type": "defect", "message": message}})
    return FAILED


def document(error: errors.StanlocalError) -> dict[str, Any]:
    """Return an error for scripts: its type, its message and its attributes."""
    kind = re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower()
    carried = {name: value for name, value in vars(error).items() if not name.startswith("_")}  # no notes
    return {"type": kind.removesuffix("-error"), "message": str(error), **carried}


def show_usage(error: click.ClickException, context: Context) -> int:
    """Print a usage error; return the exit code."""
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "stanlocal"
    from stanlocal.cli.usage_text import usage_text

    message = usage_text(error)
    printing.echo(f"error: {message}; see '{command} --help'", err=True)
    if context.json:
        printing.print_json({"error": {"type": "usage", "message": message}})
    return error.exit_code
