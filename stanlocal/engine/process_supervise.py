"""The small parent of one server: starts it, keeps its output, and records what becomes of it.

Somebody has to be there when a server ends, to learn its exit code, and to take its output meanwhile;
the tool that started it is long gone by then. So each server has a parent of its own, a Python without
packages (some 4 MB of its own memory, ready in about 25 ms) that is detached from the tool:

- It holds the lock of the node's folder while it lives, so that there is never a second one; a node that
  was removed meanwhile has no lock to take.
- It writes the record of the run before the server may begin. A server without a record cannot be,
  whoever is killed whenever.
- It sees the server stop, go on and end, whoever's doing that is, and records it at once.
- If it is killed itself, the server is found by its record; it ends with the next line that it writes.

Its environment and the server's are clean; the server runs in a session of its own, with files that are
its user's only, without core dumps.

    python -m stanlocal.engine.process_supervise FOLDER CONF_DIR STORE_DIR USER SERVER [ARGUMENT...]

runs in the background and prints, as soon as the server does or will not, `started`, `busy`, `gone` or
`refused REASON`. USER is `uid:gid`, or `-` for the caller's own.
"""

from __future__ import annotations

import fcntl
import os
import resource
import select
import signal
import sys
import time
from contextlib import suppress

from stanlocal.engine.process_birth import birth_of
from stanlocal.engine.process_segments import SegmentWriter, stamp

RUN = "run"
LOCK = "lock"
LOG = "log"
PROBLEMS = "supervisor.log"
STORE_FD = 3
"""Under which a server of another user than the caller finds the store; see `stanlocal.engine.process`."""
SAME_USER = "-"

_OPEN_FILES = 10_240
"""At most; macOS allows no more."""
_OWN_FDS = 64
"""Descriptors from here on are not in the way of `STORE_FD`."""
_CHUNK = 1 << 16
_RETRY_S = 1.0
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "TZ": "UTC"}


class Run:
    """The record of one run: a file of lines `name value`, replaced as a whole."""

    def __init__(self, number: int) -> None:
        self._facts: dict[str, object] = {"number": number, "supervisor": identity(os.getpid())}
        self.problem: str | None = None
        """Why the file does not say yet what is known."""

    def note(self, **facts: object) -> None:
        """Adds what is known now."""
        self._facts.update(facts)
        self.write()

    def write(self) -> None:
        """Brings the file up to date, if the disk allows."""
        text = "".join(f"{name} {value}\n" for name, value in self._facts.items())
        try:
            with open(f".{RUN}", "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
            os.replace(f".{RUN}", RUN)
        except OSError as error:
            self.problem = f"cannot write the record of the run: {error.strerror}"
        else:
            self.problem = None


def identity(pid: int) -> str:
    return f"{pid} {birth_of(pid)}"


def last_number() -> int:
    """Of the run before this one; 0 when there was none."""
    try:
        with open(RUN, encoding="utf-8") as file:
            return int(file.readline().split()[1])
    except FileNotFoundError:
        return 0


def take_lock(folder: str) -> str | None:
    """Holds the node's lock for as long as this process lives; else says why it cannot be had."""
    try:
        lock = os.open(LOCK, os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        removed = not os.path.samestat(os.fstat(lock), os.stat(f"{folder}/{LOCK}"))
    except BlockingIOError:
        return "busy"
    except FileNotFoundError:
        return "gone"
    return "gone" if removed else None


class Server:
    """The server's process, from just before it begins."""

    def __init__(self, conf_dir: str, store_dir: str, user: str, command: list[str]) -> None:
        self.output, output = os.pipe()
        gate, self._gate = os.pipe()
        self._refusal, refusal = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._gate)
            _become_server(gate, output, refusal, conf_dir, store_dir, user, command)
        for theirs in (gate, output, refusal):
            os.close(theirs)
        os.set_blocking(self.output, False)

    def begin(self) -> str:
        """Lets it begin; why it could not, or nothing."""
        os.write(self._gate, b".")
        os.close(self._gate)
        return os.read(self._refusal, 4096).decode("utf-8", "replace")


def _become_server(
    gate: int, output: int, refusal: int, conf_dir: str, store_dir: str, user: str, command: list[str]
) -> None:
    """In the forked child; never returns. Whoever holds the gate may be killed: then nothing begins."""
    try:
        if not os.read(gate, 1):
            os._exit(0)
        os.setsid()
        for number in (signal.SIGPIPE, signal.SIGINT):  # Python, or who started it, may ignore them
            signal.signal(number, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        files = _OPEN_FILES if most == resource.RLIM_INFINITY else min(_OPEN_FILES, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        os.chdir(conf_dir)
        executable: str | int = command[0]
        if user != SAME_USER:
            output, refusal = (
                fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, _OWN_FDS) for each in (output, refusal)
            )
            executable = _become(user, command[0], store_dir)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.execve(executable, command, _ENVIRONMENT)
    except (OSError, ValueError) as error:
        os.write(refusal, f"{command[0]}: {error}".encode())
    finally:
        os._exit(127)


def _become(user: str, executable: str, store_dir: str) -> int:
    """Gives up root for good; what the user may not reach by its path is opened before.

    The executable's descriptor is not closed by the exec: a script's interpreter opens it by its name.
    """
    file = fcntl.fcntl(os.open(executable, os.O_RDONLY), fcntl.F_DUPFD, _OWN_FDS)
    os.dup2(os.open(store_dir, os.O_RDONLY), STORE_FD)
    uid, gid = map(int, user.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    return file


def supervise(server: Server, run: Run, writer: SegmentWriter) -> None:
    """Takes the server's output until it has ended, and records what happens to it."""
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(server.pid, signal.SIGTERM))
    sources = [server.output, woken]
    while (code := _what_became_of(server.pid, run)) is None:
        ready, _, _ = select.select(sources, [], [], _RETRY_S if run.problem else None)
        if server.output in ready and not _copy(server.output, writer):
            sources.remove(server.output)
        if woken in ready:
            os.read(woken, _CHUNK)
        if run.problem:
            run.write()
    finished = stamp(time.time_ns())
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with suppress(ProcessLookupError, PermissionError):  # nobody; macOS says the latter of the dead
        os.killpg(server.pid, signal.SIGKILL)  # what it started and left behind ends with it
    while _copy(server.output, writer):
        pass
    writer.close()
    run.note(status="exited", finished=finished, code=code)
    while run.problem and os.path.exists(LOCK):
        time.sleep(_RETRY_S)
        run.write()


def _copy(output: int, writer: SegmentWriter) -> bool:
    """Takes a piece of what was written; whether there was any."""
    try:
        data = os.read(output, _CHUNK)
    except BlockingIOError:
        return False
    writer.write(data)
    return bool(data)


def _what_became_of(pid: int, run: Run) -> int | None:
    """Records that the server was stopped or goes on; its exit code, once it has ended."""
    found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
    if found == 0:
        return None
    if os.WIFSTOPPED(status) or os.WIFCONTINUED(status):
        state = "paused" if os.WIFSTOPPED(status) else "running"
        run.note(status=state, changed=stamp(time.time_ns()))
        return None
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def main(folder: str, conf_dir: str, store_dir: str, user: str, *command: str) -> None:
    os.umask(0o077)
    os.chdir(folder)
    refusal = take_lock(folder)
    if refusal:
        print(refusal)  # noqa: T201
        return
    if os.fork():
        os._exit(0)  # now the one that goes on is nobody's child, and nobody has to wait for it
    os.setsid()
    problems = os.open(PROBLEMS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(problems, 2)
    writer = SegmentWriter(LOG)
    server = Server(conf_dir, store_dir, user, list(command))
    run = Run(last_number() + 1)
    run.note(status="running", started=stamp(time.time_ns()), server=identity(server.pid))
    refused = run.problem or server.begin()
    if refused:
        run.note(status="refused", error=refused.replace("\n", " "))
    os.write(1, f"refused {refused}".encode() if refused else b"started")
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    if not refused:
        supervise(server, run, writer)


if __name__ == "__main__":
    main(*sys.argv[1:])
