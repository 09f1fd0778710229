import asyncio
import os
import select
import sys

import pytest

from stanlocal.engine.artifacts.child_process import ChildTimeout, run_child

SLEEPER = ["sh", "-c", "sleep 600 & echo $!; wait"]
"""Prints the pid of its child."""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def ends(process: int, timeout_s: float = 10) -> bool:
    """Wait for the end of a process, given by its pidfd."""
    return bool(select.select([process], [], [], timeout_s)[0])


async def test_output_and_error_output_come_line_by_line_with_the_exit_code() -> None:
    lines: list[str] = []
    code = "import sys; print('a', flush=True); print('b', file=sys.stderr, flush=True); print('c', end='')"
    finished = await run_child(python(f"{code}; exit(7)"), silence_s=20, on_line=lines.append)
    assert finished.code == 7
    assert finished.tail == ("a", "b", "c")
    assert lines == ["a", "b"]


async def test_only_the_end_of_a_long_output_is_kept() -> None:
    finished = await run_child(python("for i in range(100000): print(i)"), silence_s=20)
    assert finished.tail[-1] == "99999"
    assert len(finished.tail) == 20


async def test_a_line_without_end_takes_no_more_memory_than_a_long_one() -> None:
    finished = await run_child(python("print('x' * 1_000_000)"), silence_s=20)
    assert max(map(len, finished.tail)) < 200_000


async def test_standard_input_is_empty() -> None:
    finished = await run_child(python("import sys; print(repr(sys.stdin.read()))"), silence_s=20)
    assert finished.tail == ("''",)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for a process that is not its child")
async def test_a_cancelled_call_leaves_neither_the_program_nor_its_children() -> None:
    pid: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run_child(SLEEPER, silence_s=60, on_line=pid.set_result))
    grandchild = os.pidfd_open(int(await pid))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ends(grandchild)
    os.close(grandchild)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for a process that is not its child")
async def test_a_silent_program_is_killed() -> None:
    processes: list[int] = []
    with pytest.raises(ChildTimeout, match="wrote no output for 1 s"):
        await run_child(SLEEPER, silence_s=1, on_line=lambda pid: processes.append(os.pidfd_open(int(pid))))
    assert ends(processes[0])
    os.close(processes[0])


async def test_a_missing_program_is_an_os_error() -> None:
    with pytest.raises(OSError, match="No such file"):
        await run_child(["/no/such/program"], silence_s=1)


async def test_the_environment_is_the_one_given() -> None:
    finished = await run_child(
        python("import os; print(os.environ['A'])"), env={**os.environ, "A": "1"}, silence_s=20
    )
    assert finished.tail == ("1",)
