"""Starts, freezes, ends and identity of processes, independent of who looks and who acts."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from stanlocal.engine.process.engine import ProcessEngine
from stanlocal.engine.process.node_files import LOST_CODE, NodeFiles, Run
from stanlocal.errors import EngineError, NameConflict, NodeNotFound, NodePaused, PortInUse
from stanlocal.model.instance import EngineEvent, Instance
from tests.support.output import output_of
from tests.support.processes import IDLE, processes_of, scripted_group, write_script


async def instance(engine: ProcessEngine, node: str) -> Instance:
    return next(each for each in await engine.instances(node.rpartition("-")[0]) if each.name == node)


async def text(engine: ProcessEngine, node: str) -> list[str]:
    return [line.text for line in await output_of(engine, node)]


def run_of(home: Path, node: str) -> Run:
    run = NodeFiles(home / node.rpartition("-")[0] / "processes" / node).run()
    assert run is not None
    return run


async def eventually(holds: Callable[[], bool]) -> None:
    """Returns when it holds; what is waited for has no event that a test could await."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 (there is no event to await)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137)])
async def test_an_exit_code_is_there_for_who_comes_later(
    engine: ProcessEngine, home: Path, script: str, code: int
) -> None:
    plan = await scripted_group(engine, home, "g", script)
    await engine.start(plan, "g-0")
    end = await ProcessEngine(home).wait_exit("g-0")
    found = await instance(ProcessEngine(home), "g-0")
    assert (end.code, found.exit_code, found.status) == (code, code, "exited")
    assert found.started_at is not None
    assert found.started_at <= end.time == found.finished_at


async def test_a_server_gets_a_clean_environment_a_group_and_files_of_its_own(
    engine: ProcessEngine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    script = "env; umask; ulimit -c; pwd; ps -o sid=,pgid= -p $$; ls -l /proc/$$/fd"
    plan = await scripted_group(engine, home, "g", script)
    await engine.start(plan, "g-0")
    await engine.wait_exit("g-0")
    lines = await text(engine, "g-0")
    environment = {line.partition("=")[0] for line in lines if "=" in line}
    assert environment <= {"PATH", "TZ", "PWD", "OLDPWD", "SHLVL", "_"}
    assert "TZ=UTC" in lines
    assert "hunter2" not in "".join(lines)
    assert "0077" in lines
    assert "0" in lines
    assert plan.conf_dir(plan.nodes[0]) in lines
    pid = str(run_of(home, "g-0").server.pid)
    assert [pid, pid] in [line.split() for line in lines]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_under_root_a_server_runs_as_another_user_and_finds_its_store(
    engine: ProcessEngine, home: Path
) -> None:
    script = f"id -u; cd {engine.placement.store_mount} && echo kept >file; ls -l /root 2>&1; exit 0"
    plan = await scripted_group(engine, home, "g", script)
    os.chown(plan.store_dir, 65532, 65532)
    home.chmod(0o700)
    await engine.start(plan, "g-0")
    await engine.wait_exit("g-0")
    assert (await text(engine, "g-0"))[0] == "65532"
    assert (Path(plan.store_dir) / "file").read_text() == "kept\n"


async def test_stop_is_polite_first_and_insists_when_the_grace_is_over(
    engine: ProcessEngine, home: Path
) -> None:
    polite = "trap 'echo bye; exit 143' TERM; echo up; while :; do sleep 0.05; done"
    stubborn = "trap '' TERM; echo up; while :; do sleep 0.05; done"
    plan = await scripted_group(engine, home, "g", polite, stubborn)
    for node in ("g-0", "g-1"):
        await engine.start(plan, node)
        await lines_until(engine, node, "up")
    await asyncio.gather(engine.stop("g-0", 10), engine.stop("g-1", 0.1))
    assert (await engine.wait_exit("g-0")).code == 143
    assert (await engine.wait_exit("g-1")).code == 137
    assert await text(engine, "g-0") == ["up", "bye"]


async def lines_until(engine: ProcessEngine, node: str, wanted: str) -> None:
    async with asyncio.timeout(10), aclosing(engine.attach(node)) as batches:
        async for _ in batches:
            if wanted in await text(engine, node):
                return


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGKILL"])
async def test_a_frozen_process_gets_a_signal_that_ends_it(
    engine: ProcessEngine, home: Path, name: str
) -> None:
    plan = await scripted_group(engine, home, "g", IDLE)
    await engine.start(plan, "g-0")
    await engine.pause("g-0")
    await engine.pause("g-0")
    assert (await instance(engine, "g-0")).status == "paused"
    with pytest.raises(NodePaused):
        await anext(engine.attach("g-0"))
    await engine.signal("g-0", name)
    async with asyncio.timeout(10):
        assert (await engine.wait_exit("g-0")).code == 128 + signal.Signals[name]


async def test_a_freeze_by_another_tool_is_seen_and_undone(engine: ProcessEngine, home: Path) -> None:
    plan = await scripted_group(engine, home, "g", IDLE)
    await engine.start(plan, "g-0")
    os.kill(run_of(home, "g-0").server.pid, signal.SIGSTOP)
    await eventually(lambda: run_of(home, "g-0").status == "paused")
    await engine.unpause("g-0")
    assert (await instance(engine, "g-0")).status == "running"
    await engine.remove("g-0")


async def test_events_report_actions_of_any_tool(engine: ProcessEngine, home: Path) -> None:
    plan = await scripted_group(engine, home, "g", IDLE)
    other = ProcessEngine(home)
    seen: list[EngineEvent] = []

    async def expect(action: str, code: int | None = None) -> None:
        seen.append(await anext(events))
        assert (seen[-1].action, seen[-1].node, seen[-1].exit_code) == (action, "g-0", code)

    events: AsyncIterator[EngineEvent]
    async with asyncio.timeout(20), aclosing(engine.events("g")) as events:
        subscribed = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        await other.start(plan, "g-0")
        assert (await subscribed).action == "start"
        pid = run_of(home, "g-0").server.pid
        os.kill(pid, signal.SIGSTOP)
        await expect("pause")
        os.kill(pid, signal.SIGCONT)
        await expect("unpause")
        os.kill(pid, signal.SIGKILL)
        await expect("die", 137)
        await other.remove("g-0")
        await expect("destroy")
        await engine.create(plan, plan.nodes[0], "print")
        await expect("create")
    assert [event.time for event in seen] == sorted(event.time for event in seen)


async def test_two_starts_at_once_give_one_process(engine: ProcessEngine, home: Path) -> None:
    plan = await scripted_group(engine, home, "g", IDLE)
    await asyncio.gather(*(ProcessEngine(home).start(plan, "g-0") for _ in range(5)))
    assert run_of(home, "g-0").number == 1
    assert len(processes_of(home)) == 2, "one server and its supervisor"
    await engine.remove("g-0")
    assert processes_of(home) == set()


async def test_a_node_starts_again_while_its_last_supervisor_is_leaving(
    engine: ProcessEngine, home: Path
) -> None:
    plan = await scripted_group(engine, home, "g", IDLE)
    for number in range(1, 11):
        async with asyncio.timeout(10):
            await engine.start(plan, "g-0")
            assert run_of(home, "g-0").number == number
            await engine.signal("g-0", "SIGKILL")
            await engine.wait_exit("g-0")


async def test_a_supervisor_that_fails_starts_nothing_and_says_why(
    engine: ProcessEngine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await scripted_group(engine, home, "g", IDLE)
    log = home / "g" / "processes" / "g-0" / "log"
    log.rmdir()
    log.write_text("not a folder")
    with pytest.raises(EngineError, match=r"g-0 cannot be started: its supervisor failed \(.*log.*\)"):
        await engine.start(plan, "g-0")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(EngineError, match="g-0 cannot be started: /nowhere/python: No such file"):
        await engine.start(plan, "g-0")
    assert processes_of(home) == set()


async def test_a_start_that_races_a_removal_leaves_no_process(engine: ProcessEngine, home: Path) -> None:
    plan = await scripted_group(engine, home, "g", IDLE)
    for delay in range(0, 60, 6):
        starting = asyncio.create_task(engine.start(plan, "g-0"))
        await asyncio.sleep(delay / 1000)
        await ProcessEngine(home).remove("g-0")
        await asyncio.gather(starting, return_exceptions=True)
        assert processes_of(home) == set(), f"removed {delay} ms after the start"
        assert starting.exception() is None or isinstance(starting.exception(), (NodeNotFound, EngineError))
        await engine.create(plan, plan.nodes[0], "print")


async def test_a_reused_pid_is_never_signalled(engine: ProcessEngine, home: Path) -> None:
    """The record says of a pid that it is the server's; by now it is another process's."""
    plan = await scripted_group(engine, home, "g", "exit 0")
    await engine.start(plan, "g-0")
    await engine.wait_exit("g-0")
    bystander = await asyncio.create_subprocess_exec("sleep", "600")
    record = home / "g" / "processes" / "g-0" / "run"
    birth = run_of(home, "g-0").server.birth
    record.write_text(
        f"number 1\nsupervisor {bystander.pid} {birth}\nserver {bystander.pid} {birth}\n"
        "status running\nstarted 2026-01-01T00:00:00.000000Z\n"
    )
    found = await instance(engine, "g-0")
    assert (found.status, found.pid, found.exit_code) == ("exited", None, LOST_CODE)
    await engine.signal("g-0", "SIGKILL")
    await engine.stop("g-0", 0)
    await engine.unpause("g-0")
    await engine.remove("g-0")
    assert bystander.returncode is None
    os.kill(bystander.pid, 0)
    bystander.kill()
    await bystander.wait()


async def test_a_server_without_supervisor_is_found_and_ended(engine: ProcessEngine, home: Path) -> None:
    plan = await scripted_group(engine, home, "g", IDLE)
    await engine.start(plan, "g-0")
    await lines_until(engine, "g-0", "up")  # a line that no process reads would be its end
    run = run_of(home, "g-0")
    os.kill(run.supervisor.pid, signal.SIGKILL)
    await eventually(lambda: not run.supervisor.alive)
    assert (await instance(engine, "g-0")).running
    await engine.signal("g-0", "SIGKILL")
    async with asyncio.timeout(10):
        assert (await engine.wait_exit("g-0")).code == LOST_CODE
    found = await instance(engine, "g-0")
    assert found.error is not None
    assert "its exit code is unknown" in found.error
    await engine.start(plan, "g-0")
    assert run_of(home, "g-0").number == 2
    os.kill(run_of(home, "g-0").supervisor.pid, signal.SIGKILL)
    await engine.remove("g-0")
    assert processes_of(home) == set()


async def test_a_server_without_supervisor_is_not_paused_as_no_one_would_know(
    engine: ProcessEngine, home: Path
) -> None:
    plan = await scripted_group(engine, home, "g", IDLE)
    await engine.start(plan, "g-0")
    await lines_until(engine, "g-0", "up")  # a line that no process reads would be its end
    run = run_of(home, "g-0")
    os.kill(run.supervisor.pid, signal.SIGKILL)
    await eventually(lambda: not run.supervisor.alive)
    pausing = asyncio.create_task(engine.pause("g-0"))
    _, waiting = await asyncio.wait([pausing], timeout=10)
    assert not waiting
    with pytest.raises(EngineError, match="g-0 cannot be paused, as its supervisor was killed"):
        await pausing
    assert psutil.Process(run.server.pid).status() != psutil.STATUS_STOPPED


async def test_a_server_whose_supervisor_was_killed_while_it_was_paused_goes_on(
    engine: ProcessEngine, home: Path
) -> None:
    plan = await scripted_group(engine, home, "g", IDLE)
    await engine.start(plan, "g-0")
    await lines_until(engine, "g-0", "up")  # a line that no process reads would be its end
    await engine.pause("g-0")
    run = run_of(home, "g-0")
    os.kill(run.supervisor.pid, signal.SIGKILL)
    await eventually(lambda: not run.supervisor.alive)
    resuming = asyncio.create_task(engine.unpause("g-0"))
    _, waiting = await asyncio.wait([resuming], timeout=10)
    assert not waiting
    await resuming
    assert psutil.Process(run.server.pid).status() != psutil.STATUS_STOPPED


async def test_processes_of_a_server_end_with_it(engine: ProcessEngine, home: Path) -> None:
    plan = await scripted_group(engine, home, "g", "sleep 600 & echo up; wait")
    await engine.start(plan, "g-0")
    await lines_until(engine, "g-0", "up")
    await engine.signal("g-0", "SIGKILL")
    await engine.wait_exit("g-0")
    await eventually(lambda: processes_of(home) == set())


async def test_a_server_that_cannot_begin_says_why_and_can_be_started_again(
    engine: ProcessEngine, home: Path
) -> None:
    plan = await scripted_group(engine, home, "g", "exit 0")
    server = home / "g" / "server"
    server.chmod(0o600)
    with pytest.raises(EngineError, match=r"g-0 cannot be started: .*[Pp]ermission denied"):
        await engine.start(plan, "g-0")
    found = await instance(engine, "g-0")
    assert (found.status, found.started_at) == ("created", None)
    assert found.error is not None
    assert "denied" in found.error
    server.chmod(0o755)
    await engine.start(plan, "g-0")
    assert (await engine.wait_exit("g-0")).code == 0


async def test_without_a_record_no_server_begins(engine: ProcessEngine, home: Path) -> None:
    plan = await scripted_group(engine, home, "g", IDLE)
    for name in (".run", ".run.spare"):
        (home / "g" / "processes" / "g-0" / name).mkdir()
    with pytest.raises(EngineError, match="cannot write the record"):
        await engine.start(plan, "g-0")
    await eventually(lambda: processes_of(home) == set())


async def test_a_taken_port_is_refused_before_anything_starts(engine: ProcessEngine, home: Path) -> None:
    plan = await scripted_group(engine, home, "g", IDLE)
    port = plan.nodes[0].listen.cluster
    async with await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", port):
        with pytest.raises(PortInUse) as taken:
            await engine.start(plan, "g-0")
    assert taken.value.port == port
    assert taken.value.owner is not None
    assert processes_of(home) == set()


async def test_a_node_is_made_once_and_gone_once(engine: ProcessEngine, home: Path) -> None:
    plan = await scripted_group(engine, home, "g", IDLE)
    with pytest.raises(NameConflict):
        await engine.create(plan, plan.nodes[0], "print")
    assert await engine.groups() == ["g"]
    await engine.remove("g-0")
    await engine.remove("g-0")
    for call in (engine.stop("g-0", 0), engine.tail("g-0", 1), engine.pause("g-0"), engine.wait_exit("g-0")):
        with pytest.raises(NodeNotFound):
            await call
    await engine.clean("g")
    assert await engine.groups() == []
    assert not (home / "g" / "processes").exists()


@pytest.mark.parametrize("node", ["../../etc-0", "..-0", "g", "g-x", "-0", ".-0", "a/b-0"])
async def test_a_name_that_is_none_of_a_node_leads_nowhere(engine: ProcessEngine, node: str) -> None:
    with pytest.raises(NodeNotFound):
        await engine.signal(node, "SIGKILL")


async def test_a_cancelled_start_has_happened_or_not(engine: ProcessEngine, home: Path) -> None:
    plan = await scripted_group(engine, home, "g", IDLE)
    starting = asyncio.create_task(engine.start(plan, "g-0"))
    await asyncio.sleep(0.005)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    before = processes_of(home)
    write_script(plan, plan.nodes[0], "exit 0")
    assert (await instance(engine, "g-0")).running == bool(before)
    await engine.remove("g-0")
    assert processes_of(home) == set()


@pytest.mark.parametrize("running", [True, False])
async def test_a_node_whose_lock_file_somebody_deleted_is_removed(
    engine: ProcessEngine, home: Path, running: bool
) -> None:
    plan = await scripted_group(engine, home, "g", IDLE if running else "exit 0")
    await engine.start(plan, "g-0")
    if not running:
        await engine.wait_exit("g-0")
    run, folder = run_of(home, "g-0"), home / "g" / "processes" / "g-0"
    (folder / "lock").unlink()
    removing = asyncio.create_task(engine.remove("g-0"))
    try:
        _, waiting = await asyncio.wait([removing], timeout=20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # ends a removal that goes on for ever
    assert not waiting
    await removing
    assert not run.server.alive
    assert not run.supervisor.alive
