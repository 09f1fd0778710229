"""The examination of a group on a cluster: it reads the objects, and changes nothing."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from stanlocal.doctor.check import Check
from stanlocal.doctor.cluster.deployed_group import DeployedGroup
from stanlocal.doctor.cluster.rules import judge
from stanlocal.doctor.group_state import group_checks
from stanlocal.errors import StanlocalError
from stanlocal.group.core import Group
from stanlocal.imports.deployed import Deployed, deployed
from stanlocal.lifecycle.engine_choice import cluster_group
from stanlocal.model.command_line import Command

if TYPE_CHECKING:
    from stanlocal.engine.kubernetes.group_objects import GroupObjects
    from stanlocal.settings import Settings

_KIND = "StatefulSet"


async def examine_cluster(settings: Settings) -> AsyncGenerator[Check]:
    """Yield the checks of a group on the cluster that the settings name, whoever deployed it."""
    from stanlocal.engine.kubernetes.engine import KubernetesEngine
    from stanlocal.engine.kubernetes.ownership import is_ours

    yield Check("settings", True, f"group '{settings.group}'")
    try:
        engine, home = cluster_group(settings, consents=False)
    except StanlocalError as error:
        yield _no_cluster(error)
        return
    assert isinstance(engine, KubernetesEngine)
    try:
        try:
            info = await engine.info()
            objects = await engine.objects(settings.group)
        except StanlocalError as error:
            yield _no_cluster(error)
            return
        yield Check("engine", True, f"{info.name} {info.version} at {info.address}")
        command = _commands(settings)
        server = None if objects is None else _server(objects)
        if objects is None or server is None:
            yield _no_group(settings.group, objects, command)
            return
        options = [*_where(settings), "--namespace", objects.namespace]
        for check in judge(DeployedGroup(objects, server, options)):
            yield check
        if not server.ft_group and not server.problems:
            return  # the rules say so; its servers have no states
        state = group_checks(
            Group(engine, settings.group, home), command, may_change=is_ours(objects.workload)
        )
        async with aclosing(state):
            async for check in state:
                yield check
    finally:
        await engine.close()


def _server(objects: GroupObjects) -> Deployed | None:
    """Return the configuration of the workload's servers; None if it runs none."""
    return deployed(_KIND, objects.name, [{**objects.workload, "kind": _KIND}, *objects.files], {})


def _no_cluster(error: StanlocalError) -> Check:
    return Check(
        "engine", False, str(error), "these show the clusters and logins that kubectl has:", _CONTEXTS
    )


_CONTEXTS = ("kubectl config get-contexts", "kubectl auth whoami")


def _no_group(name: str, objects: GroupObjects | None, command: Callable[..., str]) -> Check:
    if objects is None:
        detail = f"no StatefulSet '{name}' in this namespace"
    else:
        detail = f"statefulset/{name} runs no nats-streaming-server"
    return Check("group", False, detail, "name one of these with --group:", (command("list"),))


def _commands(settings: Settings) -> Callable[..., str]:
    options = ["--engine", "kubernetes", *_where(settings)]
    if settings.namespace:
        options += ["--namespace", settings.namespace]
    return lambda *words: str(Command(settings.group, (*options, *words)))


def _where(settings: Settings) -> list[str]:
    """Return the options, the same for kubectl, that choose the cluster."""
    options = [] if settings.kubeconfig is None else ["--kubeconfig", os.fspath(settings.kubeconfig)]
    return options if settings.context is None else [*options, "--context", settings.context]
