"""Nodes changed from outside, by the engine's own tools or by signals: status tells it, and `up` mends it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import psutil

from stanlocal.engine.docker import endpoint
from tests.soak.own_tool import ENDS_S, OwnTool, own_tool
from tests.soak.row import Row
from tests.soak.trial_log import Result, Trial, in_brief
from tests.support.processes import processes_of

_ON_CONTAINERS = ("stop", "kill", "restart", "pause", "remove", "disconnect", "sigterm", "sigstop")
_ON_PROCESSES = ("sigterm", "sigkill", "sigstop", "supervisor")


def change(trial: Trial, folder: Path) -> Result:
    """Change one or both nodes of a group from outside, then have `status` and `up` see it."""
    draw = Random(trial.seed)
    on_docker = trial.case == "docker"
    acts = [draw.choice(_ON_CONTAINERS if on_docker else _ON_PROCESSES) for _ in range(draw.choice((1, 2)))]
    nodes = draw.sample((0, 1), len(acts))
    what = ", ".join(f"{act} of node {node}" for act, node in zip(acts, nodes, strict=True))
    with own_tool(trial.case, folder) as tool:
        act = _on_container if on_docker else _on_process
        try:
            _changed(tool, [(node, name) for node, name in zip(nodes, acts, strict=True)], act)
            tool.converges(by_up=True)
        except AssertionError as error:
            return Result(1, [f"{what}: {in_brief(str(error))}"])
    return Result(1)


def _changed(
    tool: OwnTool, acts: list[tuple[int, str]], act: Callable[[OwnTool, dict[str, Any], str], None]
) -> None:
    before = json.loads(tool.ok(("up", "--json")))
    tool.ok(("pub", "orders", "kept"))
    for node, name in acts:
        act(tool, before["nodes"][node], name)
    seen = json.loads(tool.ok(("status", "--json")))
    removed = {before["nodes"][node]["name"] for node, name in acts if name == "remove"}
    there = {node["name"] for node in before["nodes"]} - removed
    assert {node["name"] for node in seen["nodes"]} == there, seen
    assert seen["state"] != "healthy" or not removed, seen
    after = json.loads(tool.ok(("up", "--json")))
    assert after["state"] == "healthy", after
    for name in ("client_urls", "monitor_urls", "store_dir"):
        assert after[name] == before[name], f"{name}: {after[name]}, was {before[name]}"
    assert "kept" in tool.ok(("sub", "orders", "--all", "--count", "1", "--timeout", "30"))


def _on_container(tool: OwnTool, node: dict[str, Any], act: str) -> None:
    with closing(endpoint.connect()) as client:
        container = client.containers.get(node["name"])
        match act:
            case "stop":
                container.stop(timeout=5)
            case "kill":
                container.kill()
            case "restart":
                container.restart(timeout=5)
            case "pause":
                container.pause()
            case "remove":
                container.remove(force=True)
            case "disconnect":
                client.networks.get(f"{tool.group}-routes").disconnect(container, force=True)
            case _:
                container.kill(signal=act.upper())
        if act == "sigterm":
            container.wait(timeout=ENDS_S)


def _on_process(tool: OwnTool, node: dict[str, Any], act: str) -> None:
    folder = tool.runs.state / "stanlocal" / tool.group / "processes" / str(node["name"])
    supervisors = [psutil.Process(pid) for pid in processes_of(folder)]
    servers = [child for each in supervisors for child in each.children()]
    chosen = supervisors if act == "supervisor" else servers
    assert chosen, f"no process for {act} of {node['name']}: {[each.cmdline() for each in supervisors]}"
    by = signal.SIGKILL if act == "supervisor" else signal.Signals[act.upper()]
    for each in chosen:
        os.kill(each.pid, by)
    if act in ("sigterm", "sigkill"):  # a server outlives its supervisor until the tool looks
        _, alive = psutil.wait_procs(servers, ENDS_S)
        assert not alive, f"still there after {act} of {node['name']}: {alive}"


OUTSIDE = Row(
    name="outside",
    title="Nodes that are changed from outside",
    how="one or both nodes of a group are stopped, killed, restarted, frozen, removed or disconnected "
    "with the engine's own means, or by signals to servers and supervisors. `status` has to show "
    "every node that is there; `up` has to bring the same group back, with addresses, store and "
    "message, and `down --purge` to leave nothing.",
    unit="changes",
    wanted=200,
    per_trial=1,
    cases=("docker", "process"),
    run=change,
)
