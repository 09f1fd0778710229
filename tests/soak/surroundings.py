"""Surroundings of a trial: the commit, the versions, the machine and its load."""

from __future__ import annotations

import os
import platform
import subprocess
from contextlib import closing
from functools import cache

import stanlocal
from stanlocal.engine.docker import endpoint
from stanlocal.errors import EngineUnavailable
from tests.bench.page import hardware
from tests.soak.trial_log import Surroundings
from tests.support.binary import VERSION
from tests.support.cli import ROOT


def now() -> Surroundings:
    """Return them as they are now."""
    return Surroundings(_code(), _versions(), _machine(), round(os.getloadavg()[0], 1))


@cache
def _code() -> str:
    """Return the commit that this process loads the tool from, as it was at the first call."""
    commit = _git("rev-parse", "--short=10", "HEAD") or "an unknown commit"
    return f"{commit} with changes" if _git("status", "--porcelain", "--", "stanlocal") else commit


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()  # nothing in a tree that is no repository


@cache
def _versions() -> str:
    python = platform.python_version()
    return f"stanlocal {stanlocal.__version__}, nats-streaming-server {VERSION}, Python {python}, {_docker()}"


def _docker() -> str:
    try:
        with closing(endpoint.connect()) as client:
            return f"Docker Engine {client.version()['Version']}"
    except EngineUnavailable:
        return "no Docker Engine"


@cache
def _machine() -> str:
    return f"{hardware()}, {platform.system()} {platform.release()}"
