"""Groups of local processes for tests: scripts in the place of the server, and what is left of them."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

import psutil

from stanlocal.engine.process.engine import ProcessEngine
from stanlocal.model.placement import plan_group
from stanlocal.model.plan import GroupPlan, NodePlan
from tests.support.ports import free_ports

SCRIPT = "#!/bin/sh\n. ./stan.conf\n"
"""Run the shell script in the node's configuration."""
_ENDS_S = 10.0
"""Longest wait for the end of a process that was killed, before it is looked for again."""
IDLE = "echo up; exec sleep 600"


async def scripted_group(
    engine: ProcessEngine, home: Path, group: str, *scripts: str, user: str | None = None
) -> GroupPlan:
    """A group, made and not started, whose servers are these shell scripts."""
    count = len(scripts)
    ports = free_ports(6 * count)
    folder = home / group
    store = folder / "store"
    plan = plan_group(
        group=group,
        image="script",
        ports=list(zip(ports[:count], ports[count : 2 * count], strict=True)),
        route_ports=ports[2 * count : 3 * count],
        inner_ports=ports[3 * count :],
        store_dir=str(store),
        state_dir=str(folder),
        user=user or ("65532:65532" if os.geteuid() == 0 else f"{os.geteuid()}:{os.getegid()}"),
        streaming={"cluster_id": "test-cluster", "ft_group_name": "test-cluster"},
        nats={},
        placement=engine.placement,
    )
    store.mkdir(parents=True)
    executable = folder / "server"
    executable.write_text(SCRIPT)
    executable.chmod(0o755)
    await engine.provision(plan.image, executable, lambda line: None)
    await engine.prepare(plan)
    for node, script in zip(plan.nodes, scripts, strict=True):
        write_script(plan, node, script)
        await engine.create(plan, node, "print")
    return plan


def write_script(plan: GroupPlan, node: NodePlan, script: str) -> None:
    """Set what the node does from its next start on."""
    conf = Path(plan.conf_dir(node))
    conf.mkdir(parents=True, exist_ok=True)
    (conf / "stan.conf").write_text(script)


def processes_of(home: Path) -> set[int]:
    """The pids of all that belongs to groups below `home`: supervisors, servers, what servers started."""
    supervisors = {process.pid for process in psutil.process_iter() if _mentions(process, home)}
    sessions = {
        process.pid
        for process in psutil.process_iter()
        if _session(process.pid) in supervisors - {process.pid}
    }
    return supervisors | sessions


def kill_all(find: Callable[[], Collection[int]]) -> None:
    """Kill the processes until none is found any more, what they start meanwhile included.

    Their parents still learn how they ended.
    """
    while pids := find():
        killed: list[int] = []
        try:
            for pid in pids:
                with suppress(ProcessLookupError):
                    killed.append(os.pidfd_open(pid))
                    signal.pidfd_send_signal(killed[-1], signal.SIGKILL)
            for descriptor in killed:
                select.select([descriptor], [], [], _ENDS_S)
        finally:
            for descriptor in killed:
                os.close(descriptor)


def _mentions(process: psutil.Process, home: Path) -> bool:
    """Return whether the process's arguments or working directory name the folder; a server's always do."""
    with suppress(psutil.Error):
        if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
            return False
        return str(home) in " ".join(process.cmdline()) or process.cwd().startswith(str(home))
    return False


def _session(pid: int) -> int | None:
    with suppress(ProcessLookupError, PermissionError):
        return os.getsid(pid)
    return None
