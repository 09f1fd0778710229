"""An FT group of nats-streaming-server processes on this machine, for the client's tests.

Every wait is for a log line or a process's end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from tests.support.binary import find_server
from tests.support.ports import free_ports

READY = "Streaming Server is ready"
STANDBY = "Starting in standby mode"
CLUSTER_ID = "test-cluster"


class Node:
    """One server process and its log."""

    def __init__(self, name: str, command: Sequence[str | Path], port: int) -> None:
        self.name = name
        self.port = port
        self.url = f"nats://127.0.0.1:{port}"
        self._command = command
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._news = threading.Condition()
        self._lines: list[tuple[float, str]] = []

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the process with an empty log."""
        assert not self.running
        self._lines = []
        self._process = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, args=(self._process, self._lines), daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[str], lines: list[tuple[float, str]]) -> None:
        assert process.stderr is not None
        with process.stderr as log:
            for line in log:
                with self._news:
                    lines.append((time.monotonic(), line.rstrip()))
                    self._news.notify_all()
        process.wait()
        with self._news:
            self._news.notify_all()

    def seen(self, text: str) -> float | None:
        """When the first line with that text came, since the last start (`time.monotonic`)."""
        return next((at for at, line in self._lines if text in line), None)

    def wait_for(self, text: str, timeout: float = 15) -> float:
        """When that line came; waits for it."""
        with self._news:
            ended = self._news.wait_for(lambda: self.seen(text) is not None or not self.running, timeout)
        at = self.seen(text)
        assert ended, f"{self.name}: no line with {text!r} within {timeout} s:\n{self.log_tail()}"
        assert at is not None, f"{self.name} ended before a line with {text!r}:\n{self.log_tail()}"
        return at

    def log_tail(self) -> str:
        return "\n".join(line for _, line in self._lines[-30:])

    def kill(self, how: signal.Signals = signal.SIGKILL) -> float:
        """End the process and return when it was (`time.monotonic`)."""
        assert self._process is not None
        at = time.monotonic()
        self._process.send_signal(how)
        self._process.wait(timeout=15)
        self._drain_log()
        return at

    def _drain_log(self) -> None:
        assert self._reader is not None
        self._reader.join(timeout=15)

    def pause(self) -> None:
        """Returns when it is frozen: its threads may run on for a moment after the signal."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED)

    def unpause(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


class Group:
    """N nodes over one store; the first to be ready is the active."""

    def __init__(
        self,
        folder: Path,
        nodes: int = 2,
        *,
        ft: bool = True,
        streaming: str = "",
        top: str = "",
        limits: str = "",
        cluster_id: str = CLUSTER_ID,
        explicit_routes: bool = True,
    ) -> None:
        binary = find_server()
        assert binary is not None, "no nats-streaming-server binary"
        folder.mkdir(parents=True, exist_ok=True)
        self.cluster_id = cluster_id
        self.monitor_ports = free_ports(nodes)
        client_ports, self.route_ports = free_ports(nodes), free_ports(nodes)
        self.nodes: list[Node] = []
        self._confs: list[tuple[Path, str]] = []
        store = f'store: "FILE", dir: "{folder / "store"}"' if ft or "store:" not in streaming else ""
        for index, port in enumerate(client_ports):
            text = f"""
                listen: "127.0.0.1:{port}"
                http: "127.0.0.1:{self.monitor_ports[index]}"
                server_name: "node-{index}"
                {top}
                streaming {{
                  cluster_id: "{cluster_id}"
                  {'ft_group: "ft"' if ft else ""}
                  {store}
                  {streaming}
                  store_limits {{ max_channels: 0, {limits} }}
                }}
                """
            conf = folder / f"node-{index}.conf"
            self._confs.append((conf, text))
            conf.write_text(text)
            self.nodes.append(Node(f"node-{index}", [binary, "-c", conf], port))
            if ft:
                self.set_routes(index, self.route_ports if explicit_routes else [])

    def set_routes(self, index: int, ports: Sequence[int]) -> None:
        """Have that node look for its peers at these ports, from its next start on."""
        conf, text = self._confs[index]
        routes = ", ".join(f'"nats-route://127.0.0.1:{port}"' for port in ports)
        own = f'cluster {{ name: "c", listen: "127.0.0.1:{self.route_ports[index]}", routes: [{routes}] }}'
        conf.write_text(f"{own}\n{text}")

    @property
    def urls(self) -> list[str]:
        return [node.url for node in self.nodes]

    @property
    def active(self) -> Node:
        """The running node that said it is ready."""
        return next(node for node in self.nodes if node.running and node.seen(READY) is not None)

    @property
    def standbys(self) -> list[Node]:
        return [node for node in self.nodes if node.running and node.seen(READY) is None]

    def start(self) -> None:
        """Start all, the first one first, and wait until it serves and the others stand by."""
        self.nodes[0].start()
        self.nodes[0].wait_for(READY)
        for node in self.nodes[1:]:
            node.start()
            node.wait_for(STANDBY)
        for node in self.nodes[1:]:
            node.wait_for("Route connection created")

    def wait_ready(self, timeout: float = 15) -> float:
        """When a node that runs said it is ready; waits for it."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for node in self.nodes:
                if node.running and (at := node.seen(READY)) is not None:
                    return at
            with self.nodes[0]._news:  # wakes for one node's lines; the others are looked at in between
                self.nodes[0]._news.wait(0.005)
        raise AssertionError("no node became ready:\n" + "\n".join(node.log_tail() for node in self.nodes))

    def kill_active(self) -> tuple[Node, float]:
        """kill -9 the active; which one and when."""
        node = self.active
        return node, node.kill()

    def restore(self) -> None:
        """Every node runs, unpaused, one of them ready."""
        for node in self.nodes:
            if node.running:
                node.unpause()
        started = [node for node in self.nodes if not node.running]
        for node in started:
            node.start()
            node.wait_for(STANDBY)
        self.wait_ready()

    def stop(self) -> None:
        for node in self.nodes:
            if node.running:
                node.unpause()
                node.kill()

    def __enter__(self) -> Group:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


Factory = Callable[..., Group]
