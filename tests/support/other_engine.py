"""A Docker Engine that is not this machine's: with addresses of its own, and without the caller's folders.

As in Docker-in-Docker, and on another machine: `dockerd` in namespaces of its own for network and mounts.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
import docker.errors

_UP_WITHIN_S = 30.0
_IDENTITY = "/etc/docker"
"""Folder in which an engine keeps the key of its id."""
_COMMANDS = ("dockerd", "ip", "nsenter", "unshare")


@dataclass(frozen=True, slots=True)
class OtherEngine:
    """An engine that answers."""

    url: str
    address: str
    """Address of the engine's machine, as this one sees it."""
    client: docker.DockerClient

    def load(self, image: str, source: docker.DockerClient) -> None:
        """Load an image that `source` has."""
        self.client.images.load(b"".join(source.images.get(image).save(named=True)))


def missing() -> str | None:
    """Return why this machine can have no other engine; None if it can."""
    if os.geteuid() != 0:
        return "an engine of one's own needs root"
    absent = [name for name in _COMMANDS if shutil.which(name) is None]
    return f"an engine of one's own needs {', '.join(absent)}" if absent else None


@contextmanager
def other_engine(hidden: Path) -> Iterator[OtherEngine]:
    """An engine that finds nothing in the folder `hidden`; it is gone afterwards with all that is in it."""
    name = f"t{secrets.token_hex(3)}"
    net = f"10.213.{secrets.randbelow(255)}"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="e-", dir="/tmp")))
        _network(stack, name, net)
        url = f"tcp://{net}.2:2375"
        log = stack.enter_context((folder / "log").open("wb"))
        command = (
            f"mount -t tmpfs none {hidden} && mount -t tmpfs none {_IDENTITY} && exec dockerd --host {url} "
            f"--tls=false --data-root {folder}/data --exec-root {folder}/exec --pidfile {folder}/pid "
            f"--cgroup-parent /{name}"
        )
        enter = ["nsenter", f"--net=/run/netns/{name}", "unshare", "--mount", "sh", "-c", command]
        daemon = subprocess.Popen(enter, stdout=log, stderr=subprocess.STDOUT)
        stack.callback(_end, daemon, name)
        client = docker.DockerClient(url, version="1.41")
        stack.callback(client.close)
        _wait(daemon, client, folder / "log")
        yield OtherEngine(url, f"{net}.2", client)


def _network(stack: ExitStack, name: str, net: str) -> None:
    """A pair of interfaces between this machine and a network namespace."""
    _ip("netns", "add", name)
    stack.callback(_ip, "netns", "del", name)
    _ip("link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b", "netns", name)
    _ip("address", "add", f"{net}.1/30", "dev", f"{name}a")
    _ip("link", "set", f"{name}a", "up")
    for inside in (
        ("address", "add", f"{net}.2/30", "dev", f"{name}b"),
        ("link", "set", f"{name}b", "up"),
        ("link", "set", "lo", "up"),
        ("route", "add", "default", "via", f"{net}.1"),
    ):
        _ip("-netns", name, *inside)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def _wait(daemon: subprocess.Popen[bytes], client: docker.DockerClient, log: Path) -> None:
    deadline = time.monotonic() + _UP_WITHIN_S
    while True:
        try:
            client.ping()
            return
        except (docker.errors.DockerException, OSError):
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(log.read_text()[-2000:]) from None
            time.sleep(0.05)


def _end(daemon: subprocess.Popen[bytes], name: str) -> None:
    daemon.terminate()
    daemon.wait(timeout=30)
    for group in Path("/sys/fs/cgroup").glob(f"*/{name}"):
        group.rmdir()
