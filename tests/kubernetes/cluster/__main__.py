"""The cluster's command: `python -m tests.kubernetes.cluster build|up|down|status|packages`.

`up` prints the path of a kubeconfig, `packages` Debian's packages that are missing. Exit codes: 0 done;
1 failed, with one line about it; those of `status` are in `status.Status`, and 5 from `build` and `up` too
where a cluster cannot run.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable

from stanlocal.errors import StanlocalError
from tests.kubernetes.cluster.bring_up import up
from tests.kubernetes.cluster.build import build
from tests.kubernetes.cluster.errors import CannotRun, ClusterError
from tests.kubernetes.cluster.kept_logs import keep_logs
from tests.kubernetes.cluster.layout import Paths
from tests.kubernetes.cluster.locks import is_in_use
from tests.kubernetes.cluster.requirements import missing_packages
from tests.kubernetes.cluster.status import Status, status
from tests.kubernetes.cluster.take_down import down, left


def main(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    match arguments:
        case ["build"]:
            return _done(lambda: build(_say))
        case ["up"]:
            return _done(_up)
        case ["down"]:
            return _done(_down)
        case ["status"]:
            code, line = status()
            _print(line)
            return code
        case ["packages"]:
            _print(" ".join(missing_packages()))
            return 0
        case _:
            _say("usage: python -m tests.kubernetes.cluster build|up|down|status|packages")
            return 2


def _done(act: Callable[[], object]) -> int:
    try:
        act()
    except CannotRun as err:
        _say(str(err))
        return Status.CANNOT_RUN
    except (ClusterError, StanlocalError, OSError) as err:
        _say(str(err))
        return 1
    return 0


def _up() -> None:
    try:
        up(_say)
    except CannotRun:
        raise
    except ClusterError as err:
        raise ClusterError(f"{err}; logs in {keep_logs(Paths(), 'up')}") from err
    _print(Paths().kubeconfig())


def _down() -> None:
    paths = Paths()
    if paths.root.exists() and is_in_use(paths):
        _say("waiting for tests that use the cluster")
    _say("down" if down() else "there was no cluster")
    if remains := left():
        raise ClusterError(f"left behind: {', '.join(remains)}")


def _print(result: object) -> None:
    sys.stdout.write(f"{result}\n")


def _say(line: str) -> None:
    sys.stderr.write(f"cluster: {time.strftime('%H:%M:%S')} {line}\n")


if __name__ == "__main__":
    # Its children end with it: a compiler in a session of its own would go on.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    sys.exit(main(sys.argv[1:]))
