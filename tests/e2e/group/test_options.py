"""Global options, wherever they stand, the environment and stanlocal.toml; help and completion."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from stanlocal.cli.app import _COMMANDS
from tests.support.cli import Cli


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


def chosen_group(cli: Cli, *arguments: str, **env: str) -> str:
    """The group's name that `config show` says is in effect; it needs no engine."""
    printed = json.loads(cli.ok("config", "show", "--json", *arguments, **env))
    name: str = printed["group"]
    return name


def test_a_flag_counts_before_the_environment_before_the_file_before_the_default(cli: Cli) -> None:
    assert chosen_group(cli) == "stan"
    (cli.folder / "stanlocal.toml").write_text('group = "from-file"\n')
    assert chosen_group(cli) == "from-file"
    assert chosen_group(cli, STANLOCAL_GROUP="from-env") == "from-env"
    assert chosen_group(cli, "--group", "from-flag", STANLOCAL_GROUP="from-env") == "from-flag"


def test_the_nearest_file_upward_counts(cli: Cli) -> None:
    below = cli.folder / "a" / "b"
    below.mkdir(parents=True)
    (cli.folder / "stanlocal.toml").write_text('group = "above"\n')
    assert chosen_group(Cli(below)) == "above"
    (below.parent / "stanlocal.toml").write_text('group = "near"\n')
    assert chosen_group(Cli(below)) == "near"
    other = cli.folder / "other.toml"
    other.write_text('group = "named"\n')
    assert chosen_group(Cli(below), "--config", str(other)) == "named"
    assert chosen_group(Cli(below), STANLOCAL_CONFIG=str(other)) == "named"


@pytest.mark.parametrize("arguments", [("--group", "g", "env"), ("env", "--group", "g")])
@pytest.mark.parametrize("json_first", [True, False])
@pytest.mark.docker
def test_global_options_stand_before_or_after_the_command(
    cli: Cli, arguments: tuple[str, ...], json_first: bool
) -> None:
    done = cli.run(*(("--json", *arguments) if json_first else (*arguments, "--json")))
    assert done.returncode == 4
    error = json.loads(done.stdout)["error"]
    assert (error["type"], "no group 'g'" in error["message"]) == ("group-not-found", True)


def test_a_flag_after_the_command_counts_more_than_the_same_before_it(cli: Cli) -> None:
    """The later of two options wins, as always."""
    assert chosen_group(Cli(cli.folder, group="first"), "--group", "second") == "second"


@pytest.mark.docker
def test_json_and_verbosity_come_from_the_environment_too(cli: Cli) -> None:
    done = cli.run("status", "--group", "t-none", STANLOCAL_JSON="1", STANLOCAL_VERBOSE="1")
    assert done.returncode == 4
    assert json.loads(done.stdout)["error"]["type"] == "group-not-found"
    assert "Traceback" in done.stderr, "-v adds it"


@pytest.mark.parametrize("command", [*_COMMANDS, ""])
def test_every_command_explains_itself(cli: Cli, command: str) -> None:
    printed = cli.ok(*filter(None, [command, "--help"]))
    assert printed.startswith(f"Usage: stanlocal {command}".rstrip())
    assert "\x1b" not in printed
    assert max(map(len, printed.splitlines())) <= 100


@pytest.mark.parametrize(("shell", "check"), [("bash", ["bash", "-n"]), ("zsh", None), ("fish", None)])
def test_completion_scripts_are_printed_and_valid(cli: Cli, shell: str, check: list[str] | None) -> None:
    script = cli.ok("completion", shell)
    assert "_STANLOCAL_COMPLETE" in script
    if check:
        subprocess.run(check, input=script, text=True, check=True)


def test_completion_knows_commands_and_their_options(cli: Cli) -> None:
    def completed(words: str) -> list[str]:
        env = {"_STANLOCAL_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "1"}
        code = "from stanlocal.__main__ import main; import sys; sys.argv[0] = 'stanlocal'; sys.exit(main())"
        printed = subprocess.run(
            ["python", "-c", code],
            env={**cli.environment(), **env},
            capture_output=True,
            text=True,
            timeout=30,
        ).stdout
        return [line.partition(",")[2] for line in printed.splitlines()]

    assert completed("stanlocal fail") == ["failovers"]


def test_version_is_the_packages(cli: Cli) -> None:
    from importlib.metadata import version

    assert cli.ok("--version") == f"stanlocal, version {version('stanlocal')}\n"


def test_a_command_that_there_is_not_is_refused_with_the_nearest(cli: Cli) -> None:
    done = cli.run("statsu")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: no command 'statsu'; did you mean 'status'?; see 'stanlocal --help'\n"
