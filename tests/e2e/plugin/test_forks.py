"""Test processes that fork: what they use works in the child too, or says at once why it cannot."""

from __future__ import annotations

import pytest

from tests.e2e.plugin.project import Project

_FORKS = """
    import multiprocessing, warnings
    import pytest

    def in_child(work):
        "What the work returns or raises in a forked process; fails when it does not end."
        def run():
            try:
                write.send(work())
            except Exception as error:
                write.send(f"{type(error).__name__}: {error}")
        context = multiprocessing.get_context("fork")
        read, write = context.Pipe(duplex=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a process with threads is forked on purpose
            child = context.Process(target=run)
            child.start()
        try:
            assert read.poll(30), "the child waits for ever"
            return read.recv()
        finally:
            child.kill()
            child.join()
"""


@pytest.mark.parametrize("engine", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_a_group_can_be_used_in_a_forked_process(
    project: Project, engine: str, request: pytest.FixtureRequest
) -> None:
    if engine == "docker":
        request.getfixturevalue("server_image")
    project.write("forks.py", _FORKS)
    project.write(
        "test_it.py",
        """
        from forks import in_child

        def test_the_sessions_group(stan_group):
            stan_group.sync.kill("@active").failover()
            assert in_child(lambda: stan_group.sync.document()["state"]) == "degraded"
            assert in_child(lambda: stan_group.sync.heal()[0].name) == "kill"
            assert stan_group.sync.wait_state("healthy").active

        def test_a_group_made_in_the_child(stan_group_factory):
            def work():
                group = stan_group_factory(nodes=1).sync
                try:
                    return group.document()["state"]
                finally:
                    group.down(timeout=0, purge=True)
                    group.close()
            assert in_child(work) == "healthy"
        """,
    )
    ran = project.run(f"--stan-engine={engine}")
    assert ran.outcomes == {"passed": 2}, ran.text


def test_a_client_of_the_parent_says_at_once_that_it_is_of_no_use_in_the_child(project: Project) -> None:
    project.write("forks.py", _FORKS)
    project.write(
        "test_it.py",
        """
        from forks import in_child

        def test_it(stan_group, stan_channel):
            with stan_group.sync.connect("parent") as client:
                messages = client.subscribe(stan_channel)
                why = "belongs to the process that this one was forked from; connect again here"
                for work in (
                    lambda: client.publish(stan_channel, b"1"),
                    lambda: client.subscribe(stan_channel),
                    lambda: next(messages),
                    client.close,
                ):
                    raised = in_child(work)
                    assert raised.startswith("ConnectionLost: <") and raised.endswith(why), raised

                def connects():
                    with stan_group.sync.connect("child") as own:
                        own.publish(stan_channel, b"2")
                    return "published"
                assert in_child(connects) == "published"
                client.publish(stan_channel, b"3")
                assert [next(messages).data, next(messages).data] == [b"2", b"3"]
        """,
    )
    ran = project.run()
    assert ran.outcomes == {"passed": 1}, ran.text
