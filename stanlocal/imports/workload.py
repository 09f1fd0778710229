"""The containers that run the server, in objects of any kind with a pod: command lines and numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from stanlocal.imports.container_command import (
    CommandLine,
    Words,
    command_line,
    starts_server,
    words_of,
    written_by,
)
from stanlocal.imports.container_environment import Environment, environment
from stanlocal.imports.container_run import IMAGE
from stanlocal.imports.flags import CONFIG_FLAGS
from stanlocal.imports.given_files import GivenFile
from stanlocal.imports.import_result import Found
from stanlocal.imports.objects import Object, at, listed, text
from stanlocal.imports.volumes import Source, Volumes
from stanlocal.imports.walk import Path
from stanlocal.model.plan import STOP_GRACE_S
from stanlocal.natsconf import Place, Table

_TEMPLATES: Sequence[Path] = (
    ("spec", "template"),
    ("spec", "jobTemplate", "spec", "template"),
    ("template",),
    (),
)
"""Where objects have a pod: a StatefulSet and its like, a CronJob, a PodTemplate, a Pod."""
_SECTION = re.compile(r"(?:^|[\n{,;])\s*\"?streaming\"?\s*[:=]?\s*\{", re.IGNORECASE)
STREAMING_CLUSTER = "NatsStreamingCluster"


@dataclass(frozen=True, slots=True)
class Server:
    """The container that runs the server, and its workload."""

    workload: Object
    template: Path
    """Path of the pod with its metadata."""
    step: str
    """The container's step in paths."""
    content: Table
    command: Words

    @property
    def pod(self) -> Path:
        return (*self.template, "spec")

    @property
    def path(self) -> Path:
        return (*self.pod, "containers", self.step)

    def environment(
        self, candidates: Sequence[Object], environ: Mapping[str, str], found: Found
    ) -> Environment:
        """Return the container's variables."""
        metadata = at(self.workload.content, (*self.template, "metadata"))
        fields = metadata if isinstance(metadata, dict) else {}
        return environment(self.content, self.workload, fields, candidates, environ, found)

    def command_line(
        self, variables: Environment, candidates: Sequence[Object], environ: Mapping[str, str], found: Found
    ) -> CommandLine:
        """Return what the server is started with, references to variables replaced.

        Init containers may write its files.
        """
        prepared = self._prepared(candidates, environ)

        def read(path: str) -> GivenFile | None:
            return prepared.get(path) or self._file(path, candidates, take=True)

        line = command_line(self.command, variables, read, self.workload.title, found)
        written = {path: file.text for path, file in prepared.items()}
        return replace(line, written={**written, **line.written})

    def _prepared(self, candidates: Sequence[Object], environ: Mapping[str, str]) -> dict[str, GivenFile]:
        """Return the files that the init containers write into volumes, by their paths in this container."""
        own = Volumes(self.workload, self.pod, self.content, candidates)
        prepared: dict[str, GivenFile] = {}
        for step, entry in listed(self.workload.content, (*self.pod, "initContainers"), self.workload.place):
            if not isinstance(entry.value, dict):
                continue
            init = Server(self.workload, self.template, step, entry.value, tuple(words_of(entry.value)))
            volumes = Volumes(self.workload, self.pod, entry.value, candidates)
            variables = init.environment(candidates, environ, Found())
            reads = partial(init._file, candidates=candidates, take=True)
            for path, file in written_by(init.command, variables, reads).items():
                place = volumes.inside(path)
                if place is not None:
                    prepared |= dict.fromkeys(own.paths(*place), file)
        return prepared

    def _file(self, path: str, candidates: Sequence[Object], *, take: bool) -> GivenFile | None:
        """Return the file at a path; `take` notes that it was used."""
        source = self.source(path, candidates)
        if not isinstance(source, Source):
            return None
        if take:
            return source.file(source.object.take_file(source.key))
        value = source.object.files[source.key].value
        return source.file(value) if isinstance(value, str) else None

    def source(self, path: str, candidates: Sequence[Object]) -> Source | str:
        """Return the ConfigMap or Secret that has the file, or else what the file is in."""
        return Volumes(self.workload, self.pod, self.content, candidates).source(path)

    @property
    def other_containers(self) -> list[str]:
        """The pod's other containers, as paths name them."""
        steps = listed(self.workload.content, (*self.pod, "containers"), self.workload.place)
        return [step for step, _ in steps if step != self.step]

    @property
    def count(self) -> tuple[int | None, Place]:
        """Number of servers, None if the object does not have it, and the place of the number."""
        spec = at(self.workload.content, ("spec",))
        name = "size" if self.workload.kind == STREAMING_CLUSTER else "replicas"
        entry = spec.get(name) if isinstance(spec, dict) else None
        if entry is None or self.workload.kind == "Pod":
            return None, self.workload.place
        value = entry.value
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,4}", value):
            value = int(value)
        return value if isinstance(value, int) and not isinstance(value, bool) else None, entry.place


def servers(workload: Object, candidates: Sequence[Object]) -> Iterator[Server]:
    """Yield the containers of an object that run the server; none unless it has a pod."""
    for template in _TEMPLATES:
        for step, entry in listed(workload.content, (*template, "spec", "containers"), workload.place):
            if isinstance(entry.value, dict):
                server = Server(workload, template, step, entry.value, tuple(words_of(entry.value)))
                if _runs_server(server, candidates):
                    yield server


def _runs_server(server: Server, candidates: Sequence[Object]) -> bool:
    if IMAGE.fullmatch(text(server.content, "image")):
        return True
    if starts_server(server.command, partial(server._file, candidates=candidates, take=False)):
        return True
    words = [word for word, _ in server.command]
    flags = [word.lstrip("-").partition("=") for word in words]
    following = dict(zip([name for name, _, _ in flags], words[1:], strict=False))
    files = {name: value or following.get(name, "") for name, _, value in flags if name in CONFIG_FLAGS}
    sources = [server.source(file, candidates) for file in files.values() if file]
    return any(isinstance(each, Source) and _has_section(each) for each in sources)


def _has_section(source: Source) -> bool:
    content = source.object.files[source.key].value
    return isinstance(content, str) and bool(_SECTION.search(content))


def take(server: Server) -> None:
    """Note the parts of the workload that were used."""
    workload = server.workload
    workload.taken.append(("spec", "replicas"))
    grace = (*server.pod, "terminationGracePeriodSeconds")
    if at(workload.content, grace) == STOP_GRACE_S:
        workload.taken.append(grace)
    workload.taken += [(*server.path, name) for name in ("name", "args", "command")]
