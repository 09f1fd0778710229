"""Commands whose terminal is closed: they end as by SIGTERM, with what they clean up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.cli import ROOT
from tests.support.pseudo_terminal import on_terminal

_RUN = """
import asyncio, os, pathlib, signal, sys
from stanlocal.cli import app

async def work():
    print("ready", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        print("cleaning up", flush=True)
        os.kill(os.getpid(), signal.SIGHUP)  # shell and kernel send one each
        await asyncio.sleep(0.01)
        pathlib.Path("cleaned").touch()
"""
_AS_COMMAND = f"{_RUN}\nfrom stanlocal.cli.aio import run\n"
_MAIN = """
import click

@click.command()
def command():
    {body}

app.app = command
sys.exit(app.run([]))
"""
ENDS = {
    "run": "run(work())",
    "run_until_signal": "from stanlocal.cli.until_signal import run_until_signal\n"
    "    return asyncio.run(run_until_signal(work()))",
}
CODES = {"run": 130, "run_until_signal": 129}


def program(body: str) -> Sequence[str]:
    return [sys.executable, "-c", _AS_COMMAND + _MAIN.format(body=body)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("how", ENDS)
def test_a_closed_terminal_ends_a_command_after_its_clean_up(tmp_path: Path, how: str) -> None:
    with on_terminal(program(ENDS[how]), tmp_path, environment()) as terminal:
        terminal.wait_for("ready\r\n")
        terminal.hang_up()
        assert terminal.end() == CODES[how]
    assert (tmp_path / "cleaned").exists()


@pytest.mark.parametrize("how", ENDS)
def test_a_hangup_signal_ends_a_command_without_a_terminal(tmp_path: Path, how: str) -> None:
    with subprocess.Popen(
        program(ENDS[how]), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGHUP)
        assert process.stdout.readline() == "cleaning up\n", "a pipe is still read"
        assert process.wait(30) == CODES[how]
    assert (tmp_path / "cleaned").exists()


def test_a_command_under_nohup_goes_on(tmp_path: Path) -> None:
    body = 'os.kill(os.getpid(), signal.SIGHUP); print("alive")'
    ignoring = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"]
    script = f"async def work():\n    {body}\n"
    command = [sys.executable, "-c", f"{_AS_COMMAND}\n{script}\nrun(work())"]
    done = subprocess.run(
        [*ignoring, *command], cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


def test_a_command_that_writes_when_its_terminal_is_closed_is_interrupted(tmp_path: Path) -> None:
    body = """async def busy():
        while True:
            print("ready", flush=True)  # it fails before the signal can be handled

    run(busy())"""
    with on_terminal(program(body), tmp_path, environment()) as terminal:
        terminal.wait_for("ready\r\n")
        terminal.hang_up()
        assert terminal.end() == 130
