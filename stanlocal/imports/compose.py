"""Compose files: the services that run the server, with their commands, variables and mounted files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from stanlocal.errors import SettingsError
from stanlocal.imports.compose_project import Project, Service, services_of
from stanlocal.imports.container_run import container_words, on_machine
from stanlocal.imports.flags import Word
from stanlocal.imports.given_files import GivenFile, GivenFiles
from stanlocal.imports.import_result import Found, listing
from stanlocal.imports.launches import Launch, read_launches
from stanlocal.imports.script import launches
from stanlocal.imports.server_command import has_own_flags
from stanlocal.imports.server_group import MOST_SERVERS
from stanlocal.imports.walk import Path, leave_rest
from stanlocal.imports.yamltree import YamlTree
from stanlocal.natsconf import Place, Table, plain

_SERVICES = re.compile(r"^[\"']?services[\"']?[ \t]*:|\{\s*[\"']?services[\"']?\s*:", re.MULTILINE)
_IMAGE = re.compile(r"^[ \t]+[\"']?(?:image|build)[\"']?[ \t]*:", re.MULTILINE)
_MOST_REPLICAS = 1000

_NAMES = "nodes are named <group>-0, <group>-1, …; choose the group's name with --group"
_PORTS = "client and monitor ports are published on 127.0.0.1; choose with --port"
_STORE = "the store is a folder of this machine; choose it with --store-dir"
_NETWORK = "the nodes have a network of their own"
_WATCHED = "stanlocal starts and watches its nodes itself; 'stanlocal up --attach' restarts dead ones"
_LIMITS = "nodes take what this machine has"
_CONFINED = "nodes run as the caller, without capabilities, on a read-only system"
_OTHER_SERVICE = "it does not run nats-streaming"
_REASONS: Mapping[Path, str] = {
    ("image",): "an image is code, which a file cannot choose; take it with --image",
    ("build",): "an image is code, which a file cannot choose; take it with --image",
    ("pull_policy",): "an image that the engine has is taken as it is",
    **{(name,): _NAMES for name in ("container_name", "hostname", "domainname", "labels", "annotations")},
    **{(name,): _PORTS for name in ("ports", "expose")},
    **{(name,): _STORE for name in ("volumes", "tmpfs", "volumes_from")},
    **{
        (name,): _NETWORK
        for name in ("networks", "network_mode", "links", "dns", "extra_hosts", "external_links")
    },
    **{
        (name,): _WATCHED
        for name in ("restart", "depends_on", "healthcheck", "init", "logging", "stop_signal")
    },
    ("stop_grace_period",): "nodes get 30 s to stop; 'stanlocal stop --timeout' says else",
    **{(name,): _LIMITS for name in ("deploy", "ulimits", "cpus", "mem_limit", "memswap_limit", "cpuset")},
    **{
        (name,): _CONFINED
        for name in ("user", "cap_add", "cap_drop", "security_opt", "privileged", "read_only")
    },
}
_TAKEN = (
    "command",
    "entrypoint",
    "environment",
    "env_file",
    "configs",
    "secrets",
    "scale",
    "profiles",
    "extends",
    "working_dir",
)
_TOP = {"volumes": _STORE, "networks": _NETWORK}
_FOLDERS = {"configs": "/", "secrets": "/run/secrets"}
"""Folder of a container that relative targets of configs and secrets are in."""


def is_compose(file: GivenFile) -> bool:
    """Return whether the text is a Compose file: it has services, each a table, and is no other object."""
    if file.text.startswith("#!"):
        return False
    if _SERVICES.search(file.text) is None and _IMAGE.search(file.text) is None:
        return False
    try:
        tables = [each.value for each in YamlTree(file.yaml).documents()]
    except SettingsError:
        return file.text.count("{{") == 0 and "apiVersion" not in file.text
    return any(
        isinstance(table, dict)
        and "kind" not in table
        and (bool(services := services_of(table)) or "services" in table)
        and all(isinstance(each.value, dict) for each in services.values())
        for table in tables
    )


@dataclass(frozen=True, slots=True)
class _Profiled:
    """The launches of a service, and whether Compose starts it without being asked for."""

    launches: Sequence[Launch]
    service: Service
    active: bool
    profiles: Sequence[str]


def read_compose(
    given: Sequence[GivenFile], files: GivenFiles, environ: Mapping[str, str], found: Found
) -> None:
    """Put the settings of the services that run the server into `found`."""
    project = Project(files, environ, found)
    project.load(given)
    if found.problems:
        return
    active = set(re.split(r"[,\s]+", project.variables.get("COMPOSE_PROFILES", "")))
    servers: list[_Profiled] = []
    for service in project.services.values():
        started = list(_launches(service, project))
        if len(servers) > MOST_SERVERS:
            break
        profiles = project.texts(service.last("profiles"))
        is_active = not profiles or bool(active & {*profiles, "*"})
        if started:
            servers.append(_Profiled(started, service, is_active, profiles))
        else:
            found.left_out(service.place, f"service {service.name}", _OTHER_SERVICE)
    project.note_unset()
    if found.problems:
        return
    if not servers:
        names = listing(list(project.services)) or "none"
        found.problem(given[0].start, f"no service runs nats-streaming; the services are {names}")
        return
    read_launches([launch for each in _started(servers, found) for launch in each.launches], files, found)
    for each in servers:
        for layer in each.service.layers:
            _rest(each.service, layer.content, found)
    for table, _ in project.documents:
        for name, why in _TOP.items():
            if name in table and table[name].value != {}:
                found.left_out(table[name].place, name, why)


def _started(servers: Sequence[_Profiled], found: Found) -> Sequence[_Profiled]:
    """Return the services that Compose starts; all of them where each is in some profile."""
    active = [each for each in servers if each.active]
    if not active:
        names = listing(sorted({name for each in servers for name in each.profiles}))
        place = servers[0].service.place
        found.changed(place, "profiles", f"every server is in a profile ({names}): all of them run")
        return servers
    for each in servers:
        if not each.active:
            names = listing(each.profiles)
            why = f"it is in a profile that is not active; COMPOSE_PROFILES={each.profiles[0]} starts it"
            found.left_out(each.service.place, f"service {each.service.name} ({names})", why)
    return active


def _rest(service: Service, content: Table, found: Found) -> None:
    taken: list[Path] = [(name,) for name in (*_TAKEN, *content) if name in _TAKEN or name.startswith("x-")]
    deploy = content.get("deploy")
    if deploy is not None and isinstance(deploy.value, dict) and set(deploy.value) <= {"replicas", "mode"}:
        taken.append(("deploy",))
    leave_rest(content, f"service {service.name}", taken, _REASONS, found)


def _launches(service: Service, project: Project) -> Iterator[Launch]:
    entrypoint, command = service.last("entrypoint"), service.last("command")
    own, given = project.words(entrypoint), project.words(command)
    place = next((each.place for each in (command, entrypoint) if each is not None), service.place)
    image = service.last("image")
    name = Word("" if image is None else project.text(image.value, image.place), service.place)
    count = _replicas(service, project)
    if count == 0:
        project.found.left_out(service.place, f"service {service.name}", "it has no replicas")
        return
    words = container_words(
        name,
        None if own is None else [Word(text, place) for text in own],
        [Word(text, place) for text in given or ()],
    )
    if not any("nats-streaming" in word.text or "/" in word.text for word in words) and not has_own_flags(
        words
    ):
        return  # its variables, which may be of files that are not there, do not matter
    title = f"service {service.name}"
    environment = project.environment(service)
    for each in launches(
        words,
        title,
        environment,
        lambda path: _file(path, service, project),
        service.layers[-1].file,
        project.found,
    ):
        yield replace(each, place=place, count=count)


def _replicas(service: Service, project: Project) -> int:
    deploy = service.last("deploy")
    entry = service.last("scale")
    if entry is None and deploy is not None and isinstance(deploy.value, dict):
        entry = deploy.value.get("replicas")
    if entry is None:
        return 1
    text = project.text(entry.value, entry.place)
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) > _MOST_REPLICAS:
        project.found.problem(
            entry.place, f"the number of replicas is {text[:20]!a}: it has to be 0 to {_MOST_REPLICAS}"
        )
        return 1
    return int(text)


def _file(path: str, service: Service, project: Project) -> GivenFile | None:
    """Return the file that a container of the service has at `path`."""
    folder = service.last("working_dir")
    if not path.startswith("/") and folder is not None:
        path = posixpath.normpath(posixpath.join(project.text(folder.value, folder.place), path))
    mounts: dict[str, tuple[str, GivenFile]] = {}
    for entry, layer in service.every("volumes"):
        for value in entry.value if isinstance(entry.value, list) else ():
            mount = _mount(value, entry.place, project)
            if mount is not None:
                mounts[mount[1]] = (mount[0], layer.file)
    for kind, folder_there in _FOLDERS.items():
        for entry, _ in service.every(kind):
            for value in entry.value if isinstance(entry.value, list) else ():
                config = _config(value, entry.place, project, kind)
                if config is None:
                    continue
                source, target, file = config
                target = posixpath.join(folder_there, target)
                if isinstance(source, GivenFile):
                    if target == path:
                        return source
                else:
                    mounts[target] = (source, file)
    on = on_machine(path, [(source, target) for target, (source, _) in mounts.items()])
    beside = next(
        (file for source, file in mounts.values() if on.startswith(source)), service.layers[-1].file
    )
    return project.files.find(on, beside)


def _mount(value: object, place: Place, project: Project) -> tuple[str, str] | None:
    """Return the source and the target of a file or folder of the machine; None for a volume."""
    if isinstance(value, dict):
        source = project.text(value["source"].value, place) if "source" in value else ""
        target = project.text(value["target"].value, place) if "target" in value else ""
    else:
        text = project.text(value, place) if isinstance(value, str) else ""
        source, _, rest = text.partition(":")
        target = rest.partition(":")[0]
    return (source, target) if source.startswith(("/", ".", "~")) and target else None


def _config(
    value: object, place: Place, project: Project, kind: str
) -> tuple[str | GivenFile, str, GivenFile] | None:
    """Return the source of a config or secret, a path or a text, its path in the container, and its file."""
    source = value["source"].value if isinstance(value, dict) and "source" in value else value
    name = project.text(source, place) if isinstance(source, str) else ""
    if (kind, name) not in project.configs:
        return None
    table, file = project.configs[kind, name]
    target = value["target"].value if isinstance(value, dict) and "target" in value else name
    path = project.text(target, place)
    if "content" in table:
        entry = table["content"]
        text = project.text(entry.value, entry.place)
        return GivenFile(file.name, text, file.folder, first_line=entry.place.line + 1), path, file
    if "file" in table:
        return project.text(plain(table["file"].value), place), path, file
    if "environment" in table:
        held = project.variables.get(project.text(plain(table["environment"].value), place))
        return None if held is None else (GivenFile(file.name, held, file.folder), path, file)
    return None
