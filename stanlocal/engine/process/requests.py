"""Requests to supervisors, and the wait until they are done.

A request is written into the nodes' folders first: a supervisor that starts meanwhile finds it there, and a
tool that is killed halfway leaves a complete request.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Collection
from pathlib import Path

from stanlocal.engine.process.node_files import NodeFiles, Run, nodes_in
from stanlocal.engine.process.signals import send
from stanlocal.engine.process.start import port_in_use
from stanlocal.errors import EngineError
from stanlocal.machine.folder_changes import FolderChanges

LOOK_AGAIN_S = 0.5
"""Most seconds until the end of a server whose supervisor was killed is noticed: no file changes then."""


async def until(files: NodeFiles, reached: Callable[[Run], bool]) -> None:
    """Wait until the node's last run satisfies `reached`; return at once if there is no run."""
    with FolderChanges() as changes:
        while True:
            changes.watch(files.folder)
            run = files.run()
            if run is None or reached(run):
                return
            await changes.wait(LOOK_AGAIN_S)


async def change_cuts(files: NodeFiles, wanted: Collection[str]) -> None:
    """Cut exactly these kinds of the node's ports; return once all nodes apply that.

    Raises `PortInUse` and restores the former cuts if another process took one of the ports meanwhile.
    """
    before = files.cuts()
    files.set_cuts(wanted)
    await apply_requests(files.folder.parent)
    run = files.run()
    if run is None or run.over or run.taken is None:
        return
    files.set_cuts(before)
    await apply_requests(files.folder.parent)
    raise port_in_use(files.folder.name, run.taken)


async def apply_requests(folder: Path) -> None:
    """Have the supervisors of the nodes in `folder` apply the files there; return once they have.

    Raises `EngineError` if one of them failed.
    """
    asked = time.monotonic_ns()

    def done(run: Run) -> bool:
        gone = not run.supervisor.alive  # it may have been ending when the signal reached it
        return run.over or run.looked >= asked or gone

    nodes = [files for files in nodes_in(folder) if _ask(files)]
    await asyncio.gather(*(until(files, done) for files in nodes))
    for files in nodes:
        run = files.run()
        if run is not None and not run.over and run.unable is not None:
            raise EngineError(f"the supervisor of {files.folder.name} failed: {run.unable}")


def _ask(files: NodeFiles) -> bool:
    """Ask the node's supervisor to look; return whether there is one."""
    run = files.run()
    return run is not None and not run.over and send(run.supervisor, signal.SIGUSR1)
