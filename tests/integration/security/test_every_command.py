"""Every command meets a group of every kind of protection, on each engine: the table in docs/security.md."""

from __future__ import annotations

import secrets
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from stanlocal.api import FTGroup
from tests.integration.security.columns import COLUMNS, PASSWORD, Protected
from tests.integration.security.commands import COMMANDS, Meeting
from tests.support.cli import Cli
from tests.support.ports import free_ports
from tests.support.server import run_server

_EXTERNAL = """
listen: "0.0.0.0:{port}"
authorization {{ user: stan, password: "{password}" }}
streaming {{ store: memory, id: elsewhere }}
"""
_SCRATCH = {
    "drill": ("drill", "kill-loop", "--kill-active", "1", "--json"),
    "gotcha": ("gotcha", "who-is-active", "--json"),
}


@pytest.fixture(params=COLUMNS)
def column(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def external(request: pytest.FixtureRequest, column: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a NATS server that is not the group's, if the column has one."""
    if column != "external NATS with login":
        yield ""
        return
    binary: Path = request.getfixturevalue("server_binary")
    (port,) = free_ports(1)
    conf = _EXTERNAL.format(port=port, password=PASSWORD)
    with run_server(binary, conf, tmp_path / "external") as server:
        server.wait_for("Server is ready")
        yield f"nats://127.0.0.1:{port}"


@pytest.fixture
def protected(column: str, external: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Protected:
    """The settings of the column, and the files that they name; the working directory is another."""
    settings, work = tmp_path / "settings", tmp_path / "work"
    settings.mkdir()
    work.mkdir()
    monkeypatch.chdir(work)
    found = COLUMNS[column](settings, external)
    (settings / "stanlocal.toml").write_text(found.toml)
    return found


@pytest.fixture
def meeting(on_engine: str, protected: Protected, group_name: str, tmp_path: Path) -> Iterator[Meeting]:
    """A group that is up with the column's settings, and commands that bring up groups of their own."""
    work, config = tmp_path / "work", tmp_path / "settings" / "stanlocal.toml"
    mark = secrets.token_hex(3)
    with ExitStack() as stack:
        running = {}
        for name, arguments in _SCRATCH.items():
            # Groups that meet at one NATS server tell each other apart by these.
            own = {
                "STANLOCAL_STREAMING__CLUSTER_ID": f"{name}-{mark}",
                "STANLOCAL_STREAMING__FT_GROUP_NAME": f"{name}-{mark}",
            }
            running[name] = stack.enter_context(Cli(work, own).started(*arguments, "--config", str(config)))
        group = FTGroup(group=group_name, config=config).sync
        group.up()
        group.close()
        yield Meeting(group_name, work, protected.options, running)
        group = FTGroup(group=group_name).sync
        group.down(timeout=0, purge=True)
        group.close()


def test_every_command_works_and_says_no_secret(
    meeting: Meeting, protected: Protected, state_home: Path, request: pytest.FixtureRequest, on_engine: str
) -> None:
    failed = {}
    labels = _labels(request, meeting.name) if on_engine == "docker" else ""
    arguments = list(_command_lines())
    for name, command in COMMANDS.items():
        try:
            command(meeting)
        except Exception as error:  # noqa: BLE001 - every cell of the column is reported
            failed[name] = f"{type(error).__name__}: {error}"
    assert failed == {}
    folder = state_home / "stanlocal" / meeting.name
    made = set(_made_by_the_group(folder))
    assert made or "nats.authorization" not in protected.toml
    for secret in {*protected.secrets, *made}:
        assert not [text for text in meeting.printed if secret in text]
        assert secret not in labels
        assert not [line for line in arguments if secret in line]
        written = [*_files(folder), *_files(meeting.folder)]
        holding = [path for path in written if secret.encode() in path.read_bytes()]
        assert [path for path in holding if not _may_hold_secrets(path)] == []
    assert [path for path in _files(folder) if _may_hold_secrets(path) and _is_open(path)] == []


def _made_by_the_group(folder: Path) -> Iterator[str]:
    """The secrets that the group has made itself: the passwords of routes and clients, lines of keys."""
    for path in (*folder.glob("secrets/*"), *folder.glob("conf/*/*")):
        if path.name == "routes":
            yield path.read_bytes().hex()
        elif path.name == "password":
            yield path.read_text("ascii")
        elif path.suffix == ".key":
            yield path.read_text("ascii").splitlines()[1]


def _labels(request: pytest.FixtureRequest, group: str) -> str:
    """Everything that the engine tells of the group's containers: labels, arguments, environment."""
    client = request.getfixturevalue("docker_client")
    filters = {"label": f"dev.stanlocal.group={group}"}
    return "".join(str(each.attrs) for each in client.containers.list(all=True, filters=filters))


def _command_lines() -> Iterator[str]:
    """The arguments of every process."""
    for process in psutil.process_iter(["cmdline"]):
        yield " ".join(process.info["cmdline"] or ())


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _may_hold_secrets(path: Path) -> bool:
    """Whether the file is a node's configuration, or in the folder of secrets."""
    return path.parent.name == "secrets" or path.parent.parent.name == "conf"


def _is_open(path: Path) -> bool:
    """Whether others than the owner may read the file."""
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
