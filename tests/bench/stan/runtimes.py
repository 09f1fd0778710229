"""Other runtimes for stanlocal's client, measured beside its own: uvloop, and a newer Python.

Each has an environment in the user's cache folder, with the versions that requirements.lock pins.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from tests.support.cli import ROOT

UVLOOP = "uvloop==0.23.0"
NEWER = "3.13"


@dataclass(frozen=True, slots=True)
class Runtime:
    """A Python, and the event loop on it."""

    name: str
    python: Path
    uvloop: bool = False


OWN = Runtime("stanlocal", Path(sys.executable))


def install() -> list[Runtime]:
    """Set up what is missing; returns none for a Python that this machine lacks."""
    current = "{}.{}".format(*sys.version_info[:2])
    found = [Runtime("uvloop", _environment(f"{current}-uvloop", sys.executable, UVLOOP), uvloop=True)]
    if current != NEWER and (python := _found(NEWER)) is not None:
        found.append(Runtime(f"Python {NEWER}", _environment(NEWER, python)))
    return found


def _found(version: str) -> str | None:
    """Return a Python on PATH or of pyenv, which has some that are not on PATH."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for python in (f"python{version}", *map(str, pyenv.glob(f"versions/{version}.*/bin/python"))):
        done = _uv("python", "find", "--no-project", python)
        if done.returncode == 0:
            return done.stdout.strip()
    return None


def _environment(name: str, python: str, *packages: str) -> Path:
    folder = user_cache_path("stanlocal") / "bench" / f"python-{name}"
    own = folder / "bin" / "python"
    lock = ("--constraint", str(ROOT / "requirements.lock"))
    for words in (
        ("venv", "--quiet", "--allow-existing", "--python", python, str(folder)),
        ("pip", "install", "--quiet", "--python", str(own), *lock, "--editable", str(ROOT), *packages),
    ):
        done = _uv(*words)
        assert done.returncode == 0, f"uv {' '.join(words)}: {done.stderr}"
    return own


def _uv(*words: str) -> subprocess.CompletedProcess[str]:
    uv = Path(sys.executable).with_name("uv")
    return subprocess.run([str(uv), *words], capture_output=True, text=True, timeout=600, check=False)
