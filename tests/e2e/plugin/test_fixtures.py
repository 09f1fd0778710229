"""What the fixtures hand to tests of every kind."""

from __future__ import annotations

import pytest

from tests.e2e.plugin.project import INI, Project

PLAIN = """
    def test_the_group_is_up(stan_group):
        assert stan_group.sync.document()["state"] == "healthy"

    def test_a_client_publishes_and_reads(stan_sync_client, stan_channel):
        from stanlocal import sync
        stan_sync_client.publish(stan_channel, b"1")
        with stan_sync_client.subscribe(stan_channel, start=sync.DeliverAll()) as messages:
            assert next(messages).data == b"1"
"""

ASYNCHRONOUS = """
    import asyncio
    from stanlocal import DeliverAll

    {mark}
    async def test_the_group_is_up(stan_group):
        assert (await stan_group.document())["state"] == "healthy"

    {mark}
    async def test_a_client_of_the_tests_own_loop(stan_group, stan_channel):
        async with stan_group.connect("own") as client:
            await client.publish(stan_channel, b"1")

    {mark}
    async def test_a_client_publishes_and_reads(stan_client, stan_channel):
        ack = await stan_client.publish_async(stan_channel, b"1")
        assert await ack
        async with await stan_client.subscribe(stan_channel, start=DeliverAll()) as messages:
            async for message in messages:
                break
        assert message.data == b"1"

    {mark}
    async def test_a_callback_runs_on_the_tests_loop_and_may_close(stan_client, stan_channel):
        here, done = asyncio.get_running_loop(), asyncio.Event()

        async def handle(message):
            assert asyncio.get_running_loop() is here
            await message.ack()
            await subscription.close()
            done.set()

        subscription = await stan_client.subscribe(stan_channel, handle, manual_ack=True)
        await stan_client.publish(stan_channel, b"1")
        async with asyncio.timeout(5):
            await done.wait()
        assert not subscription.is_open
"""


def test_plain_and_asynchronous_tests_share_a_group(project: Project) -> None:
    project.write("test_plain.py", PLAIN)
    project.write("test_async.py", ASYNCHRONOUS.format(mark=""))
    ran = project.run()
    assert (ran.code, ran.outcomes) == (0, {"passed": 6}), ran.text


@pytest.mark.parametrize(
    ("mark", "arguments"),
    [
        ("@__import__('pytest').mark.asyncio", ()),
        ("@__import__('pytest').mark.anyio", ("-p", "no:asyncio")),
    ],
    ids=["strict", "anyio"],
)
def test_marked_asynchronous_tests(project: Project, mark: str, arguments: tuple[str, ...]) -> None:
    project.write("pytest.ini", INI.format(asyncio_mode="strict") if not arguments else "[pytest]\n")
    project.write(
        "conftest.py", "import pytest\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"
    )
    project.write("test_async.py", ASYNCHRONOUS.format(mark=mark))
    ran = project.run("--stan-engine=process", *arguments)
    assert (ran.code, ran.outcomes) == (0, {"passed": 4}), ran.text


def test_a_project_with_an_event_loop_policy_of_its_own(project: Project) -> None:
    project.write(
        "conftest.py",
        """
        import asyncio

        class Policy(asyncio.DefaultEventLoopPolicy):
            def new_event_loop(self):
                loop = super().new_event_loop()
                loop.of_this_project = True
                return loop

        asyncio.set_event_loop_policy(Policy())
        """,
    )
    project.write(
        "test_it.py",
        """
        import asyncio

        async def test_both(stan_group, stan_client, stan_channel):
            assert asyncio.get_running_loop().of_this_project
            await stan_client.publish(stan_channel, b"1")
        """,
    )
    ran = project.run()
    assert (ran.code, ran.outcomes) == (0, {"passed": 1}), ran.text


def test_the_group_is_healed_between_tests_and_channels_are_fresh(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pytest

        channels = set()

        @pytest.fixture(scope="module")
        def first_urls(stan_group):
            return stan_group.sync.document()["client_urls"]

        @pytest.mark.parametrize("act", ["kill", "pause", "stop", "down", "kill all"])
        def test_breaks_it(stan_group, stan_channel, first_urls, act):
            group = stan_group.sync
            found = group.document()
            assert found["state"] == "healthy"
            assert found["client_urls"] == first_urls
            assert found["faults"] == []
            assert stan_channel not in channels
            channels.add(stan_channel)
            if act == "down":
                group.down(timeout=0)
            elif act == "kill all":
                group.kill("@all")
            else:
                getattr(group, act)("@active")

        def test_finds_it_whole(stan_group, first_urls):
            assert stan_group.sync.document()["state"] == "healthy"
            assert stan_group.sync.document()["client_urls"] == first_urls
        """,
    )
    ran = project.run()
    assert (ran.code, ran.outcomes) == (0, {"passed": 6}), ran.text


def test_marked_tests_and_the_factory_make_groups_of_their_own(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pytest

        def test_before(stan_group):
            global before
            before = stan_group.sync.document()

        @pytest.mark.stan(nodes=3, streaming={"store_limits": {"max_channels": 1}})
        def test_own(stan_group, stan_sync_client, stan_channel):
            found = stan_group.sync.document()
            assert (len(found["nodes"]), found["group"] != before["group"]) == (3, True)
            stan_sync_client.publish(stan_channel, b"1")
            with pytest.raises(Exception, match="too many channels"):
                stan_sync_client.publish("another", b"1")

        def test_after(stan_group):
            assert stan_group.sync.document() == before

        def test_factory(stan_group_factory):
            one, other = stan_group_factory(nodes=1), stan_group_factory(nodes=1)
            assert one.sync.document()["client_urls"] != other.sync.document()["client_urls"]
        """,
    )
    ran = project.run()
    assert (ran.code, ran.outcomes) == (0, {"passed": 4}), ran.text


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ("@pytest.mark.stan(nods=3)\ndef test_it(stan_group): pass", "stanlocal.FTGroup takes no nods"),
        ("@pytest.mark.stan(3)\ndef test_it(stan_group): pass", "takes only named settings"),
        (
            "@pytest.fixture(scope='module')\ndef wide(stan_channel): pass\ndef test_it(wide): pass",
            "ScopeMismatch: You tried to access the function scoped fixture stan_channel",
        ),
        ("def test_it(stan_group_factory): stan_group_factory(nodes=0)", "--nodes is 0; give 1 to 64"),
    ],
)
def test_what_is_wrong_is_said_once(project: Project, test: str, why: str) -> None:
    project.write("test_it.py", f"import pytest\n{test}\n")
    ran = project.run()
    assert ran.code != 0
    assert why in ran.text
    assert "Traceback" not in ran.text


def test_a_message_that_does_not_come_fails_the_test_after_a_while(project: Project) -> None:
    """In the iteration of a subscription, plain or asynchronous; a subscription may wait otherwise."""
    project.write(
        "test_it.py",
        """
        import math
        import pytest

        def test_plain(stan_sync_client, stan_channel):
            with stan_sync_client.subscribe(stan_channel) as messages:
                with pytest.raises(TimeoutError, match="within 0.2 s, after 0 before"):
                    next(messages)
                stan_sync_client.publish(stan_channel, b"late")
                assert next(messages).data == b"late"

        async def test_asynchronous(stan_client, stan_channel):
            async with await stan_client.subscribe(stan_channel) as messages:
                with pytest.raises(TimeoutError, match="within 0.2 s"):
                    await anext(messages)

        def test_otherwise(stan_sync_client, stan_channel):
            with stan_sync_client.subscribe(stan_channel, next_timeout=math.inf) as messages:
                assert messages._real.options.next_timeout == math.inf
        """,
    )
    ran = project.run("--stan-next-timeout=0.2")
    assert ran.outcomes == {"passed": 3}, ran.text
    assert "(default: 10)" in project.run("--help").text
