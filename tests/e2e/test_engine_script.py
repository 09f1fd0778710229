"""Tests of how `scripts/stanlocal` provides a Docker Engine.

Each run is in namespaces of its own, where the machine's engine cannot be seen or reached, with stand-ins
for `apt-get` and `dockerd` on PATH.
"""

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

NAMESPACES = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
HIDE = """
mount -t tmpfs none /run
mount -t tmpfs none /var/log
for folder in /usr/bin /usr/sbin; do
    if [ -e $folder/dockerd ]; then
        mkdir -p /run/hide/upper /run/hide/work
        mount -t overlay -o lowerdir=$folder,upperdir=/run/hide/upper,workdir=/run/hide/work none $folder
        rm $folder/dockerd
    fi
done
exec "$@"
"""

APT_GET = """#!/bin/sh
echo "apt-get $*" >> "$CALLS"
case "$*" in
    *update*) touch "$HERE/updated" ;;
    *install*)
        [ -z "$NO_PACKAGES" ] || { echo "E: Unable to locate package docker.io" >&2; exit 100; }
        [ -z "$OLD_LISTS" ] || [ -e "$HERE/updated" ] || exit 100
        cp "$HERE/dockerd" "$HERE/bin/dockerd" ;;
esac
"""

DOCKERD = f"""#!{sys.executable}
import http.server, os, pathlib, socketserver, sys
with open(os.environ["CALLS"], "a") as calls:
    print("dockerd", "in a session of its own" if os.getsid(0) == os.getpid() else "in ours", file=calls)
print("level=info msg=starting", flush=True)
if os.environ.get("BROKEN") or pathlib.Path("/var/run/docker.pid").exists():
    sys.exit("failed to start daemon: no such luck")

class Ping(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Api-Version", "1.41")
        self.end_headers()
    def address_string(self):
        return "socket"

if os.environ.get("HANGING"):
    import signal
    signal.pause()
socketserver.UnixStreamServer("/var/run/docker.sock", Ping).serve_forever()
"""

ENSURE = """
set -euo pipefail
source "$ROOT/scripts/lib/common.sh"
source "$ROOT/scripts/lib/venv.sh"
source "$ROOT/scripts/lib/engine.sh"
engine_deadline_s=${DEADLINE:-60}
venv=$VENV
"""


def may_unshare() -> bool:
    try:
        return subprocess.run([*NAMESPACES, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


pytestmark = [
    pytest.mark.skipif(not may_unshare(), reason="makes namespaces, which takes root on Linux"),
    pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="is about Debian and Ubuntu"),
]


class Machine:
    """A machine without an engine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        for name, text in (("bin/apt-get", APT_GET), ("dockerd", DOCKERD), ("bin/dpkg", "#!/bin/sh\n")):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)

    def install(self) -> None:
        """An engine that does not run."""
        shutil.copy(self.folder / "dockerd", self.folder / "bin" / "dockerd")

    def command(self, script: str) -> list[str]:
        return [*NAMESPACES, "sh", "-ec", HIDE, "sh", "bash", "-c", ENSURE + script]

    def env(self, **extra: str) -> Mapping[str, str]:
        return {
            "PATH": f"{self.folder}/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "ROOT": str(ROOT),
            "VENV": sys.prefix,
            "HERE": str(self.folder),
            "CALLS": str(self.folder / "calls"),
            **extra,
        }

    def run(self, script: str = "ensure_engine", **env: str) -> subprocess.CompletedProcess[str]:
        """Without a terminal."""
        return subprocess.run(
            self.command(script),
            env=self.env(**env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    @property
    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []


INSTALL = "apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends docker.io iptables"
UPDATE = "apt-get -qq -o DPkg::Lock::Timeout=300 update"
START = "dockerd in a session of its own"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_an_engine_is_installed_started_and_waited_for_once(machine: Machine) -> None:
    done = machine.run("ensure_engine; ensure_engine; find_engine")
    assert done.returncode == 0, done.stderr
    assert machine.calls == [INSTALL, START]
    assert done.stdout == "", "standard output belongs to the command that is run in the end"


def test_package_lists_are_fetched_only_when_the_first_try_fails(machine: Machine) -> None:
    assert machine.run(OLD_LISTS="1").returncode == 0
    assert machine.calls == [INSTALL, UPDATE, INSTALL, START]


def test_an_engine_that_only_does_not_run_is_started(machine: Machine) -> None:
    machine.install()
    assert machine.run().returncode == 0
    assert machine.calls == [START]


@pytest.mark.parametrize("pid", ["$$", "$$\\n", "999999", "", "junk"])
def test_a_stale_pid_file_does_not_keep_it_from_starting(machine: Machine, pid: str) -> None:
    """Pids are given to other processes after a restart: the shell's own stands for one of those."""
    machine.install()
    done = machine.run(f'printf "{pid}" > /var/run/docker.pid; ensure_engine')
    assert done.returncode == 0, done.stderr
    assert machine.calls == [START]


def test_a_stale_socket_does_not_pass_for_an_engine(machine: Machine) -> None:
    machine.install()
    leave = "import socket; socket.socket(socket.AF_UNIX).bind('/var/run/docker.sock')"
    done = machine.run(f'"$VENV/bin/python" -c "{leave}"; find_engine || echo absent')
    assert done.stdout == "absent\n"


def test_a_daemon_that_ends_at_once_shows_its_log_and_exits_3(machine: Machine) -> None:
    done = machine.run(BROKEN="1")
    assert done.returncode == 3
    *_, last_of_log, error = done.stderr.splitlines()
    assert last_of_log == "failed to start daemon: no such luck"
    assert error == "stanlocal: dockerd ended at once (the end of /var/log/docker.log is above)"


def test_a_daemon_that_never_answers_is_given_up_with_its_log(machine: Machine) -> None:
    done = machine.run(HANGING="1", DEADLINE="1")
    assert done.returncode == 3
    *_, last_of_log, error = done.stderr.splitlines()
    assert last_of_log == "level=info msg=starting"
    assert (
        error
        == "stanlocal: Docker Engine does not answer after 1 s (the end of /var/log/docker.log is above)"
    )


def test_packages_that_cannot_be_had_exit_3_with_apts_reason(machine: Machine) -> None:
    done = machine.run(NO_PACKAGES="1")
    assert done.returncode == 3
    *_, reason, error = done.stderr.splitlines()
    assert reason == "E: Unable to locate package docker.io"
    assert error == "stanlocal: could not install docker.io and iptables (see above)"


def test_a_chosen_engine_that_is_down_is_not_replaced_by_an_installed_one(machine: Machine) -> None:
    assert machine.run(DOCKER_HOST="unix:///nowhere").returncode == 0
    assert machine.calls == []


def ask(machine: Machine, answer: str, **env: str) -> tuple[int, str]:
    """Runs it on a terminal where `answer` is typed; the exit code and what is seen."""
    ours, theirs = pty.openpty()
    os.write(ours, answer.encode())
    with subprocess.Popen(
        machine.command("ensure_engine"), env=machine.env(**env), stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        seen = b""
        with suppress(OSError):  # errno that Linux reports once no process has the terminal open any more
            while chunk := os.read(ours, 4096):
                seen += chunk
        os.close(ours)
    return process.returncode, seen.decode()


QUESTION = "no Docker Engine is installed; install docker.io and iptables, and start it? [Y/n]"


def test_a_terminal_is_asked_first(machine: Machine) -> None:
    code, seen = ask(machine, "\n")
    assert QUESTION in seen
    assert code == 0
    assert machine.calls == [INSTALL, START]


def test_no_means_no_with_exit_3_and_what_to_do(machine: Machine) -> None:
    code, seen = ask(machine, "n\n")
    assert code == 3
    assert "no Docker Engine answers; install docker.io and iptables, or set DOCKER_HOST" in seen
    assert machine.calls == []


@pytest.mark.parametrize("variable", ["CI=true", "STANLOCAL_YES=1"])
def test_an_answer_given_beforehand_is_not_asked_for(machine: Machine, variable: str) -> None:
    name, _, value = variable.partition("=")
    code, seen = ask(machine, "", **{name: value})
    assert QUESTION not in seen
    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("up", True),
        ("--group g --json up --nodes 3", True),
        ("up --yes", True),
        ("drill kill-active", True),
        ("gotcha", False),
        ("gotcha two-actives", True),
        ("tui", True),
        ("tour", True),
        ("tour --lesson 3", True),
        ("image pull", True),
        ("--config f image build", True),
        ("image", False),
        ("image status", False),
        ("", False),
        ("--help", False),
        ("up --help", False),
        ("--version", False),
        ("config show", False),
        ("--group up status", False),
        ("down", False),
        ("drill list", False),
        ("drill verify up", False),
        ("export compose", False),
        ("completion bash", False),
        ("doctor", False),
    ],
)
def test_only_commands_that_make_a_group_see_to_an_engine(
    machine: Machine, arguments: str, expected: bool
) -> None:
    done = machine.run(f"makes_a_group {arguments} && echo yes || echo no")
    assert done.stdout == ("yes\n" if expected else "no\n")


def test_nothing_is_installed_while_a_shell_completes_a_command(machine: Machine) -> None:
    done = machine.run("makes_a_group up && echo yes || echo no", _STANLOCAL_COMPLETE="bash_complete")
    assert done.stdout == "no\n"


@pytest.mark.parametrize(
    ("arguments", "env", "toml", "installs"),
    [
        ("up", {}, "process", False),
        ("up --config other.toml", {}, "process", True),
        ("--config=other.toml up", {}, "process", True),
        ("up", {"STANLOCAL_CONFIG": "other.toml"}, "process", True),
        ("up --engine docker", {}, "process", True),
        ("up --engine=docker", {"STANLOCAL_ENGINE": "process"}, "auto", True),
        ("up", {"STANLOCAL_ENGINE": "process"}, "docker", False),
        ("--engine process up", {}, "docker", False),
        ("--group g --engine=process up", {}, "auto", False),
        ("up", {}, "auto", True),
        ("config show", {}, "auto", False),
    ],
)
def test_an_engine_is_seen_to_unless_the_settings_ask_for_local_processes(
    machine: Machine, arguments: str, env: dict[str, str], toml: str, installs: bool
) -> None:
    folder = machine.folder / "project"
    folder.mkdir()
    (folder / "stanlocal.toml").write_text(f'engine = "{toml}"\n')
    (folder / "other.toml").write_text('engine = "auto"\n')
    done = machine.run(f'cd "$HERE/project"; see_to_engine {arguments}', **env)
    assert done.returncode == 0, done.stderr
    assert machine.calls == ([INSTALL, START] if installs else [])


def test_a_machine_without_an_engine_leaves_it_to_stanlocal_what_becomes_of_the_command(
    machine: Machine,
) -> None:
    done = machine.run("see_to_engine up; echo went on", NO_PACKAGES="1")
    assert (done.returncode, done.stdout) == (0, "went on\n")
