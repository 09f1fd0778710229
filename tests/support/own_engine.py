"""A dockerd of the test's own, which can be stopped, killed and started again: the machine's is shared.

It has a network namespace of its own, so that it touches neither the host's bridges nor its firewall, and a
containerd of its own beside it, as a service manager starts it: that one and the containers outlive a kill.
All of it can also go down at once, as a machine without power does.
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
from stanlocal.machine.process_identity import birth_of
from tests.support.processes import kill_all

_NAMESPACES = ("unshare", "--net", "--mount")
_START_S = 60.0
_STOP_S = 60.0


def may_run() -> bool:
    """Return whether dockerd is installed and namespaces may be made."""
    if os.geteuid() != 0 or None in map(shutil.which, ("dockerd", "containerd", "nsenter", "unshare")):
        return False
    return subprocess.run([*_NAMESPACES, "true"], capture_output=True).returncode == 0


class OwnEngine:
    """A dockerd with a socket, folders and a network of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runtime = folder / "run"
        self.socket = self._runtime / "docker.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self._boot()

    def _boot(self) -> None:
        """Make namespaces and start containerd in them."""
        self._runtime.mkdir()
        script = "ip link set lo up && echo up && exec sleep infinity"
        self._holder = subprocess.Popen([*_NAMESPACES, "sh", "-c", script], stdout=subprocess.PIPE)
        assert self._holder.stdout is not None
        with self._holder.stdout as said:
            assert said.readline() == b"up\n"
        self._containerd = self._run(
            "containerd",
            *("--address", f"{self._runtime}/containerd.sock", "--root", f"{self._folder}/containerd"),
            *("--state", f"{self._runtime}/state", "--log-level", "warn"),
        )

    @property
    def url(self) -> str:
        """The address of its socket."""
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Start the daemon, and what it needs if that went down with it; return once it answers."""
        if self._holder.poll() is not None:
            self._boot()
        self._process = self._run(
            "dockerd",
            *("--host", self.url, "--data-root", f"{self._folder}/data"),
            *("--exec-root", f"{self._runtime}", "--pidfile", f"{self._runtime}/docker.pid"),
            *("--containerd", f"{self._runtime}/containerd.sock"),
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

    def crash(self) -> None:
        """End everything at once as a loss of power does: daemons, containers, commands inside.

        With them go the network, all mounts, and the files that lie in /run on a machine. What was written
        to the disk stays; the page cache cannot be lost.
        """
        kill_all(self._members)
        for child in (self._process, self._containerd, self._holder):
            if child is not None:
                child.wait(_STOP_S)
        self._process = None
        for address in self._runtime.glob("state/*/*/*/address"):  # a shim's socket, in the machine's /run
            Path(address.read_text().removeprefix("unix://")).unlink(missing_ok=True)
        shutil.rmtree(self._runtime)

    def _members(self) -> list[int]:
        """The processes in the engine's network, daemons first, and those of its containers."""
        mine = _namespace(self._holder.pid)
        containers = [path.name for path in (self._folder / "data" / "containers").glob("*")]
        there = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
        inside = [pid for pid in there if mine is not None and _namespace(pid) == mine]
        return inside + [pid for pid in there if _is_of(containers, pid)]

    def close(self) -> None:
        """Stop everything."""
        if self._holder.poll() is None:
            self.stop()
            self._containerd.terminate()
            self._containerd.wait(_STOP_S)
            self._holder.kill()
            self._holder.wait(_STOP_S)

    def inside(self) -> list[str]:
        """The words that run a command in the engine's network, where its ports are published."""
        return ["nsenter", "--target", str(self._holder.pid), "--net"]

    def load(self, image: str, source: docker.DockerClient) -> None:
        """Load an image that `source` has into the engine."""
        with closing(self.client()) as client:
            client.images.load(b"".join(source.images.get(image).save(named=True)))

    def client(self) -> docker.DockerClient:
        """A new client of the engine, which must answer."""
        return docker.DockerClient(base_url=self.url, version="auto")


def _namespace(pid: int) -> str | None:
    """Return the network of a process; None once it has ended."""
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return None


def _is_of(containers: list[str], pid: int) -> bool:
    """Return whether the process runs in one of the containers: its control group names that."""
    try:
        groups = Path(f"/proc/{pid}/cgroup").read_text("ascii")
        return any(each in groups for each in containers) and birth_of(pid) is not None
    except OSError:  # it has ended
        return False


@contextmanager
def own_engine(folder: Path) -> Iterator[OwnEngine]:
    """An engine that runs; the daemon is gone afterwards."""
    engine = OwnEngine(folder)
    try:
        engine.start()
        yield engine
    finally:
        engine.close()
