"""Mistakes of users: one clear line, the contract's exit code, and nothing half done."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import docker
import pytest

from tests.support.archives import load_image
from tests.support.census import NOTHING, Left
from tests.support.cli import Cli, the_error
from tests.support.fake_socket import fake_socket

pytestmark = pytest.mark.docker


@dataclass(frozen=True, slots=True)
class Row:
    """A mistake of a user."""

    name: str
    arguments: tuple[str, ...]
    code: int
    line: str
    """A pattern for the one line on standard error."""
    toml: str | None = None
    env: dict[str, str] = field(default_factory=dict)


ROWS = [
    Row(
        "an unknown setting in the file",
        ("up",),
        2,
        r"error: .*/stanlocal\.toml: nods is not a setting; did you mean nodes\?",
        toml="nods = 3\n",
    ),
    Row(
        "an unknown option of the server",
        ("up",),
        2,
        r"error: .*toml: streaming\.store_limits\.max_mgs is not a setting; did you mean .*max_msgs\?",
        toml="[streaming.store_limits]\nmax_mgs = 3\n",
    ),
    Row(
        "a value of the wrong kind",
        ("up",),
        2,
        r"error: .*nodes.*'many'.*",
        toml='nodes = "many"\n',
    ),
    Row(
        "TOML that does not parse",
        ("up",),
        2,
        r"error: .*/stanlocal\.toml:2:9: invalid value; correct it there",
        toml="nodes = 2\nimage = = 1\n",
    ),
    Row("a file that is not there", ("--config", "none.toml", "up"), 2, r"error: .*none\.toml.*"),
    Row("no nodes", ("up", "--nodes", "0"), 2, r"error: .*nodes.*0.*"),
    Row("too many nodes", ("up", "--nodes", "65"), 2, r"error: flag --nodes is 65; give 1 to 64"),
    Row("a negative port", ("up", "--port", "-1"), 2, r"error: .*port.*-1.*"),
    Row("a port that there is not", ("up", "--port", "65536"), 2, r"error: .*port.*65536.*"),
    Row("no room for the ports", ("up", "--port", "65535"), 2, r"error: .*port 65535 leaves no room.*"),
    Row("a time that is none", ("up", "--timeout", "soon"), 2, r"error: .*'soon'.*"),
    Row("a name that Docker refuses", ("--group", "-x", "up"), 2, r"error: .*group.*-x.*"),
    Row("a name that DNS refuses", ("--group", "my_group", "up"), 2, r"error: .*group.*my_group.*"),
    Row("a name with a path", ("--group", "../x", "up"), 2, r"error: .*group.*\.\./x.*"),
    Row("a name that is too long", ("--group", "x" * 64, "up"), 2, r"error: .*group.*xxx.*"),
    Row(
        "an unknown option",
        ("up", "--nodess", "2"),
        2,
        r"error: no option '--nodess'; did you mean .*",
    ),
    Row(
        "an unknown signal",
        ("kill", "0", "--signal", "WINK"),
        2,
        r"error: .*no signal 'WINK'; name one such as KILL, TERM or HUP; .*",
    ),
    Row("a pattern that is none", ("logs", "--grep", "("), 2, r"error: .*'--grep': .*position 0; .*"),
    Row(
        "a time that is no time", ("logs", "--since", "yesterday"), 2, r"error: .*'yesterday' is not a time.*"
    ),
    Row("a state that there is not", ("wait", "--state", "fine"), 2, r"error: .*'fine'.*"),
    *(
        Row(f"{command[0]} of no group", command, 4, r"error: no group '\S+'; start it with 'stanlocal up'.*")
        for command in (
            ("status",),
            ("logs",),
            ("events",),
            ("failovers",),
            ("env",),
            ("faults",),
            ("wait", "--state", "healthy"),
            ("kill", "@active"),
            ("start", "0"),
            ("pause", "0"),
        )
    ),
    Row(
        "an engine that is down",
        ("--engine", "docker", "up"),
        3,
        r"error: no Docker Engine answers: DOCKER_HOST .*",
        env={"DOCKER_HOST": "unix:///nowhere/docker.sock"},
    ),
    Row(
        "an engine elsewhere that is down",
        ("--engine", "docker", "status"),
        3,
        r"error: no Docker Engine answers: .*nothing listens.*",
        env={"DOCKER_HOST": "tcp://127.0.0.1:1"},
    ),
    Row("an engine that there is not", ("--engine", "podman", "up"), 2, r"error: .*podman.*"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_it_is_refused_with_one_line_and_nothing_is_half_done(cli: Cli, left: Left, row: Row) -> None:
    if row.toml is not None:
        (cli.folder / "stanlocal.toml").write_text(row.toml)
    done = cli.run(*row.arguments, **row.env)
    line = the_error(done)
    assert re.fullmatch(row.line, line), line
    assert done.returncode == row.code
    assert left.census() == NOTHING


def test_all_problems_of_all_settings_are_reported_at_once(cli: Cli, left: Left) -> None:
    """A line for each."""
    (cli.folder / "stanlocal.toml").write_text('nods = 3\nengine = "vm"\n')
    done = cli.run("up", "--nodes", "0", STANLOCAL_PORT="x")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 4
    assert all(line.startswith("error: ") for line in lines)
    assert left.census() == NOTHING


def test_one_node_is_allowed_with_a_warning(cli: Cli) -> None:
    done = cli.run("up", "--nodes", "1", "--json")
    try:
        assert done.returncode == 0
        assert "warning: nodes is 1: with a single node there is no failover" in done.stderr
    finally:
        cli.ok("down", "--purge", "--yes", "--timeout", "0")


# The store's folder


def a_file(path: Path) -> None:
    path.write_text("mine")


def files(path: Path) -> None:
    path.mkdir()
    (path / "letter.txt").write_text("mine")


def not_writable(path: Path) -> None:
    """A folder of root's with a store in it, which the servers' user may not write."""
    path.mkdir()
    (path / ".rootdir.lck").touch(mode=0o600)


def of_another_group(path: Path) -> None:
    path.mkdir()
    (path / ".stanlocal.json").write_text(
        '{"group": "theirs", "created": "2026-01-01T00:00:00Z", "adopted": false, "version": 1}\n'
    )


_STORES: list[tuple[Callable[[Path], None], str]] = [
    (a_file, r"error: .*/store is not a folder; choose another with '--store-dir'"),
    (files, r"error: .*/store is not a store of the server \(it holds letter\.txt, …\); .*'--store-dir'"),
    (not_writable, r"error: .*/store\S* belongs to uid 0 and cannot be written by uid 65532.*"),
    (of_another_group, r"error: .*/store is the store of the group 'theirs'; .*'--store-dir'.*"),
]


@pytest.mark.parametrize(("make", "line"), _STORES, ids=[make.__name__ for make, _ in _STORES])
def test_a_store_folder_that_cannot_be_used_is_refused_untouched(
    cli: Cli, left: Left, make: Callable[[Path], None], line: str
) -> None:
    if make is not_writable and os.geteuid() != 0:
        pytest.skip("only root's files can belong to somebody else than the servers' user")
    store = cli.folder / "store"
    make(store)
    before = snapshot(store)
    done = cli.run("up", "--store-dir", str(store))
    said = the_error(done)
    assert re.fullmatch(line, said), said
    assert done.returncode == 2
    assert snapshot(store) == before
    assert left.census() == NOTHING


def snapshot(path: Path) -> object:
    """Return everything that exists at the path."""
    if path.is_file():
        return path.read_bytes()
    return {found.name: (found.read_bytes(), found.stat().st_mtime_ns) for found in path.iterdir()}


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system without a free byte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=16,mode=0777", "none", disk], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("mounts a small disk, which takes root on Linux")
    try:
        (disk / "ballast").write_bytes(b"x" * 4096)
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_full_disk_is_reported_and_nothing_is_left_on_it(cli: Cli, left: Left, full_disk: Path) -> None:
    done = cli.run("up", "--store-dir", str(full_disk / "store"), "--timeout", "20")
    assert done.returncode in (1, 2)
    assert re.search(r"no space left on device", done.stderr, re.IGNORECASE)
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in full_disk.iterdir()) == ["ballast"]
    assert left.census() == NOTHING


def test_a_store_with_another_cluster_id_is_refused_by_name(cli: Cli, up: Cli) -> None:
    up.ok("down", "--timeout", "0")
    done = cli.run("up", STANLOCAL_STREAMING__CLUSTER_ID="other")
    line = the_error(done)
    assert re.fullmatch(
        r"error: the store \S+ was written under the cluster id 'test-cluster', the group's is 'other'; .*",
        line,
    )
    assert done.returncode == 2


# Ports and names


def test_a_port_that_was_asked_for_and_is_taken_is_refused_with_its_owner(cli: Cli, left: Left) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        done = cli.run("up", "--port", str(port))
    line = the_error(done)
    assert re.fullmatch(
        rf"error: port {port} is taken by \S+ \(pid {os.getpid()}\); free it, or choose others with '--port'",
        line,
    )
    assert done.returncode == 2
    assert left.census() == NOTHING


def test_a_foreign_container_with_our_name_is_named_and_left(
    cli: Cli, left: Left, docker_client: docker.DockerClient
) -> None:
    foreign = docker_client.containers.create("nats-streaming:0.25.6", name=f"{cli.group}-0")
    try:
        before = left.census()
        done = cli.run("up")
        line = the_error(done)
        assert line.startswith(f"error: container '{cli.group}-0' (nats-streaming:0.25.6) was not made by ")
        assert done.returncode == 2
        assert left.census() == before
    finally:
        foreign.remove()


# The engine


def test_an_engine_that_hangs_is_given_up_within_seconds(cli: Cli, left: Left, tmp_path: Path) -> None:
    with fake_socket(tmp_path / "docker.sock", None) as hanging:
        begin = time.monotonic()
        done = cli.run("--engine", "docker", "up", DOCKER_HOST=hanging.url)
        assert time.monotonic() - begin < 10
    line = the_error(done)
    assert re.fullmatch(
        r"error: no Docker Engine answers: DOCKER_HOST \(.*\): no answer within 2 s; .*", line
    )
    assert done.returncode == 3
    assert left.census() == NOTHING


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to become somebody who may not")
def test_an_engine_that_refuses_permission_is_reported_with_the_fix(
    left: Left, group_name: str, tmp_path: Path
) -> None:
    """Run as a user without any rights."""
    with ExitStack() as stack:
        refusing = stack.enter_context(fake_socket(tmp_path / "docker.sock"))
        for folder in (tmp_path, *tmp_path.parents):
            if folder.stat().st_mode & 0o5 != 0o5 and folder.stat().st_uid == 0:
                stack.callback(folder.chmod, folder.stat().st_mode & 0o7777)
                folder.chmod(0o755)
        refusing.path.chmod(0o600)
        cli = Cli(tmp_path, group=group_name)
        # A user without rights cannot write down what is covered.
        known = cli.environment()
        unmeasured = {name: value for name, value in known.items() if not name.startswith("COVERAGE")}
        done = subprocess.run(
            [
                "setpriv",
                "--reuid",
                "65534",
                "--regid",
                "65534",
                "--clear-groups",
                *cli.command("--engine", "docker", "up"),
            ],
            env={**unmeasured, "DOCKER_HOST": refusing.url, "HOME": "/", "XDG_STATE_HOME": "/nowhere"},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=30,
        )
    if "No module named" in done.stderr or "Permission denied: '/" in done.stderr:
        pytest.skip("the interpreter is in a folder that others may not enter")
    line = the_error(done)
    assert re.fullmatch(r"error: no Docker Engine answers: DOCKER_HOST \(.*\): permission denied; .*", line)
    assert done.returncode == 3
    assert left.census() == NOTHING


@pytest.fixture
def broken_image(docker_client: docker.DockerClient) -> Iterator[Callable[[bytes], str]]:
    """Makes images whose server is what it is given."""
    made: list[str] = []

    def make(server: bytes) -> str:
        name = f"localhost/t-{secrets.token_hex(4)}:1"
        load_image(docker_client, name, server)
        made.append(name)
        return name

    yield make
    for name in made:
        docker_client.images.remove(name)


@pytest.mark.parametrize(
    "server", [b"", b"\x7fELF not for this machine"], ids=["empty", "for another machine"]
)
def test_an_image_that_does_not_start_is_reported_and_nothing_is_left(
    cli: Cli, left: Left, broken_image: Callable[[bytes], str], server: bytes
) -> None:
    done = cli.run("up", "--image", broken_image(server))
    error = done.stderr.splitlines()[-1]
    assert error.startswith("error: ")
    assert "exec format error" in error
    assert "Traceback" not in done.stderr
    assert done.returncode in (1, 3), "as the engine tells it: it starts and fails, or is not started"
    assert left.census() == NOTHING


def test_a_missing_image_is_reported_with_each_way_tried(cli: Cli, left: Left) -> None:
    done = cli.run("up", "--image", "localhost:1/none:1")
    error = done.stderr.splitlines()[-1]
    assert error.startswith("error: no source has the image localhost:1/none:1: cannot pull ")
    assert done.returncode == 3
    assert left.census() == NOTHING


# Nodes


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("kill", "7"), r"error: no node '7' in the group \(.*\); name one, its index, @active, .*"),
        (("kill", "stan-0"), r"error: no node 'stan-0' in the group .*"),
        (("pause", "0", "@leader"), r"error: no node '@leader' in the group .*"),
        (("logs", "9"), r"error: no node '9' in the group .*"),
    ],
)
def test_an_unknown_target_touches_nothing(shared: Cli, arguments: tuple[str, ...], line: str) -> None:
    before = shared.json("status")
    done = shared.run(*arguments)
    said = the_error(done)
    assert re.fullmatch(line, said), said
    assert done.returncode == 4
    assert shared.json("status") == before


def test_active_prints_no_name_where_no_node_is_active(up: Cli) -> None:
    up.ok("stop", "@all")
    for command in (("kill", "@active"), ("pause", "@active"), ("logs", "@active")):
        done = up.run(*command)
        assert done.returncode == 4
        assert re.fullmatch(r"error: no node is active now \(.*\); see 'stanlocal status'\n", done.stderr)


def test_with_json_an_error_is_a_document_too(cli: Cli) -> None:
    done = cli.run("status", "--json")
    error = json.loads(done.stdout)["error"]
    assert error["type"] == "group-not-found"
    assert done.stderr == f"error: {error['message']}\n"
    done = cli.run("up", "--json", "--nodes", "x")
    assert done.returncode == 2
    assert set(json.loads(done.stdout)["error"]) >= {"type", "message"}
