"""The peer: Docker Compose with the same pair, image, configuration and hardening."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from stanlocal.engine.artifacts.binary import host_platform
from stanlocal.engine.artifacts.go_build import GoModule, build
from stanlocal.lifecycle.engine_choice import SERVER_USER
from stanlocal.model.placement import plan_group
from stanlocal.model.plan import GroupPlan
from stanlocal.render.container_spec import container
from stanlocal.render.stan_conf import render
from stanlocal.settings import load
from tests.support.ports import free_ports

POLL_S = 0.02
_TIMEOUT_S = 60.0


COMPOSE = GoModule(
    "Docker Compose",
    "github.com/docker/compose/v5",
    "5.6.0",
    {"docker-compose": "cmd"},
    "compose",
    is_required=True,
)
"""The newest version that Go 1.26.8 builds."""


def compose() -> Path:
    """Return the executable, built now unless the user's cache has it: some minutes."""
    [built] = asyncio.run(build(COMPOSE, host_platform(), _say)).values()
    return built


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


class Compose:
    """A Compose project, written into `folder`."""

    def __init__(self, executable: Path, folder: Path, group: str) -> None:
        folder.mkdir(parents=True)
        self._plan = _plan(folder, group)
        file = folder / "compose.json"  # JSON is YAML
        file.write_text(json.dumps(_project(self._plan)))
        self._command = [str(executable), "-p", group, "-f", str(file)]

    def up(self) -> None:
        """Returns once a node is active."""
        self._run("up", "-d")
        deadline = time.monotonic() + _TIMEOUT_S
        while not any(map(_is_active, self._plan.monitor_urls)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"no active node after {_TIMEOUT_S:g} s")
            time.sleep(POLL_S)

    def down(self) -> None:
        self._run("down", "-t", "0")

    def _run(self, *arguments: str) -> None:
        subprocess.run([*self._command, *arguments], capture_output=True, check=True)


def _is_active(monitor_url: str) -> bool:
    """Return whether the server is active: then it answers 200, and 204 as a standby."""
    try:
        with urllib.request.urlopen(f"{monitor_url}/streaming/isFTActive", timeout=1) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _plan(folder: Path, group: str) -> GroupPlan:
    settings = load({"group": group}, {}, None, folder)
    ports = free_ports(4)
    store = folder / "store"
    store.mkdir()
    user = SERVER_USER if os.geteuid() == 0 else f"{os.geteuid()}:{os.getegid()}"
    plan = plan_group(
        group=group,
        image=settings.image,
        ports=[(ports[0], ports[1]), (ports[2], ports[3])],
        store_dir=str(store),
        state_dir=str(folder),
        user=user,
        streaming=settings.streaming,
        nats=settings.nats,
    )
    for node in plan.nodes:
        conf = Path(plan.conf_dir(node))
        conf.mkdir(parents=True)
        (conf / "stan.conf").write_text(render(plan, node))
    if os.geteuid() == 0:
        os.chown(store, *map(int, user.split(":")))
    return plan


def _project(plan: GroupPlan) -> dict[str, Any]:
    services = {}
    for node in plan.nodes:
        told = container(plan, node)
        services[told.name] = {
            "container_name": told.name,
            "image": told.image,
            "command": list(told.command),
            "user": told.user,
            "read_only": told.read_only,
            "cap_drop": list(told.cap_drop),
            "security_opt": list(told.security_opt),
            "pids_limit": told.pids_limit,
            "stop_grace_period": f"{told.stop_grace_s}s",
            "logging": {"driver": told.log_driver, "options": dict(told.log_options)},
            "ports": [f"{port.host}:{port.outside}:{port.inside}" for port in told.ports],
            "volumes": [
                f"{mount.source}:{mount.target}:{'ro' if mount.read_only else 'rw'}" for mount in told.mounts
            ],
            "networks": {"clients": {}, "routes": {"aliases": [told.route_alias]}},
        }
    return {"services": services, "networks": {"clients": {}, "routes": {"internal": True}}}
