"""The pytest plugin: real FT groups as fixtures. Loads nothing but pytest before a test asks for a group."""

from __future__ import annotations

import inspect
import re
import secrets
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import pytest

from stanlocal.testing.pytest_options import RUN, options
from stanlocal.testing.pytest_options import pytest_addoption as pytest_addoption
from stanlocal.testing.unawaited import Unawaited

if TYPE_CHECKING:
    from stanlocal import FTGroup, sync
    from stanlocal.errors import StanlocalError
    from stanlocal.stan import Client
    from stanlocal.testing.session import Session

_SESSION = pytest.StashKey["Session"]()
_UNAWAITED = pytest.StashKey[Unawaited]()
_FAILED = pytest.StashKey[bool]()
"""Whether a phase of the test has failed."""
_STARTED = pytest.StashKey[datetime]()
_LEFT = pytest.StashKey[list[str]]()
_NOT_ENDED = pytest.StashKey[list[str]]()
"""A line for each group that could not be ended, also of workers."""
_SHARED = pytest.StashKey[str]()
_KILLED = pytest.StashKey[bool]()
"""Whether a worker may have ended without taking its groups down."""
_FIXTURES = frozenset({"stan_group", "stan_group_factory"})
_OUTPUT = "stanlocal_not_ended"
"""Key in what a worker of pytest-xdist tells the main process at its end."""
_NOT_IN_CHANNELS = re.compile(r"[^A-Za-z0-9_-]+")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "stan(nodes=2, ...): gives the test an FT group of its own; takes what stanlocal.FTGroup takes",
    )
    unawaited = config.stash[_UNAWAITED] = Unawaited()
    unawaited.start()
    config.add_cleanup(unawaited.stop)


# The groups of this process


def _session(config: pytest.Config) -> Session:
    if _SESSION not in config.stash:
        from stanlocal.testing.session import Session

        config.stash[_SESSION] = Session(options(config))
    return config.stash[_SESSION]


def _available(config: pytest.Config, make: Callable[[], FTGroup]) -> FTGroup:
    """Return the group; if it cannot be made, skip or fail the test with one line and all reasons."""
    from stanlocal.errors import EngineUnavailable, ImageNotFound, StanlocalError

    try:
        return make()
    except (EngineUnavailable, ImageNotFound) as error:
        if config.getoption("stan_unavailable") == "skip":
            pytest.skip(str(error))
        _fail(error)
    except StanlocalError as error:
        _fail(error)


def _fail(error: StanlocalError) -> NoReturn:
    details = [*getattr(error, "attempts", ()), *getattr(error, "log_tail", ())]
    pytest.fail("\n  ".join([f"no FT group: {error}", *details]), pytrace=False)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Marked tests get a group for themselves, in place of the session's."""
    marker = metafunc.definition.get_closest_marker("stan")
    if marker is None or "stan_group" not in metafunc.fixturenames:
        return
    if marker.args:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: pytest.mark.stan takes only named settings")
    name = ",".join(f"{key}={value}" for key, value in marker.kwargs.items())
    metafunc.parametrize("stan_group", [marker.kwargs], indirect=True, scope="function", ids=[name or "own"])


@pytest.fixture(scope="session")
def stan_group(request: pytest.FixtureRequest) -> Iterator[FTGroup]:
    """An FT group that is up: the session's own, healed between tests; a marked test's own.

    Its coroutines can be awaited on any asyncio event loop; ``stan_group.sync`` is for plain tests.
    """
    session = _session(request.config)
    settings: dict[str, Any] | None = getattr(request, "param", None)
    if settings is None:
        yield _available(request.config, session.main)
        return
    group = _available(request.config, lambda: _own(session, settings))
    yield group
    session.close_group(group)


@pytest.fixture
def stan_group_factory(request: pytest.FixtureRequest) -> Iterator[Callable[..., FTGroup]]:
    """A function that makes more groups: ``stan_group_factory(nodes=3)``; each is removed after the test."""
    session = _session(request.config)
    made: list[FTGroup] = []

    def make(**settings: Any) -> FTGroup:
        made.append(_available(request.config, lambda: _own(session, settings)))
        return made[-1]

    yield make
    for group in made:
        session.close_group(group)


def _own(session: Session, settings: dict[str, Any]) -> FTGroup:
    from stanlocal import FTGroup

    unknown = settings.keys() - inspect.signature(FTGroup).parameters.keys()
    if unknown:
        pytest.fail(
            f"no FT group: stanlocal.FTGroup takes no {', '.join(sorted(unknown))}; "
            "options of the server go into streaming={...} or nats={...}",
            pytrace=False,
        )
    return session.own(settings)


@pytest.fixture
def stan_channel(request: pytest.FixtureRequest) -> str:
    """The name of a channel that no one has used: a STAN server cannot delete channels."""
    test = _NOT_IN_CHANNELS.sub("-", request.node.name).strip("-")[:80]
    return f"{test}.{secrets.token_hex(4)}"


@pytest.fixture
def stan_client(request: pytest.FixtureRequest, stan_group: FTGroup) -> Iterator[Client]:
    """A client of `stan_group` with an id of its own, for asynchronous tests: its methods are awaited, on any
    asyncio event loop. It retries through failovers; iterating a subscription waits `--stan-next-timeout`
    seconds for a message."""
    from stanlocal.sync.client_bridge import for_any_loop

    client = _connect(request.config, stan_group)
    yield for_any_loop(client)
    _close(request.node, client)


@pytest.fixture
def stan_sync_client(request: pytest.FixtureRequest, stan_group: FTGroup) -> Iterator[sync.stan.Client]:
    """A client of `stan_group` with an id of its own, for plain tests: its methods block. It retries through
    failovers; iterating a subscription waits `--stan-next-timeout` seconds for a message."""
    client = _connect(request.config, stan_group)
    yield client
    _close(request.node, client)


def _connect(config: pytest.Config, group: FTGroup) -> sync.stan.Client:
    from stanlocal.errors import StanlocalError

    try:
        timeout = config.getoption("stan_next_timeout")
        return group.sync.connect(f"pytest-{secrets.token_hex(4)}", next_timeout=timeout)
    except StanlocalError as error:
        pytest.fail(f"no client of the FT group: {error}", pytrace=False)


def _close(item: pytest.Item, client: sync.stan.Client) -> None:
    from stanlocal.errors import StanlocalError

    try:
        if not client.is_closed:
            client.close()
    except StanlocalError as error:
        _fail_after(item, f"the client of the test could not be closed: {error}")


def _fail_after(item: pytest.Item, message: str) -> None:
    """Fail the phase after a test, unless the test has failed itself: then only its own failure counts."""
    if not item.stash.get(_FAILED, False):
        pytest.fail(message, pytrace=False)
    item.add_report_section("teardown", "stanlocal", message)


# Between tests, and at the end


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    item.stash[_FAILED] = False
    item.stash[_STARTED] = datetime.now(UTC)
    item.config.stash[_UNAWAITED].take()  # what an earlier test left is not this one's
    session = item.config.stash.get(_SESSION, None)
    if session is not None and "stan_group" in getattr(item, "fixturenames", ()):
        from stanlocal.errors import StanlocalError

        try:
            session.recover()
        except StanlocalError as error:
            pytest.fail(f"the FT group could not be healed after an earlier test: {error}", pytrace=False)
        item.stash[_STARTED] = datetime.now(UTC)
    yield from _awaited(item, "setup")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    yield from _awaited(item, "call")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Heal what the test broke before anything of the test is closed: a blocked group answers no one."""
    failed = item.stash.get(_FAILED, False)
    unhealed = _heal(item)
    if unhealed:
        item.stash[_FAILED] = True  # what cannot be closed now cannot be for this reason
    try:
        yield from _awaited(item, "teardown")
    except BaseException:
        failed = True
        raise
    finally:
        if unhealed and failed:  # the test's own failure comes first
            item.add_report_section("teardown", "stanlocal", unhealed)
    if unhealed and not failed:
        pytest.fail(unhealed, pytrace=False)


def _heal(item: pytest.Item) -> str:
    """Undo what the test did to its groups; return a line for each that could not be healed."""
    session = item.config.stash.get(_SESSION, None)
    if session is None or not _FIXTURES & set(getattr(item, "fixturenames", ())):
        return ""
    failed = session.heal().items()
    return "\n".join(
        f"the FT group {name} could not be healed after the test: {error}" for name, error in failed
    )


def _awaited(item: pytest.Item, when: Literal["setup", "call", "teardown"]) -> Generator[None, None, None]:
    """Fail the phase when it called a coroutine of ours and did not await it."""
    unawaited = item.config.stash[_UNAWAITED]
    try:
        yield
    except BaseException as error:
        unawaited.close_held(error.__traceback__)
        for line in unawaited.take():
            item.add_report_section(when, "stanlocal", line)
        raise
    if lines := unawaited.take():
        pytest.fail("\n".join(lines), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    session = item.config.stash.get(_SESSION, None)
    if report.failed:
        item.stash[_FAILED] = True
    if report.failed and session is not None and _FIXTURES & set(getattr(item, "fixturenames", ())):
        report.sections.extend(session.report(item.stash[_STARTED]))
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config = session.config
    if exitstatus == pytest.ExitCode.INTERRUPTED and config.getoption("numprocesses", None):
        config.stash[_KILLED] = True
    if (groups := config.stash.get(_SESSION, None)) is not None:
        del config.stash[_SESSION]
        _end(config, groups)
    if config.stash.get(_NOT_ENDED, ()) and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _end(config: pytest.Config, groups: Session) -> None:
    """End the groups, and keep for the summary which ones are left; a worker tells the main process."""
    config.stash[_LEFT] = groups.left
    failed = groups.close().items()
    lines = [f"the FT group {name} could not be ended: {error}" for name, error in failed]
    config.stash.setdefault(_NOT_ENDED, []).extend(lines)
    getattr(config, "workeroutput", {})[_OUTPUT] = lines


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    for line in config.stash.get(_NOT_ENDED, ()):
        terminalreporter.write_line(line, red=True)
    for name in config.stash.get(_LEFT, ()):
        terminalreporter.write_line(
            f"the FT group {name} is left running: 'stanlocal --group {name} status'; "
            f"'stanlocal --group {name} down --purge' ends it"
        )


# pytest-xdist: the main process speaks to its workers, and clears up after them


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Pass the name of the shared group to each worker."""
    config = node.config
    if config.getoption("stan_shared"):
        from stanlocal.lifecycle.orphans import this_process

        name = config.stash.setdefault(_SHARED, f"pytest-{secrets.token_hex(4)}")
        node.workerinput[RUN] = {"process": this_process(), "group": name}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Remember that a worker was killed, and so has left its groups, and which ones it could not end."""
    node.config.stash.setdefault(_NOT_ENDED, []).extend(getattr(node, "workeroutput", {}).get(_OUTPUT, ()))
    if error is not None:
        node.config.stash[_KILLED] = True


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    shared, killed = config.stash.get(_SHARED, None), config.stash.get(_KILLED, False)
    if shared is not None or killed:
        from stanlocal.testing import session

        if shared is not None and not config.getoption("stan_keep"):
            session.end_shared(shared)
        if killed:
            session.remove_orphans(config.getoption("stan_engine"))
