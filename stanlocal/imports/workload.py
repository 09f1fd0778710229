"""The container that runs the server in a StatefulSet, Deployment or Pod: its arguments and variables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from stanlocal.imports.import_result import Found
from stanlocal.imports.objects import Object, at, listed, strings, text
from stanlocal.imports.walk import Path
from stanlocal.model.plan import STOP_GRACE_S
from stanlocal.natsconf import Place, Table, plain

_POD: dict[str, Path] = {
    "StatefulSet": ("spec", "template", "spec"),
    "Deployment": ("spec", "template", "spec"),
    "Pod": ("spec",),
}
_SERVER_IMAGE = re.compile(r"(^|/)nats-streaming(:|@|-server|$)")
_ENCRYPTION_KEY = "NATS_STREAMING_ENCRYPTION_KEY"
_LONGEST = 1 << 18
"""Largest number of characters of all variables together."""
_REFERENCE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")


@dataclass(frozen=True, slots=True)
class Server:
    """The container that runs the server, and its workload."""

    workload: Object
    pod: Path
    step: str
    """The container's step in paths."""
    content: Table

    @property
    def path(self) -> Path:
        return (*self.pod, "containers", self.step)

    @property
    def arguments(self) -> list[tuple[str, Place]]:
        """The command line, each word with the place of its list."""
        return [
            (word, self.content[name].place)
            for name in ("command", "args")
            for word in strings(self.content, name)
        ]

    @property
    def other_containers(self) -> list[str]:
        """The pod's other containers, as paths name them."""
        steps = listed(self.workload.content, (*self.pod, "containers"), self.workload.place)
        return [step for step, _ in steps if step != self.step]


def servers(workload: Object) -> Iterator[Server]:
    """Yield the containers of an object that run the server; none unless it is a workload."""
    pod = _POD.get(workload.kind)
    if pod is None:
        return
    for step, entry in listed(workload.content, (*pod, "containers"), workload.place):
        if isinstance(entry.value, dict) and _runs_server(entry.value):
            yield Server(workload, pod, step, entry.value)


def _runs_server(container: Table) -> bool:
    words = [word for name in ("command", "args") for word in strings(container, name)]
    flags = {word.lstrip("-").partition("=")[0] for word in words if word.startswith("-")}
    return bool(_SERVER_IMAGE.search(text(container, "image"))) or bool(flags & {"sc", "stan_config"})


def take(server: Server, found: Found) -> None:
    """Put the number of replicas, and note the other parts of the workload that were used."""
    workload = server.workload
    replicas = at(workload.content, ("spec",))
    entry = replicas.get("replicas") if isinstance(replicas, dict) else None
    if entry is not None:
        found.put(("nodes",), plain(entry.value), entry.place)
        workload.taken.append(("spec", "replicas"))
    grace = (*server.pod, "terminationGracePeriodSeconds")
    if at(workload.content, grace) == STOP_GRACE_S:
        workload.taken.append(grace)
    workload.taken += [(*server.path, name) for name in ("name", "args", "command")]


def environment(server: Server, found: Found) -> dict[str, str]:
    """Return the container's variables whose values are in the file, with references resolved.

    A key of the store among them is put; one in a Secret of the cluster is marked as missing.
    """
    variables: dict[str, str] = {}
    left = _LONGEST
    for _, entry in listed(server.content, ("env",), server.workload.place):
        if not isinstance(entry.value, dict):
            continue
        name, value = text(entry.value, "name"), at(entry.value, ("value",))
        if isinstance(value, (str, int, float)):
            left -= _length(str(value), variables)
            if left < 0:
                found.problem(entry.place, f"the variables come to more than {_LONGEST} characters")
                break
            variables[name] = _resolved(str(value), variables)
        if name == _ENCRYPTION_KEY and name in variables:
            found.put(("streaming", "encryption_key"), variables[name], entry.place)
        elif name == _ENCRYPTION_KEY:
            found.put(("streaming", "encrypt"), True, entry.place)
    return {name: value for name, value in variables.items() if not _REFERENCE.search(value)}


def _length(value: str, variables: dict[str, str]) -> int:
    """Return the length of the value with its references replaced, which may exceed the file's."""
    added = (len(variables.get(each[1], each[0])) - len(each[0]) for each in _REFERENCE.finditer(value))
    return len(value) + sum(added)


def _resolved(value: str, variables: dict[str, str]) -> str:
    """Return the value with references, `$(NAME)`, replaced where the variables are known."""
    return _REFERENCE.sub(lambda match: variables.get(match[1], match[0]), value)
