"""Holders of a store's lock, by recorded lock tables and by real locks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.machine.locks import (
    LOCK_FILE,
    KernelLock,
    LockView,
    container_of,
    lock_holder,
    parse_proc_locks,
)

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows its locks")

TABLE = """\
1: POSIX  ADVISORY  WRITE 15068 fe:00:10001806 0 EOF
1: -> POSIX  ADVISORY  WRITE 15070 fe:00:10001806 0 EOF
2: FLOCK  ADVISORY  WRITE 4867 fe:00:794637 0 EOF
3: OFDLCK ADVISORY  READ -1 00:06:3 0 EOF
4: LEASE  ACTIVE    READ  4903 fe:00:10001806 0 EOF
5: POSIX  ADVISORY  READ 77 08:12:42 128 191
6: POSIX  ADVISORY  WRITE 0 00:29:2 0 EOF
"""


def test_the_kernels_table_is_read_line_by_line() -> None:
    locks = parse_proc_locks(TABLE)
    assert [(lock.kind, lock.mode, lock.pid, lock.inode, lock.waiting) for lock in locks] == [
        ("POSIX", "WRITE", 15068, 10001806, False),
        ("POSIX", "WRITE", 15070, 10001806, True),
        ("FLOCK", "WRITE", 4867, 794637, False),
        ("OFDLCK", "READ", -1, 3, False),
        ("LEASE", "READ", 4903, 10001806, False),
        ("POSIX", "READ", 77, 42, False),
        ("POSIX", "WRITE", 0, 2, False),
    ]
    assert locks[5].device == os.makedev(8, 18)


@given(
    st.one_of(
        st.text(), st.from_regex(r"\A\d+: *(-> )?[A-Z]+ +\S+ +[A-Z]+ +-?\d+ [0-9a-f]+:[0-9a-f]+:\d+ 0 EOF")
    )
)
def test_any_text_is_a_table_of_fewer_or_more_locks(text: str) -> None:
    assert all(isinstance(lock, KernelLock) for lock in parse_proc_locks(text))


def fake_proc(folder: Path, table: str) -> Path:
    """A /proc of a container: its pid namespace is not the machine's first."""
    (folder / "self" / "ns").mkdir(parents=True)
    (folder / "self" / "ns" / "pid").touch()
    (folder / "locks").write_text(table)
    return folder


def line_for(file: Path, template: str) -> str:
    """A line about that file."""
    status = file.stat()
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}"
    return template.format(f"{device}:{status.st_ino}") + "\n"


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    path = tmp_path / LOCK_FILE
    path.touch()
    return path


@pytest.mark.parametrize(
    ("template", "view"),
    [
        ("1: POSIX  ADVISORY  WRITE 15068 {} 0 EOF", LockView(visible=True, pid=15068)),
        ("1: POSIX  ADVISORY  WRITE 0 {} 0 EOF", LockView(visible=False)),
        ("1: POSIX  ADVISORY  WRITE -1 {} 0 EOF", LockView(visible=False)),
        ("1: -> POSIX  ADVISORY  WRITE 15068 {} 0 EOF", LockView(visible=False)),
        ("1: POSIX  ADVISORY  READ 15068 {} 0 EOF", LockView(visible=False)),
        ("1: FLOCK  ADVISORY  WRITE 15068 {} 0 EOF", LockView(visible=False)),
        ("1: OFDLCK ADVISORY  WRITE -1 {} 0 EOF", LockView(visible=False)),
        ("{}", LockView(visible=False)),
    ],
)
def test_only_a_write_lock_of_a_known_process_has_a_holder(
    lock_file: Path, tmp_path: Path, template: str, view: LockView
) -> None:
    """An unlisted lock may still be held by others in a container's namespace."""
    proc = fake_proc(tmp_path / "proc", line_for(lock_file, template))
    assert lock_holder(lock_file, proc) == view


def test_a_lock_on_a_file_of_the_same_number_elsewhere_is_another_lock(
    lock_file: Path, tmp_path: Path
) -> None:
    table = f"1: POSIX  ADVISORY  WRITE 15068 7f:01:{lock_file.stat().st_ino} 0 EOF\n"
    assert lock_holder(lock_file, fake_proc(tmp_path / "proc", table)).pid is None


def test_a_device_that_the_kernel_numbers_otherwise_is_recognised_by_the_open_file(
    lock_file: Path, tmp_path: Path
) -> None:
    """btrfs: `stat` and /proc/locks give the same file different devices."""
    table = f"1: POSIX  ADVISORY  WRITE 15068 7f:01:{lock_file.stat().st_ino} 0 EOF\n"
    proc = fake_proc(tmp_path / "proc", table)
    (proc / "15068" / "fd").mkdir(parents=True)
    (proc / "15068" / "fd" / "3").symlink_to(lock_file)
    assert lock_holder(lock_file, proc) == LockView(visible=True, pid=15068)


def test_where_all_locks_show_a_file_without_a_line_is_free(
    lock_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proc = fake_proc(tmp_path / "proc", "")
    assert lock_holder(lock_file, proc) == LockView(visible=False)
    first = (proc / "self" / "ns" / "pid").stat().st_ino
    monkeypatch.setattr("stanlocal.machine.locks.INITIAL_PID_NAMESPACE", first)
    assert lock_holder(lock_file, proc) == LockView(visible=True)


def test_a_system_without_a_lock_table_shows_nothing(lock_file: Path, tmp_path: Path) -> None:
    assert lock_holder(lock_file, tmp_path / "no-proc") == LockView(visible=False)


def test_a_file_that_does_not_exist_is_not_locked(tmp_path: Path) -> None:
    proc = fake_proc(tmp_path / "proc", "")
    assert lock_holder(tmp_path / LOCK_FILE, proc) == LockView(visible=True)


Hold = Callable[[Path], AbstractContextManager[int]]


@pytest.fixture
def hold() -> Hold:
    """Return a context manager: another process holds the lock, as the server does; yields its pid."""
    program = (
        "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.lockf(file, fcntl.LOCK_EX); "
        "print('locked', flush=True); sys.stdin.read()"
    )

    @contextmanager
    def holding(path: Path) -> Iterator[int]:
        with subprocess.Popen(
            [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"locked\n"
            yield process.pid
            process.communicate(b"")

    return holding


@on_linux
def test_the_holder_of_a_real_lock_is_found_and_gone_with_its_process(lock_file: Path, hold: Hold) -> None:
    with hold(lock_file) as pid:
        assert lock_holder(lock_file) == LockView(visible=True, pid=pid)
    assert lock_holder(lock_file).pid is None


@on_linux
def test_looking_does_not_drop_a_lock_of_our_own(lock_file: Path) -> None:
    """Opening and closing the file would: POSIX locks go with the first descriptor that is closed."""
    import fcntl

    with lock_file.open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        for _ in range(2):
            assert lock_holder(lock_file) == LockView(visible=True, pid=os.getpid())


@on_linux
@pytest.mark.parametrize("how", ["unlink", "replace"])
def test_a_lock_on_a_removed_lock_file_excludes_no_process(lock_file: Path, hold: Hold, how: str) -> None:
    with hold(lock_file) as pid:
        assert lock_holder(lock_file).pid == pid
        if how == "unlink":
            lock_file.unlink()
        else:
            (lock_file.parent / "new").touch()
            (lock_file.parent / "new").replace(lock_file)
        assert lock_holder(lock_file).pid is None


DOCKER = "0123456789abcdef" * 4
INNER = "fedcba9876543210" * 4


@pytest.mark.parametrize(
    ("cgroup", "container"),
    [
        (f"5:memory:/docker/{DOCKER}\n0::/docker/{DOCKER}\n", DOCKER),
        (f"0::/system.slice/docker-{DOCKER}.scope\n", DOCKER),
        (f"0::/user.slice/user@1000.service/user.slice/libpod-{DOCKER}.scope/container\n", DOCKER),
        (f"0::/docker/{DOCKER}/docker/{INNER}\n", INNER),
        (f"0::/../{DOCKER}\n", DOCKER),
        ("0::/user.slice/session-1.scope\n", None),
        (f"0::/process/{DOCKER[:32]}\n", None),
        (f"0::/{DOCKER}{DOCKER}\n", None),
        ("", None),
    ],
)
def test_the_container_of_a_process_is_the_innermost_of_its_cgroup(
    tmp_path: Path, cgroup: str, container: str | None
) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text(cgroup)
    assert container_of(7, tmp_path) == container
    assert container_of(8, tmp_path) is None
