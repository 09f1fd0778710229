"""The real `nats` command, for tests that restore packs without stanlocal."""

from __future__ import annotations

from pathlib import Path

from stanlocal.engine.artifacts.binary import host_platform
from stanlocal.engine.artifacts.go_build import GoModule, build

NAME = "nats"
_MODULE = GoModule("natscli", "github.com/nats-io/natscli", "0.5.0", {NAME: NAME}, "servers/natscli")


async def build_natscli() -> Path:
    """Return the executable, built now unless the cache has it: a minute or three."""
    return (await build(_MODULE, host_platform(), lambda line: None))[NAME]
