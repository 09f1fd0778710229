"""The server's process, from the fork to the server's first instruction.

It has a clean environment, a session of its own, files that only its user can read, no core dumps, and
another user if requested.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import sys

STORE_FD = 3
"""Descriptor of the store in a server of another user than the caller; see `process.engine`."""
SAME_USER = "-"

OPEN_FILES = 10_240
"""Most open files; macOS allows no more."""
_OWN_FDS = 64
"""Lowest descriptor for other uses, well above `STORE_FD`."""
_GO, _FULL = b".", b"f"
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "TZ": "UTC"}


class Server:
    """The server's process, from just before it begins."""

    def __init__(self, conf_dir: str, store_dir: str, user: str, command: list[str]) -> None:
        self._user = user
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

    def begin(self, full: bool) -> str:
        """Let the server begin, with a full disk or not; return why it could not, or an empty string."""
        os.write(self._gate, _FULL if full else _GO)
        os.close(self._gate)
        return os.read(self._refusal, 4096).decode("utf-8", "replace")

    def let_files_grow(self, grow: bool) -> None:
        """Allow or forbid that the server extends files; a server that may not behaves as on a full disk.

        Raises `OSError`, always on systems other than Linux, which alone can limit a running process.
        """
        if self._user == SAME_USER:
            _limit_files(self.pid, grow)
            return
        helper = os.fork()  # as the server's user, since root may lack the permission
        if helper == 0:
            code = 0
            try:
                _give_up_root(self._user)
                _limit_files(self.pid, grow)
            except OSError as error:
                code = error.errno or errno.EPERM
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(helper, 0)[1])
        if code:
            raise OSError(code, os.strerror(code))


def _limit_files(pid: int, grow: bool) -> None:
    if sys.platform != "linux":
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most if grow else 0, most))


def allow_open_files() -> int:
    """Raise the limit of open files for this process and its children; return the limit."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    return files


def _become_server(
    gate: int, output: int, refusal: int, conf_dir: str, store_dir: str, user: str, command: list[str]
) -> None:
    """Turn the forked child into the server; never returns. If the gate's holder is killed, exit."""
    try:
        word = os.read(gate, 1)
        if not word:
            os._exit(0)
        os.setsid()
        for number in (signal.SIGPIPE, signal.SIGINT):  # Python, or its parent, may ignore them
            signal.signal(number, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.chdir(conf_dir)
        executable: str | int = command[0]
        if user != SAME_USER:
            output, refusal = (
                fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, _OWN_FDS) for each in (output, refusal)
            )
            executable = _become(user, command[0], store_dir)
        if word == _FULL:
            _limit_files(os.getpid(), grow=False)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.execve(executable, command, _ENVIRONMENT)
    except (OSError, ValueError) as error:
        os.write(refusal, f"{command[0]}: {error}".encode())
    finally:
        os._exit(127)


def _become(user: str, executable: str, store_dir: str) -> int:
    """Give up root for good, after opening the files that the user may not reach by path.

    The executable's descriptor survives the exec: a script's interpreter opens it by its name.
    """
    file = fcntl.fcntl(os.open(executable, os.O_RDONLY), fcntl.F_DUPFD, _OWN_FDS)
    os.dup2(os.open(store_dir, os.O_RDONLY), STORE_FD)
    _give_up_root(user)
    return file


def _give_up_root(user: str) -> None:
    uid, gid = map(int, user.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
