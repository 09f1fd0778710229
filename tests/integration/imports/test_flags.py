"""The list of flags and their syntax, against the server itself."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from stanlocal.imports.server_flags import FLAGS
from tests.support.server_flags import ACCEPTED, EVERY_FLAG, REFUSED

_NOWHERE = ("-st", "memory", "-ft_group", "g", "-addr=192.0.2.1")
"""Arguments with which the server begins to start, and ends at once: the address is no machine's own."""


def output(binary: Path, folder: Path, *arguments: str) -> str:
    """The server's lines; it has begun to start once it says so."""
    command = [str(binary), *arguments]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=20, env={"HOME": str(folder)}
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("arguments", ACCEPTED)
def test_the_server_starts_with_what_is_read(server_binary: Path, tmp_path: Path, arguments: str) -> None:
    words = [*_NOWHERE, "-store=memory", *shlex.split(arguments)]
    assert "Starting nats-streaming-server" in output(server_binary, tmp_path, *words)


@pytest.mark.parametrize("arguments", REFUSED)
def test_the_server_refuses_what_is_refused(server_binary: Path, tmp_path: Path, arguments: str) -> None:
    assert "Starting nats-streaming-server" not in output(
        server_binary, tmp_path, *_NOWHERE, *shlex.split(arguments)
    )


def test_the_server_declares_every_flag_with_its_type(server_binary: Path, tmp_path: Path) -> None:
    said = output(server_binary, tmp_path, *shlex.split(EVERY_FLAG), "-h")
    assert said.startswith("\nUsage: nats-streaming-server [options]")


def test_every_flag_of_the_servers_help_is_known(server_binary: Path, tmp_path: Path) -> None:
    named = re.findall(
        r"(?<=[ ,])--?(\w+)(?=[ ,=]|$)", output(server_binary, tmp_path, "--help"), re.MULTILINE
    )
    assert len(named) > 100
    assert set(named) - set(FLAGS) == set()
