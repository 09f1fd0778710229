"""Runs with pytest-xdist: groups of the workers never clash, and go with them."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.e2e.plugin.project import Project

_WORKERS = """
    import pathlib, pytest

    @pytest.mark.parametrize("n", range(12))
    def test_it(stan_group, stan_sync_client, stan_channel, n, worker_id):
        stan_sync_client.publish(stan_channel, b"1")
        found = stan_group.sync.document()
        for url in found["client_urls"]:
            pathlib.Path(found["group"] + "@" + worker_id + "@" + url.rsplit(":")[-1]).touch()
        if {kills} and n % 4 == 0:
            with stan_group.sync.during_failover():
                stan_sync_client.publish(stan_channel, b"2")
"""


def test_four_workers_have_a_group_each(project: Project) -> None:
    project.write("test_it.py", _WORKERS.format(kills=True))
    ran = project.run("-n", "4")
    assert (ran.code, ran.outcomes) == (0, {"passed": 12}), ran.text
    seen = {tuple(path.name.split("@")) for path in project.folder.glob("*@*@*")}
    groups, workers, ports = ({each[part] for each in seen} for part in range(3))
    assert len(groups) == len(workers) > 1
    assert len(ports) == 2 * len(groups)


@pytest.mark.slow
def test_a_shared_group_serves_all_workers(project: Project) -> None:
    project.write("test_it.py", _WORKERS.format(kills=False))
    ran = project.run("-n", "4", "--stan-shared")
    assert (ran.code, ran.outcomes) == (0, {"passed": 12}), ran.text
    seen = {tuple(path.name.split("@")) for path in project.folder.glob("*@*@*")}
    groups, workers, _ = ({each[part] for each in seen} for part in range(3))
    assert (len(groups), len(workers) > 1) == (1, True)


def test_a_crashed_workers_group_is_removed(project: Project) -> None:
    project.write("test_it.py", "import os\ndef test_it(stan_group): os._exit(1)")
    ran = project.run("-n", "1", "--max-worker-restart=0")
    assert "crashed" in ran.text


@pytest.mark.slow
def test_ctrl_c_takes_the_groups_of_all_workers_down(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pathlib, pytest, time

        @pytest.mark.parametrize("n", [0, 1])
        def test_it(stan_group, n):
            pathlib.Path(f"up-{n}").touch()
            time.sleep(60)
        """,
    )
    with project.started("-n", "2", "--stan-engine=process") as run:
        while len(list(project.folder.glob("up-*"))) < 2:
            assert run.poll() is None
            time.sleep(0.05)
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does it
        run.communicate(timeout=60)
    assert run.returncode == 2
