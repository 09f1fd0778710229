"""A dockerd of the test's own, which can be stopped, killed and started again: the machine's is shared.

It has a network namespace of its own, so that it touches neither the host's bridges nor its firewall, and a
containerd of its own beside it, as a service manager starts it: that one and the containers outlive a kill.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import docker

from stanlocal.engine.docker.ping import Answer, Target, ping

_NAMESPACES = ("unshare", "--net", "--mount")
_START_S = 60.0
_STOP_S = 60.0


def may_run() -> bool:
    """Return whether dockerd is installed and namespaces may be made."""
    if os.geteuid() != 0 or None in map(shutil.which, ("dockerd", "containerd", "nsenter", "unshare")):
        return False
    return subprocess.run([*_NAMESPACES, "true"], capture_output=True).returncode == 0


class OwnEngine:
    """A dockerd with a socket, folders and a network of its own; `holder` keeps its namespaces."""

    def __init__(self, folder: Path, holder: int) -> None:
        self._folder = folder
        self._holder = holder
        self.socket = folder / "docker.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self._containerd = self._run(
            "containerd",
            *("--address", f"{folder}/containerd.sock", "--root", f"{folder}/containerd"),
            *("--state", f"{folder}/containerd-state", "--log-level", "warn"),
        )

    @property
    def url(self) -> str:
        """The address of its socket."""
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Start the daemon; return once it answers."""
        self._process = self._run(
            "dockerd",
            *("--host", self.url, "--data-root", f"{self._folder}/data"),
            *("--exec-root", f"{self._folder}/exec", "--pidfile", f"{self._folder}/pid"),
            *("--containerd", f"{self._folder}/containerd.sock"),
        )
        deadline = time.monotonic() + _START_S
        while not isinstance(ping(Target(self.url), 1), Answer):
            assert self._process.poll() is None, self._log()
            assert time.monotonic() < deadline, self._log()
            time.sleep(0.05)  # no event tells when a daemon begins to answer

    def _run(self, *daemon: str) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen([*self.inside(), "--mount", *daemon], stderr=log)

    def _log(self) -> str:
        return (self._folder / "log").read_text("utf-8", "replace")[-2000:]

    def stop(self) -> None:
        """Stop the daemon as systemd does; its containers end with it."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the daemon as an out-of-memory killer would; its containers run on until it is started."""
        self._end(signal.SIGKILL)

    def _end(self, by: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(by)
            self._process.wait(_STOP_S)
            self._process = None

    def close(self) -> None:
        """Stop everything."""
        self.stop()
        self._containerd.terminate()
        self._containerd.wait(_STOP_S)

    def inside(self) -> list[str]:
        """The words that run a command in the engine's network, where its ports are published."""
        return ["nsenter", "--target", str(self._holder), "--net"]

    def load(self, image: str, source: docker.DockerClient) -> None:
        """Give it an image that `source` has."""
        with closing(self.client()) as client:
            client.images.load(b"".join(source.images.get(image).save(named=True)))

    def client(self) -> docker.DockerClient:
        """A new client of the engine, which must answer."""
        return docker.DockerClient(base_url=self.url, version="auto")


@contextmanager
def own_engine(folder: Path) -> Iterator[OwnEngine]:
    """An engine that runs; the daemon is gone afterwards."""
    script = "ip link set lo up && echo up && exec sleep infinity"
    with subprocess.Popen([*_NAMESPACES, "sh", "-c", script], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"up\n"
            engine = OwnEngine(folder, holder.pid)
            try:
                engine.start()
                yield engine
            finally:
                engine.close()
        finally:
            holder.kill()
