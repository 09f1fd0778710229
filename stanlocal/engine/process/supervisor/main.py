"""The small parent of one server: it starts the server, keeps its output, and records its pauses and end.

Only a living parent learns a server's exit code and reads its output, and the tool that started the server
ends long before. So each server has a parent of its own, a Python without packages (some 4 MB of its own
memory, ready in about 25 ms) that is detached from the tool:

- It holds the lock of the node's folder while it lives, so that there is never a second one; a node that
  was removed meanwhile has no lock to take.
- It writes the record of the run before the server may begin, so that no server lacks a record, whichever
  process is killed at any moment.
- It records at once when the server pauses, resumes or ends, whatever the cause.
- It listens on all ports of the server and cuts connections as the nodes' folders say (`relay`). On
  SIGUSR1 it reads those folders again and records that it has.
- If it is killed itself, the server is found by its record; the server ends at its next line of output.

    python -m stanlocal.engine.process.supervisor.main FOLDER CONF_DIR STORE_DIR USER PORTS SERVER [ARG...]

runs in the background and prints, once the server runs or has failed to start, `started`, `busy`, `gone`,
`taken PORT` or `refused REASON`. USER is `uid:gid`, or `-` for the caller's own; PORTS are those to forward,
each as `relay.ForwardedPort` writes it, separated by commas.
"""

from __future__ import annotations

import fcntl
import os
import selectors
import signal
import sys
import time
from contextlib import suppress

from stanlocal.engine.process.supervisor.link import turn
from stanlocal.engine.process.supervisor.relay import ForwardedPort, PortTaken, Relay, cuts_in
from stanlocal.engine.process.supervisor.run_record import RunRecord, identity, last_number
from stanlocal.engine.process.supervisor.segments import SegmentWriter, stamp
from stanlocal.engine.process.supervisor.spawn import Server, allow_open_files

LOCK = "lock"
LOG = "log"
PROBLEMS = "supervisor.log"
FULL = ".full"
"""File in the nodes' folder that exists while the disk counts as full: no server may extend a file."""

_CHUNK = 1 << 16
_RETRY_S = 1.0
_DRAIN_S = 0.2
"""Most seconds for clients to read the last bytes of a server that ended."""


def take_lock(folder: str) -> str | None:
    """Hold the node's lock for as long as this process lives; return the refusal, or None."""
    try:
        lock = os.open(LOCK, os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        removed = not os.path.samestat(os.fstat(lock), os.stat(f"{folder}/{LOCK}"))
    except BlockingIOError:
        return "busy"
    except FileNotFoundError:
        return "gone"
    return "gone" if removed else None


class Supervisor:
    """The supervision of one server, from just before it begins until it has ended."""

    def __init__(
        self, server: Server, run: RunRecord, relay: Relay, selector: selectors.BaseSelector
    ) -> None:
        self._server = server
        self._run = run
        self._relay = relay
        self._selector = selector
        self._writer = SegmentWriter(LOG)
        self._code: int | None = None
        self._full = False
        self._woken, wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        for number in (signal.SIGCHLD, signal.SIGUSR1):
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: os.kill(server.pid, signal.SIGTERM))
        selector.register(server.output, selectors.EVENT_READ, self._copy)
        selector.register(self._woken, selectors.EVENT_READ, self._wake)

    def begin(self) -> str:
        """Record the run and let the server begin; return the word for the waiting tool."""
        started = stamp(time.time_ns())
        self._run.note(status="running", started=started, server=identity(self._server.pid))
        try:
            self._relay.apply(cuts_in(".."))
            self._full = _disk_is_full()
            refused: str | None = self._run.problem or self._server.begin(self._full)
        except PortTaken as taken:
            self._run.note(status="refused", error=taken.strerror)
            return f"taken {taken.port}"
        except OSError as error:
            refused = error.strerror
        if refused:
            self._relay.refuse()
            self._run.note(status="refused", error=refused.replace("\n", " "))
            return f"refused {refused}"
        return "started"

    def supervise(self) -> None:
        """Return once the server has ended and its end is recorded."""
        self._record_changes()
        while self._code is None:
            turn(self._selector, _RETRY_S if self._run.problem else None)
            if self._run.problem:
                self._run.write()
        finished = stamp(time.time_ns())
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        # Without a process left the call raises ProcessLookupError, on macOS PermissionError for ended ones.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._server.pid, signal.SIGKILL)  # children that it left behind end with it
        while self._copy():
            pass
        self._stop_copying()
        self._writer.close()
        self._relay.refuse()
        self._run.note(status="exited", finished=finished, code=self._code)
        self._relay.drain(_DRAIN_S)
        while self._run.problem and os.path.exists(LOCK):
            time.sleep(_RETRY_S)
            self._run.write()

    def _copy(self, _: int = 0) -> bool:
        """Copy one chunk of output to the log; return whether there was any."""
        try:
            data = os.read(self._server.output, _CHUNK)
        except BlockingIOError:
            return False
        self._writer.write(data)
        if not data:
            self._stop_copying()
        return bool(data)

    def _stop_copying(self) -> None:
        if self._server.output in self._selector.get_map():
            self._selector.unregister(self._server.output)

    def _wake(self, _: int) -> None:
        numbers = os.read(self._woken, _CHUNK)
        if signal.SIGCHLD in numbers:
            self._record_changes()
        if signal.SIGUSR1 in numbers and self._code is None:
            self._look_again()

    def _record_changes(self) -> None:
        """Record that the server was paused, resumed, or has ended."""
        while self._code is None:
            found, status = os.waitpid(self._server.pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            if found == 0:
                return
            if os.WIFSTOPPED(status) or os.WIFCONTINUED(status):
                state = "paused" if os.WIFSTOPPED(status) else "running"
                self._run.note(status=state, changed=stamp(time.time_ns()))
            elif os.WIFSIGNALED(status):
                self._code = 128 + os.WTERMSIG(status)
            else:
                self._code = os.WEXITSTATUS(status)

    # Requests

    def _look(self) -> None:
        """Apply cuts and limits as the group's folders say; raises `PortTaken` or another `OSError`."""
        full = _disk_is_full()
        if full != self._full:
            self._server.let_files_grow(not full)
            self._full = full
        self._relay.apply(cuts_in(".."))

    def _look_again(self) -> None:
        facts: dict[str, object] = {"looked": time.monotonic_ns(), "taken": None, "unable": None}
        try:
            self._look()
        except PortTaken as taken:
            facts["taken"] = taken.port
        except OSError as error:
            facts["unable"] = error.strerror
        self._run.note(**facts)


def _disk_is_full() -> bool:
    return os.path.exists(f"../{FULL}")


def main(folder: str, conf_dir: str, store_dir: str, user: str, ports: str, *command: str) -> None:
    os.umask(0o077)
    os.chdir(folder)
    refusal = take_lock(folder)
    if refusal:
        print(refusal)  # noqa: T201
        return
    if os.fork():
        os._exit(0)  # the child that continues is adopted by init, so no one has to wait for it
    os.setsid()
    problems = os.open(PROBLEMS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(problems, 2)
    selector = selectors.DefaultSelector()
    open_files = allow_open_files()
    relay = Relay(
        os.path.basename(folder),
        [ForwardedPort.parse(port) for port in ports.split(",")],
        selector,
        open_files,
    )
    server = Server(conf_dir, store_dir, user, list(command))
    supervisor = Supervisor(server, RunRecord(last_number() + 1), relay, selector)
    answer = supervisor.begin()
    os.write(1, answer.encode())
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    if answer == "started":
        supervisor.supervise()


if __name__ == "__main__":
    main(*sys.argv[1:])
