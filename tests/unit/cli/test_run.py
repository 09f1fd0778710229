"""`run`, without a group: what is refused before there is one, the order of options, the outcome."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

import stanlocal.cli.run as run_command
from stanlocal.cli import output_file
from stanlocal.cli.app import app
from stanlocal.cli.app import run as run_app
from stanlocal.cli.context import Context
from stanlocal.errors import OutputError
from stanlocal.testing.run import runner
from stanlocal.testing.run.outcome import RunOutcome


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "missing argument 'COMMAND...'"),
        (["--", "no-such-command"], "no command 'no-such-command' that can be run"),
        (["--fault", "kil", "--every", "5s", "--", "true"], "no fault 'kil'; did you mean 'kill'?"),
        (["--every", "5s", "--fault", "kill", "--", "true"], "--every belongs to a fault"),
        (["--fault", "kill", "--every", "soon", "--", "true"], "'soon' is not a duration"),
        (["--fault", "kill", "--every", "-1", "--", "true"], "'-1' is not a time to wait"),
        (["--fault", "kill", "--after", "inf", "--", "true"], "'inf' is not a time to wait"),
        (["--drill", "no-such", "--", "true"], "no scenario 'no-such'"),
        (
            ["--drill", "kill-loop", "--fault", "kill", "--after", "1", "--", "true"],
            "give --fault or --drill",
        ),
        (["--junit", "none/r.xml", "--", "true"], "none/r.xml cannot be written"),
        (["--group", "g", "--fault", "expire-lock", "--after", "1", "--", "true"], "needs '--yes'"),
        (["--group", "g", "--drill", "expire-lock", "--", "true"], "needs '--yes'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_app(["run", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, said in err) == ("", True), err
    assert "Traceback" not in err


def test_options_after_the_command_are_the_commands() -> None:
    command = app.get_command(click.Context(app), "run")
    assert command is not None
    given = ["--fault", "kill", "--every=5s", "--json", "go", "test", "--json", "--fault", "-v", "./..."]
    context = command.make_context("run", given, obj=Context())
    assert context.params["command"] == ("go", "test", "--json", "--fault", "-v", "./...")
    assert (context.params["fault"], context.params["every"]) == (("kill",), (5.0,))


def test_an_outcome_is_shown_even_if_its_report_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @asynccontextmanager
    async def no_group(*given: object, own: bool) -> AsyncIterator[None]:
        yield

    async def succeeded(group: object, request: runner.RunRequest) -> RunOutcome:
        now = datetime.now(UTC)
        return RunOutcome(request.command, 0, now, now, "g", "docker", (), (), None, None, None)

    def full(path: Path, text: str, *, force: bool) -> None:
        raise OutputError(f"{path} cannot be written: no space left on device; name another")

    monkeypatch.setattr(run_command, "_group", no_group)
    monkeypatch.setattr(runner, "run_on", succeeded)
    monkeypatch.setattr(output_file, "write", full)
    assert run_app(["run", "--junit", "r.xml", "--", "true"]) == 2
    outcome, error = capsys.readouterr().err.splitlines()
    assert outcome.startswith("stanlocal: true succeeded after ")
    assert "no space left on device" in error
