"""Checks of what a group on this machine needs.

Each check is a small function that returns its findings; none of them changes anything. A check whose
problem can be fixed without a decision of the user has a `fix`, which `doctor --fix` runs.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stanlocal.access.group_access import access_to, settings_to_log_in
from stanlocal.access.login_findings import login_findings
from stanlocal.doctor.check import Check
from stanlocal.doctor.group_state import group_checks
from stanlocal.errors import PortInUse, SettingsError, StanlocalError, StoreRefused
from stanlocal.group.core import Group
from stanlocal.lifecycle.engine_choice import choose_engine, group_home, server_user
from stanlocal.lifecycle.port_allocation import choose_ports, first_ports
from stanlocal.model.command_line import DEFAULT_GROUP, Command
from stanlocal.settings.environment import first_port
from stanlocal.store.guard.content import StoreKind, inspect_store

if TYPE_CHECKING:
    from stanlocal.engine.docker.engine import DockerEngine
    from stanlocal.settings import Settings


_CLOCKS_APART_S = 5.0
"""Seconds from which on two clocks differ; a busy engine may take nearly as long to answer."""


async def examine_local(settings: Settings, report: Callable[[str], None]) -> AsyncGenerator[Check]:
    """Yield the checks of a group on an engine that this machine has."""
    yield Check("settings", True, f"group '{settings.group}', {settings.nodes} nodes")
    home = group_home(settings.group)
    try:
        engine = choose_engine(settings.engine, home)
    except SettingsError as error:
        own = (_stanlocal("--engine", "auto", "doctor", group=settings.group),)
        yield Check("engine", False, str(error), "this looks at it with its own engine:", own)
        return
    except StanlocalError as error:
        yield _no_engine(error)
        return
    try:
        try:
            info = await engine.info()
        except StanlocalError as error:
            yield _no_engine(error)
            return
        yield Check("engine", True, f"{info.name} {info.version} at {info.address}")
        if info.clock is not None and (apart := clocks_apart(info.clock, datetime.now(UTC))) is not None:
            yield apart
        group = Group(engine, settings.group, home)
        from stanlocal.engine.docker.engine import DockerEngine

        if isinstance(engine, DockerEngine):
            image = await _image(engine, settings, report)
            yield image
            if image.ok:
                yield await _container(engine, settings)
        yield await _ports(group, settings)
        for check in _store(settings, group, await server_user(engine)):
            yield check
        yield _login(settings, group)
        yield await _leftovers(group)
        async for check in group_checks(group, _command_of(group), may_change=True):
            yield check
    finally:
        await engine.close()


def _stanlocal(*words: str, group: str = DEFAULT_GROUP) -> str:
    return str(Command(group, words))


def _command_of(group: Group) -> Callable[..., str]:
    return lambda *words: _stanlocal(*words, group=group.name)


def clocks_apart(engine: datetime, here: datetime) -> Check | None:
    """Return the finding that the engine's clock is not this machine's; None if they agree."""
    ahead_s = (engine - here).total_seconds()
    if abs(ahead_s) < _CLOCKS_APART_S:
        return None
    side = "ahead of" if ahead_s > 0 else "behind"
    return Check(
        "clock",
        False,
        f"the engine's clock is {abs(ahead_s):.1f} s {side} this machine's: faults, lines and failovers get "
        "times that do not fit together",
        "have both set from the network; a virtual machine gets the time when it is started again. This "
        "shows the engine's:",
        ("docker info --format '{{.SystemTime}}'",),
    )


def _no_engine(error: StanlocalError) -> Check:
    return Check("engine", False, str(error), "one of these, whichever fits:", tuple(_engine_commands()))


def _engine_commands() -> Iterator[str]:
    """Yield the commands that start or install an engine on this machine, and the one that needs none."""
    if sys.platform == "darwin":
        yield from ("open -a Docker", "colima start")
    elif shutil.which("dockerd"):
        yield "sudo systemctl start docker" if shutil.which("systemctl") else "sudo service docker start"
    elif shutil.which("apt-get"):
        yield "sudo apt-get install docker.io"
    yield "docker context ls"
    yield _stanlocal("--engine", "process", "up")


async def _image(engine: DockerEngine, settings: Settings, report: Callable[[str], None]) -> Check:
    from stanlocal.engine.artifacts.image import ensure_image, inspect_image

    found = await inspect_image(engine.client, settings.image)
    if found is not None:
        return Check("image", True, f"{settings.image} ({found.source})")

    async def fix() -> None:
        await ensure_image(
            engine.client, settings.image, server_binary=settings.server_binary, progress=report
        )

    commands = tuple(_stanlocal("image", how, group=settings.group) for how in ("pull", "build"))
    return Check("image", False, f"{settings.image} is not there", "pull it, or build it:", commands, fix)


async def _container(engine: DockerEngine, settings: Settings) -> Check:
    try:
        await engine.check_start(settings.group, settings.image)
    except StanlocalError as error:
        commands = (f"docker run --rm {settings.image}",)
        return Check("container", False, str(error), "fix the engine; this shows the same:", commands)
    return Check("container", True, "a throw-away server starts")


async def _ports(group: Group, settings: Settings) -> Check:
    instances = await group.engine.instances(group.name)
    if any(instance.running for instance in instances):
        return Check("ports", True, "the group has them")
    client, monitor = first_ports(first_port(os.environ), settings.nodes)
    try:
        choice = choose_ports(
            settings.nodes,
            group=group.name,
            first_client=client,
            first_monitor=monitor,
            asked=settings.port,
        )
    except PortInUse as error:
        free = choose_ports(settings.nodes, first_client=client, first_monitor=monitor).ports[0][0]
        command = _stanlocal("up", "--port", str(free), group=group.name)
        return Check("ports", False, str(error), "free it, or choose others, such as:", (command,))
    return Check("ports", True, "; ".join(choice.moved) or "those that the group would like are free")


def _store(settings: Settings, group: Group, user: str) -> list[Check]:
    plan = group.home.load_plan()
    if plan is not None and plan.store_volume is not None:
        return [Check("store", True, f"the volume {plan.store_volume}, servers run as {user}")]
    path = Path(plan.store_dir) if plan else settings.store_dir or group.home.default_store
    cure, other = "choose another folder:", (_stanlocal("up", "--store-dir", "DIR", group=group.name),)
    try:
        state = inspect_store(path)
    except StoreRefused as error:
        return [Check("store", False, str(error), cure, other)]
    if state.kind in (StoreKind.FOREIGN, StoreKind.NOT_A_FOLDER):
        return [Check("store", False, f"{path}: {state.kind.value}", cure, other)]
    if state.marker is not None and state.marker.group != group.name:
        return [Check("store", False, f"{path} is the store of '{state.marker.group}'", cure, other)]
    return [Check("store", True, f"{path}, {state.kind.value}, servers run as {user}")]


def _login(settings: Settings, group: Group) -> Check:
    """Check that a client can log in and do what clients of NATS Streaming do, by the group's settings."""
    plan = group.home.load_plan()
    known: Mapping[str, Any] = {"streaming": settings.streaming, "nats": settings.nats}
    try:
        if plan is not None:
            access_to(plan)
            known = settings_to_log_in(plan)
    except StanlocalError as error:
        command = _stanlocal("up", group=group.name)
        return Check("login", False, str(error), "set the secrets again, then:", (command,))
    able, detail = login_findings(known["streaming"], known["nats"])
    if able:
        return Check("login", True, detail)
    command = _stanlocal("config", "show", group=group.name)
    cure = "allow it in the user's permissions, or add a user who may; this shows them:"
    return Check("login", False, detail, cure, (command,))


async def _leftovers(group: Group) -> Check:
    """Look for networks of groups without nodes, which an interrupted tool may leave."""
    engine = group.engine
    empty = [name for name in await engine.groups() if not await engine.instances(name)]

    async def fix() -> None:
        for name in empty:
            await engine.clean(name)

    if not empty:
        return Check("leftovers", True, "none")
    commands = (_stanlocal("doctor", "--fix"), *(_stanlocal("down", group=name) for name in empty))
    cure = "remove all of them at once, or each:"
    return Check("leftovers", False, f"networks of {', '.join(empty)}", cure, commands, fix)
