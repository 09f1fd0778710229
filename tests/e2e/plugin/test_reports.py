"""What a failing test's report tells of its groups."""

from __future__ import annotations

import re

import pytest

from tests.e2e.plugin.project import Project


def test_a_failing_test_shows_document_timeline_and_logs_of_its_own_time(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        def test_first(stan_group):
            stan_group.sync.kill("@active")

        def test_second(stan_group):
            stan_group.sync.pause("@standby")
            assert False, "this one"

        def test_third(stan_group):
            pass
        """,
    )
    ran = project.run()
    assert ran.outcomes == {"passed": 2, "failed": 1}, ran.text
    _, report = ran.text.split("this one", 1)
    status, rest = report.split(": timeline -", 1)
    timeline, logs = rest.split(": logs -", 1)
    assert re.search(r"^pytest-\w+: degraded, \S+ is active, but not every standby is ready", status, re.M)
    assert re.search(r"^in force since \S+: pause pytest-", status, re.M)
    assert re.search(r"^[\d:.]+  fault       pytest-\w+-\d pause$", timeline, re.M)
    assert not re.search(r"fault .* kill", timeline), "a fault of the test before is no news"
    assert "{" not in status + timeline
    assert "Go version" not in logs


def test_a_start_is_folded_to_its_milestones(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.stan(nodes=2)
        def test_it(stan_group):
            stan_group.sync.restart("@standby")
            assert False, "this one"
        """,
    )
    _, logs = project.run().text.split(": logs -", 1)
    assert re.search(r"^ +pytest-\w+-1  \.\.\. \d+ lines of its start$", logs, re.M), logs
    assert "INF Starting nats-streaming-server" in logs
    assert "INF Starting in standby mode" in logs
    assert "Go version" not in logs


@pytest.mark.slow
def test_logs_in_a_report_are_bounded(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        def test_it(stan_group, stan_channel):
            for n in range(60):
                stan_group.sync.connect(f"c-{n}").close()
            stan_group.sync.send_signal("SIGHUP", "@all")
            assert False
        """,
    )
    ran = project.run()
    _, logs = ran.text.split(": logs -", 1)
    assert ran.outcomes == {"failed": 1}, ran.text
    assert len(logs.splitlines()) < 250


def test_a_setup_that_fails_is_one_message_with_the_servers_last_words(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.stan(streaming={"store_limits": {"max_age": "1h"}}, image="nats-streaming:0.0.0")
        def test_it(stan_group):
            pass
        """,
    )
    ran = project.run("--stan-engine=process")
    assert ran.outcomes == {"error": 1}, ran.text
    assert "no FT group: " in ran.text
    assert "Traceback" not in ran.text


def test_a_failing_test_that_left_the_active_paused_is_one_report_with_its_own_failure(
    project: Project,
) -> None:
    project.write(
        "test_it.py",
        """
        import pytest

        @pytest.fixture
        def own(stan_group):
            with stan_group.sync.connect("own") as client:
                yield client

        def test_fixture(stan_group, stan_sync_client, stan_channel):
            stan_group.sync.pause("@active")
            assert False, "this one"

        def test_fixture_of_the_projects(stan_group, own):
            stan_group.sync.pause("@active")
            assert False, "this one"

        @pytest.mark.stan(nodes=2)
        def test_group_of_its_own(stan_group, own, stan_sync_client):
            stan_group.sync.pause("@active")
            assert False, "this one"

        def test_inside(stan_group):
            with stan_group.sync.connect("inside"):
                stan_group.sync.pause("@active")
                assert False, "this one"

        async def test_inside_asynchronously(stan_group):
            async with stan_group.connect("inside"):
                await stan_group.pause("@active")
                assert False, "this one"

        def test_finds_it_whole(stan_group):
            assert stan_group.sync.document()["state"] == "healthy"
        """,
    )
    ran = project.run("-rA")
    assert ran.outcomes == {"failed": 5, "passed": 1}, ran.text
    assert len(re.findall(r"^E +AssertionError: this one$", ran.text, re.MULTILINE)) == 5
    assert "CloseTimeout" not in ran.text
    assert "at teardown" not in ran.text


def test_a_client_that_cannot_be_closed_after_a_passing_test_is_one_line(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        def test_it(stan_group, stan_sync_client):
            stan_group.sync.down(timeout=0, purge=True)
            stan_group._opener.flags["nodes"] = 0  # can come up no more
        """,
    )
    ran = project.run()
    assert ran.outcomes == {"error": 1} or ran.outcomes == {"error": 1, "passed": 1}, ran.text
    assert "Traceback" not in ran.text
    assert re.search(r"the FT group \S+ could not be healed after the test: ", ran.text)
