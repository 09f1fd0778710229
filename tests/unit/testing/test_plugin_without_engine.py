"""The pytest plugin where the engine is lost during a run: what it ends, and what the report tells."""

from __future__ import annotations

import fcntl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stanlocal.errors import EngineUnavailable
from stanlocal.lifecycle.opener import GroupOpener, opener_for
from stanlocal.machine.user_dirs import cache_folder
from stanlocal.testing import FakeEngine
from stanlocal.testing.session import Options, Session

pytest_plugins = ("pytester",)

AWAY = "the engine is away"

CONFTEST = """
import pytest
from stanlocal.lifecycle.opener import opener_for
from stanlocal.testing import FakeEngine, session

ENGINE = FakeEngine()

async def no_orphans(engine):
    pass

session.orphans.remove = no_orphans
session.opener_for = lambda settings: opener_for({**settings, "engine": ENGINE})

@pytest.fixture
def lose_engine():
    def lose():
        ENGINE.machine.lost = "the engine is away"
    return lose
"""


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("STATE", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[FakeEngine]:
    """The engine of each group, in the order in which they are made."""
    made: list[FakeEngine] = []

    def open_on_its_own(settings: Mapping[str, Any]) -> GroupOpener:
        made.append(FakeEngine())
        return opener_for({**settings, "engine": made[-1]})

    async def no_orphans(engine: str) -> None:
        pass

    monkeypatch.setattr("stanlocal.testing.session.opener_for", open_on_its_own)
    monkeypatch.setattr("stanlocal.lifecycle.orphans.remove", no_orphans)
    return made


def test_a_group_that_cannot_be_ended_keeps_no_other_one_and_no_lock(engines: list[FakeEngine]) -> None:
    session = Session(Options(reuse="again"))
    session.main()
    session.own({})
    session.own({})
    engines[2].machine.lost = AWAY
    (failed,) = session.close().items()
    assert isinstance(failed[1], EngineUnavailable)
    assert not engines[1].machine.nodes
    with (cache_folder() / "pytest" / "again-0").open() as name:
        fcntl.flock(name, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_group_that_cannot_be_healed_leaves_no_other_one_broken(engines: list[FakeEngine]) -> None:
    session = Session(Options())
    session.own({})
    other = session.own({})
    other.sync.pause("@active")
    engines[0].machine.lost = AWAY
    assert [str(error) for error in session.heal().values()] == [AWAY]
    assert {node.status for node in engines[1].machine.nodes.values()} == {"running"}
    engines[0].machine.lost = None
    assert not session.close()


def run(pytester: pytest.Pytester, body: str, *options: str) -> tuple[int, str]:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(body)
    ran = pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)
    return ran.ret, ran.stdout.str() + ran.stderr.str()


@pytest.mark.parametrize("options", [(), ("-n1",)])
def test_a_green_run_that_could_not_end_its_group_fails_and_says_so(
    options: tuple[str, ...], pytester: pytest.Pytester
) -> None:
    body = """
    import pytest

    @pytest.fixture(scope="session", autouse=True)
    def last(stan_group):
        yield
        from conftest import ENGINE
        ENGINE.machine.lost = "the engine is away"

    def test_it(stan_group):
        pass
    """
    code, text = run(pytester, body, *options)
    assert code == pytest.ExitCode.TESTS_FAILED, text
    assert "1 passed" in text
    assert "could not be ended: the engine is away" in text
    assert "Traceback" not in text


def test_a_failure_is_shown_first_when_its_group_can_be_neither_healed_nor_ended(
    pytester: pytest.Pytester,
) -> None:
    body = """
    def test_it(stan_group, lose_engine):
        lose_engine()
        assert False, "this one"
    """
    code, text = run(pytester, body)
    assert code == pytest.ExitCode.TESTS_FAILED, text
    assert "1 failed in" in text
    own, unhealed = (
        text.index(each) for each in ("AssertionError: this one", "could not be healed after the test")
    )
    assert text.index("= FAILURES =") < own < unhealed
    assert "could not be ended: the engine is away" in text
    assert "Traceback" not in text


def test_a_teardown_that_fails_in_a_group_that_could_not_be_healed_has_both_in_its_report(
    pytester: pytest.Pytester,
) -> None:
    body = """
    import pytest

    @pytest.fixture
    def own(stan_group):
        yield
        assert False, "this one"

    def test_it(own, lose_engine):
        lose_engine()
    """
    _, text = run(pytester, body)
    assert "1 passed, 1 error in" in text
    assert "AssertionError: this one" in text
    assert "could not be healed after the test" in text
