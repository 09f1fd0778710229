"""The start of a node's supervisor, and with it of the server; see `supervisor.main`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import stanlocal
from stanlocal.engine.process.node_files import Node, NodeFiles
from stanlocal.engine.process.supervisor.main import PROBLEMS
from stanlocal.engine.process.supervisor.relay import CLIENTS, ROUTES, ForwardedPort
from stanlocal.engine.process.supervisor.spawn import SAME_USER
from stanlocal.errors import EngineError, NodeNotFound, PortInUse
from stanlocal.machine.ports import port_owner

_RETRY_S = 0.02
_OPTIONS = ["-P", "-s"] if sys.platform != "linux" else ["-P", "-s", "-S"]
"""Python's options: nothing from the working directory, and no packages unless psutil is needed."""


@dataclass(frozen=True, slots=True)
class _Answer:
    word: str
    """Result that the supervisor prints before it goes to the background; empty if it failed."""
    reason: str
    problem: str
    """Last line of its standard error."""


async def start(files: NodeFiles) -> None:
    """Start the node's server and return once it runs; do nothing if it runs already.

    Raises `NodeNotFound` if the node is removed meanwhile, `PortInUse` if one of its ports is taken,
    `EngineError` if the server cannot start.
    """
    while True:
        node, run = files.node(), files.run()
        if run is not None and not run.over:
            return
        answer = await _ask_supervisor(files.folder, node)
        match answer.word:
            case "started":
                return
            case "busy":  # another command is starting it, or the supervisor of the last run is ending
                await asyncio.sleep(_RETRY_S)
            case "gone":
                raise NodeNotFound(f"{node.name} was removed meanwhile; bring it back with 'stanlocal up'")
            case "taken":
                raise port_in_use(node.name, int(answer.reason))
            case "refused":
                raise EngineError(f"{node.name} cannot be started: {answer.reason}")
            case _:
                problem = answer.problem or _last_line((files.folder / PROBLEMS).read_text())
                raise EngineError(f"{node.name} cannot be started: its supervisor failed ({problem})")


async def _ask_supervisor(folder: Path, node: Node) -> _Answer:
    plan = node.plan
    try:
        supervisor = await asyncio.create_subprocess_exec(
            sys.executable,
            *_OPTIONS,
            *("-m", "stanlocal.engine.process.supervisor.main"),
            str(folder),
            plan.conf_dir(plan.node(node.name)),
            plan.store_dir,
            plan.user if os.geteuid() == 0 else SAME_USER,
            ",".join(map(str, _forwarded_ports(node))),
            *(node.binary, "-sc", "stan.conf", *plan.node(node.name).arguments),
            env={"PYTHONPATH": str(Path(stanlocal.__file__).parents[1]), "TZ": "UTC", "LC_ALL": "C.UTF-8"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise EngineError(f"{node.name} cannot be started: {sys.executable}: {error.strerror}") from error
    out, err = await supervisor.communicate()
    word, _, reason = out.decode("utf-8", "replace").strip().partition(" ")
    return _Answer(word, reason, _last_line(err.decode("utf-8", "replace")))


def _forwarded_ports(node: Node) -> Iterator[ForwardedPort]:
    """Yield the forwarded ports of a node; with an external NATS server only the monitor's."""
    planned = node.plan.node(node.name)
    yield ForwardedPort(CLIENTS, planned.monitor_port, planned.listen.monitor)
    if not node.plan.external_nats:
        yield ForwardedPort(CLIENTS, planned.client_port, planned.listen.client)
        yield ForwardedPort(ROUTES, planned.route_port, planned.listen.cluster)


def port_in_use(node: str, port: int) -> PortInUse:
    """Return the error, which names the owner of the port if known."""
    owner = port_owner(port)
    by = f" by {owner}" if owner else ""
    return PortInUse(f"port {port} for {node} is taken{by}; free it", port, owner)


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]
