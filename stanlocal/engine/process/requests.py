"""Asking supervisors, and waiting until they have done it.

What is wanted is written down in the nodes' folders first: a supervisor that comes up meanwhile finds it
there, and a tool that is killed half way leaves nothing that only it knew.
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
from stanlocal.machine.file_changes import FileChanges

LOOK_AGAIN_S = 0.5
"""How long the end of a server whose supervisor was killed may go unseen: nothing tells of it."""


async def until(files: NodeFiles, reached: Callable[[Run], bool]) -> None:
    """Returns once the node's last run is so; at once when there is none."""
    with FileChanges() as changes:
        while True:
            changes.watch(files.folder)
            run = files.run()
            if run is None or reached(run):
                return
            await changes.wait(LOOK_AGAIN_S)


async def change_cuts(files: NodeFiles, wanted: Collection[str]) -> None:
    """Has these kinds of the node's ways cut, and no others; returns once that is so for all nodes.

    Raises `PortInUse`, and leaves it as it was, when one of its ports was taken meanwhile.
    """
    before = files.cuts()
    files.set_cuts(wanted)
    await have_all_look(files.folder.parent)
    run = files.run()
    if run is None or run.over or run.taken is None:
        return
    files.set_cuts(before)
    await have_all_look(files.folder.parent)
    raise port_in_use(files.folder.name, run.taken)


async def have_all_look(folder: Path) -> None:
    """Has the supervisors of the nodes in `folder` do what the files there say; returns once they have.

    Raises `EngineError` when one of them could not.
    """
    asked = time.monotonic_ns()

    def done(run: Run) -> bool:
        gone = not run.supervisor.alive  # it may have been dying when it was asked
        return run.over or run.looked >= asked or gone

    nodes = [files for files in nodes_in(folder) if _ask(files)]
    await asyncio.gather(*(until(files, done) for files in nodes))
    for files in nodes:
        run = files.run()
        if run is not None and not run.over and run.unable is not None:
            raise EngineError(f"the supervisor of {files.folder.name} cannot do that: {run.unable}")


def _ask(files: NodeFiles) -> bool:
    """Whether there is one to be asked."""
    run = files.run()
    return run is not None and not run.over and send(run.supervisor, signal.SIGUSR1)
