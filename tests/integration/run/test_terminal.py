"""`run` on a terminal: the command has it as if it had been started alone."""

from __future__ import annotations

from tests.integration.run.test_run import ONE_ENGINE, SIGNALS
from tests.support.own_runs import OwnRuns
from tests.support.pseudo_terminal import on_terminal

pytestmark = ONE_ENGINE

COUNTS = """
import signal, sys
count = 0
def note(number, frame):
    global count
    count += 1
    print("SIGINT", count, flush=True)
signal.signal(signal.SIGINT, note)
print("ready", *(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)), flush=True)
line = sys.stdin.readline().strip()
print(f"got {line}, SIGINT {count}", flush=True)
sys.exit(4)
"""
"""Counts what Ctrl-C sends, until a line is typed."""


def test_the_command_has_the_terminal_and_each_key_reaches_it_once(runs: OwnRuns) -> None:
    command = runs.cli.command("run", "--", *runs.python(COUNTS))
    with on_terminal(command, runs.cli.folder, runs.cli.environment()) as terminal:
        terminal.wait_for("ready True True True")
        terminal.press(b"\x03")
        terminal.wait_for("SIGINT 1")
        terminal.press(b"more\n")
        terminal.wait_for("got more, SIGINT 1")
        assert terminal.end() == 4
        terminal.wait_for("ended with exit code 4")


def test_a_closed_terminal_ends_the_command_and_the_group(runs: OwnRuns) -> None:
    command = runs.cli.command("run", "--", *runs.python(SIGNALS))
    with on_terminal(command, runs.cli.folder, runs.cli.environment()) as terminal:
        terminal.wait_for("ready True True True")
        terminal.hang_up()
        assert terminal.end() != 0
