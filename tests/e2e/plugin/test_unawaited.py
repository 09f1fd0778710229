"""A call that was not awaited did nothing: the test that made it does not pass."""

from __future__ import annotations

import pytest

from tests.e2e.plugin.project import INI, Project

_FORGETS = """
    def test_plain(stan_group):
        stan_group.kill("@active")

    def test_plain_with_a_client(stan_client, stan_channel):
        stan_client.publish(stan_channel, b"1")

    async def test_asynchronous(stan_group):
        fault = await stan_group.kill("@active")
        fault.heal()

    async def test_a_client_of_its_own(stan_group, stan_channel):
        async with stan_group.connect("own") as client:
            client.publish(stan_channel, b"1")

    def test_touched_nothing(stan_group):
        assert stan_group.sync.document()["state"] == "healthy"
"""
_SAID = (
    "FTGroup.kill() was called and never awaited, so it did nothing: 'await stan_group.kill(…)', "
    "or without 'async' 'stan_group.sync.kill(…)'",
    "Client.publish() was called and never awaited, so it did nothing: 'await' it, "
    "or without 'async' use the fixture 'stan_sync_client'",
    "InjectedFault.heal() was called and never awaited",
)


@pytest.mark.parametrize("filters", ["error", "ignore", "default"])
def test_it_fails_and_names_the_call_and_the_fix(project: Project, filters: str) -> None:
    ini = INI.format(asyncio_mode="auto").replace("filterwarnings = error", f"filterwarnings = {filters}")
    project.write("pytest.ini", ini)
    project.write("test_it.py", _FORGETS)
    ran = project.run()
    assert ran.outcomes == {"failed": 4, "passed": 1}, ran.text
    for line in _SAID:
        assert line in ran.text
    assert "RuntimeWarning" not in ran.text


def test_a_fixture_that_forgets_is_an_error(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pytest

        @pytest.fixture
        def broken(stan_group):
            stan_group.pause("@standby")
            yield
            stan_group.unpause("@standby")

        def test_it(broken): pass

        @pytest.fixture
        def late(stan_group):
            yield
            stan_group.unpause("@standby")

        def test_late(late): pass
        """,
    )
    ran = project.run()
    assert ran.outcomes == {"error": 2, "passed": 1} or ran.outcomes == {"error": 2}, ran.text
    assert "FTGroup.pause() was called and never awaited" in ran.text
    assert "FTGroup.unpause() was called and never awaited" in ran.text


def test_a_test_that_fails_by_itself_says_so_first_and_no_later_test_is_blamed(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        def test_fails(stan_group):
            fault = stan_group.kill("@active")
            fault.failover()

        def test_passes(stan_group):
            assert stan_group.sync.document()["state"] == "healthy"
        """,
    )
    ran = project.run()
    assert ran.outcomes == {"failed": 1, "passed": 1}, ran.text
    before, after = ran.text.split("AttributeError: 'coroutine' object has no attribute 'failover'", 1)
    assert "never awaited" not in before
    assert "FTGroup.kill() was called and never awaited" in after


def test_coroutines_of_others_are_pythons_to_warn_of(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\n")
    project.write("test_it.py", "async def theirs(): pass\ndef test_it(): theirs()\n")
    ran = project.run()
    assert ran.outcomes == {"passed": 1}, ran.text
    assert "RuntimeWarning: coroutine 'theirs' was never awaited" in ran.text
