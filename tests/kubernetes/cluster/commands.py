"""Commands that are run to their end, and waiting for what no event tells."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence

from tests.kubernetes.cluster.errors import ClusterError
from tests.kubernetes.cluster.layout import ROOT

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C", "HOME": str(ROOT)}
"""Environment of all that runs for the cluster: the caller's may name a proxy, or another cluster. What it
keeps in a home goes away with the cluster."""

_TIMEOUT_S = 120.0
_POLL_S = 0.05


def run(command: Sequence[str], *, stdin: str | None = None) -> str:
    """Return the output of a command; raise `ClusterError` with the end of its errors if it fails."""
    try:
        done = subprocess.run(
            command, input=stdin or "", capture_output=True, text=True, timeout=_TIMEOUT_S, env=ENVIRONMENT
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        raise ClusterError(f"{' '.join(command)}: {err}") from err
    if done.returncode != 0:
        said = " / ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise ClusterError(f"{' '.join(command)}: exit code {done.returncode}: {said}")
    return done.stdout


def wait_until(is_so: Callable[[], bool], what: str, seconds: float) -> None:
    """Return once it is so; raise `ClusterError`, which names `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise ClusterError(f"{what} not reached within {seconds:g} s")
        time.sleep(_POLL_S)
