"""What a run cannot have, and what users do to it: one clear message, and nothing stays behind."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator

import docker
import pytest

from tests.e2e.plugin.project import Project
from tests.support.census import take

GROUP = "def test_it(stan_group): pass\ndef test_more(stan_group): pass"
TAKES_ALL_PORTS = """
    import stanlocal.machine.ports

    stanlocal.machine.ports.is_free = lambda port, host="127.0.0.1": False
"""


@pytest.fixture
def nothing_stays(project: Project, docker_client: docker.DockerClient) -> Iterator[None]:
    """Nothing of this project's runs is on the engine afterwards; runs of others come and go meanwhile."""
    yield
    folder = f"{project.state_home}/"
    for container in docker_client.api.containers(all=True):
        assert folder not in container["Labels"].get("dev.stanlocal.plan", ""), container["Names"]
    assert not take(docker_client, state_home=project.state_home).folders


@pytest.mark.docker
@pytest.mark.usefixtures("nothing_stays")
@pytest.mark.parametrize(("option", "outcome"), [("fail", "error"), ("skip", "skipped")])
def test_an_image_that_is_nowhere_to_be_had(project: Project, option: str, outcome: str) -> None:
    project.write("test_it.py", GROUP)
    image = f"127.0.0.1:1/{secrets.token_hex(4)}:1"
    arguments = (f"--stan-image={image}", f"--stan-unavailable={option}", "-rs")
    ran = project.run("--stan-engine=docker", *arguments)
    assert ran.outcomes == {outcome: 2}, ran.text
    assert image in ran.text
    assert "Traceback" not in ran.text


def test_a_port_that_was_asked_for_and_is_taken(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        project.write(
            "test_it.py",
            f"import pytest\n@pytest.mark.stan(port={port}, nodes=1)\ndef test_it(stan_group): pass\n",
        )
        ran = project.run()
    assert ran.outcomes == {"error": 1}, ran.text
    assert f"no FT group: port {port} is taken by " in ran.text
    assert "Traceback" not in ran.text


def test_all_ports_taken(project: Project) -> None:
    project.write("conftest.py", TAKES_ALL_PORTS)
    project.write("test_it.py", GROUP)
    ran = project.run()
    assert ran.outcomes == {"error": 2}, ran.text
    assert "is taken, and so is every port above it" in ran.text
    assert "Traceback" not in ran.text


def test_a_fixture_of_a_wider_scope_has_the_group_of_the_test(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pytest

        @pytest.fixture(scope="module")
        def urls(stan_group):
            return stan_group.sync.document()["client_urls"]

        @pytest.mark.stan(nodes=1)
        def test_own(stan_group, urls):
            assert urls == stan_group.sync.document()["client_urls"]
            assert len(urls) == 1

        def test_shared(stan_group, urls):
            assert urls == stan_group.sync.document()["client_urls"]
            assert len(urls) == 2

        @pytest.mark.stan(nodes=1)
        def test_another(stan_group, urls):
            assert urls == stan_group.sync.document()["client_urls"]
        """,
    )
    ran = project.run()
    assert ran.outcomes == {"passed": 3}, ran.text


def test_two_runs_in_one_folder_at_once(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        def test_it(stan_group, stan_sync_client, stan_channel):
            with stan_group.sync.during_failover():
                stan_sync_client.publish(stan_channel, b"1")
        """,
    )
    with project.started("--stan-engine=process") as one, project.started("--stan-engine=process") as other:
        said = [run.communicate(timeout=60)[0] for run in (one, other)]
    assert [run.returncode for run in (one, other)] == [0, 0], said


def test_a_main_process_that_ends_without_a_word(project: Project) -> None:
    project.write("test_it.py", "import os\ndef test_it(stan_group): os._exit(3)")
    project.write("test_other.py", "def test_other(stan_group): pass")
    assert project.run("test_it.py").code == 3
    assert len(project.groups) == 1
    assert project.run("test_other.py").outcomes == {"passed": 1}
    assert project.groups == []
