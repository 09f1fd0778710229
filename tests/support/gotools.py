"""stan.go's example programs, which no one here wrote: built once, kept in the user's cache folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from stanlocal.machine.user_dirs import cache_folder

VERSION = "v0.10.4"
"""The last release of stan.go."""


def find_tool(name: str) -> Path | None:
    """`stan-pub`, `stan-sub`: one on PATH or kept, else built; None where there is no Go."""
    if on_path := shutil.which(name):
        return Path(on_path)
    folder = cache_folder() / "stan.go" / VERSION
    kept = folder / name
    go = shutil.which("go")
    if not kept.exists() and go is not None:
        module = f"github.com/nats-io/stan.go/examples/{name}@{VERSION}"
        environment = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0"}
        subprocess.run([go, "install", module], env=environment, check=True, capture_output=True, timeout=300)
    return kept if kept.exists() else None
