"""The nats-streaming-server executable that tests run.

``python -m tests.support.binary`` builds it if it is missing, and prints its path.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

from stanlocal.engine.artifacts.binary import NAME, host_platform
from stanlocal.engine.artifacts.go_build import build_with_go, kept_server

VERSION = "0.25.6"

_NAMED = os.environ.get("STANLOCAL_SERVER_BINARY")
"""Read on import: tests run in an environment without settings."""


def find_server() -> Path | None:
    """Return the named executable, else one on PATH, from `go install`, or built by stanlocal."""
    if _NAMED:
        return Path(_NAMED)
    if on_path := shutil.which(NAME):
        return Path(on_path)
    return next(
        (path for path in (_installed(), kept_server(VERSION, host_platform())) if path.is_file()), None
    )


def _installed() -> Path:
    go = shutil.which("go")
    if go is None:
        return Path.home() / "go" / "bin" / NAME
    gopath = subprocess.run([go, "env", "GOPATH"], capture_output=True, text=True, check=True).stdout
    return Path(gopath.strip()) / "bin" / NAME


def main() -> None:
    found = find_server() or asyncio.run(build_with_go(VERSION, host_platform(), _say))
    sys.stdout.write(f"{found}\n")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
