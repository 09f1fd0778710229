"""The pytest plugin: real FT groups as fixtures. Loads nothing but pytest before a test asks for a group."""

from __future__ import annotations

import hashlib
import inspect
import os
import re
import secrets
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from stanlocal import FTGroup, sync
    from stanlocal.errors import StanlocalError
    from stanlocal.stan import Client
    from stanlocal.testing.session import Options, Session

_SESSION = pytest.StashKey["Session"]()
_STARTED = pytest.StashKey[datetime]()
_LEFT = pytest.StashKey[list[str]]()
_SHARED = pytest.StashKey[str]()
_KILLED = pytest.StashKey[bool]()
"""Whether some worker may have ended without taking its groups down."""
_RUN = "stanlocal_run"
"""What the main process tells its workers: its identity and the name of a group for all."""
_FIXTURES = frozenset({"stan_group", "stan_group_factory"})
_NOT_IN_CHANNELS = re.compile(r"[^A-Za-z0-9_-]+")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("stanlocal", "NATS Streaming fault-tolerant groups")
    group.addoption(
        "--stan-engine",
        choices=("auto", "docker", "process"),
        help="what runs the nodes (default: auto, which takes Docker where it answers)",
    )
    group.addoption("--stan-image", metavar="REF", help="container image of the server")
    group.addoption(
        "--stan-shared", action="store_true", help="one group for all pytest-xdist workers, not one for each"
    )
    group.addoption(
        "--stan-keep", action="store_true", help="leave the groups running at the end, for a look"
    )
    group.addoption(
        "--stan-reuse",
        action="store_true",
        help="take up the group of the last such run, and leave it running",
    )
    group.addoption(
        "--stan-unavailable",
        choices=("fail", "skip"),
        default="fail",
        help="what becomes of tests when no engine or server image is to be had (default: fail)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "stan(nodes=2, ...): gives the test an FT group of its own; takes what stanlocal.FTGroup takes",
    )


# The groups of this process


def _session(config: pytest.Config) -> Session:
    if _SESSION not in config.stash:
        from stanlocal.testing.session import Session

        config.stash[_SESSION] = Session(_options(config))
    return config.stash[_SESSION]


def _options(config: pytest.Config) -> Options:
    from stanlocal.testing.session import Options

    of_run: dict[str, str] = getattr(config, "workerinput", {}).get(_RUN, {})
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    folder = hashlib.sha256(str(config.rootpath).encode()).hexdigest()[:8]
    return Options(
        engine=config.getoption("stan_engine"),
        image=config.getoption("stan_image"),
        keep=config.getoption("stan_keep"),
        reuse=f"pytest-{folder}-{worker}" if config.getoption("stan_reuse") else None,
        shared=of_run.get("group") if config.getoption("stan_shared") else None,
        bound_to=of_run.get("process") if config.getoption("stan_shared") else None,
    )


def _available(config: pytest.Config, make: Callable[[], FTGroup]) -> FTGroup:
    """The group; what keeps it from being there is one line, with a reason for each way that was tried."""
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
    """Makes more groups: ``stan_group_factory(nodes=3)``; they are taken down after the test."""
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
    """The name of a channel that nobody has used: a STAN server cannot delete any."""
    test = _NOT_IN_CHANNELS.sub("-", request.node.name).strip("-")[:80]
    return f"{test}.{secrets.token_hex(4)}"


@pytest.fixture
def stan_client(request: pytest.FixtureRequest, stan_group: FTGroup) -> Iterator[Client | sync.stan.Client]:
    """A client of `stan_group` with an id of its own: `stanlocal.stan.Client` for an asynchronous test,
    `stanlocal.sync.stan.Client` for a plain one. It retries through failovers."""
    client = stan_group.sync.connect(f"pytest-{secrets.token_hex(4)}")
    if inspect.iscoroutinefunction(inspect.unwrap(request.function)):
        from stanlocal.sync.elsewhere import elsewhere

        yield elsewhere(client)
    else:
        yield client
    if not client.is_closed:
        client.close()


# Between tests, and at the end


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[_STARTED] = datetime.now(UTC)
    session = item.config.stash.get(_SESSION, None)
    if session is not None and "stan_group" in getattr(item, "fixturenames", ()):
        from stanlocal.errors import StanlocalError

        try:
            session.put_right()
        except StanlocalError as error:
            pytest.fail(f"the FT group could not be put right after an earlier test: {error}", pytrace=False)
        item.stash[_STARTED] = datetime.now(UTC)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    session = item.config.stash.get(_SESSION, None)
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
        config.stash[_LEFT] = groups.close()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    for name in config.stash.get(_LEFT, ()):
        terminalreporter.write_line(
            f"the FT group {name} is left running: 'stanlocal --group {name} status'; "
            f"'stanlocal --group {name} down --purge' ends it"
        )


# pytest-xdist: the main process speaks to its workers, and clears up after them


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Each worker is told of the group for all."""
    config = node.config
    if config.getoption("stan_shared"):
        from stanlocal.lifecycle.orphans import this_process

        name = config.stash.setdefault(_SHARED, f"pytest-{secrets.token_hex(4)}")
        node.workerinput[_RUN] = {"process": this_process(), "group": name}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A worker that was killed has left its groups."""
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
            session.remove_leftovers(config.getoption("stan_engine"))
