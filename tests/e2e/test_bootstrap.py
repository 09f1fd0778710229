"""`scripts/stanlocal` on a machine that has not seen it before sets itself up; in a copy of the project."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.processes import processes_of

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("bash", "cat", "cmp", "dirname", "env", "grep", "mkdir", "mv", "readlink", "rm")
NOBODY = 65534
VERSION = f"stanlocal, version {version('stanlocal')}\n"


def copy_project(target: Path) -> Path:
    """The files that a clone without an environment has, as far as they matter here."""
    target.mkdir()
    for name in ("pyproject.toml", "requirements.lock", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, target)
    for name in ("scripts", "stanlocal"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    return target


def environment(*path: Path, **extra: str) -> dict[str, str]:
    """PATH and the variables that package sources need, as they are set on this machine."""
    others = ("PYTHON", "STANLOCAL", "COVERAGE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    # As many shells have it: the set-up has to compile nevertheless, or each start would be slow.
    return {**kept, "PATH": os.pathsep.join(map(str, path)), "PYTHONDONTWRITEBYTECODE": "1", **extra}


def stanlocal(project: Path, env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    script = project / "scripts" / "stanlocal"
    return subprocess.run([script, *arguments], env=env, capture_output=True, text=True, cwd="/")


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PATH with what the script uses of any system, and no Python."""
    folder = tmp_path_factory.mktemp("tools")
    for name in TOOLS:
        found = shutil.which(name, path="/usr/bin:/bin")
        assert found is not None, name
        (folder / name).symlink_to(found)
    return folder


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PATH with a Python, and before it the shim of one that is not there."""
    folder = tmp_path_factory.mktemp("python")
    shim(folder / "python3.13")
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    return folder


def shim(path: Path) -> None:
    """The shim that pyenv puts on PATH for a version that is not selected."""
    path.write_text("#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2\nexit 127\n")
    path.chmod(0o755)


@pytest.fixture(scope="module")
def uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PATH with uv."""
    folder = tmp_path_factory.mktemp("uv")
    (folder / "uv").symlink_to(Path(sys.executable).with_name("uv"))
    return folder


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, tools: Path, python: Path, uv: Path) -> Path:
    """A copy of the project that has been set up by running it once."""
    project = copy_project(tmp_path_factory.mktemp("project") / "clone")
    first = stanlocal(project, environment(python, uv, tools), "--version")
    assert first.returncode == 0, first.stderr
    assert first.stdout == VERSION
    assert first.stderr.startswith(f"stanlocal: setting up {project}/.venv with ")
    return project


def test_the_first_run_compiles_what_it_installs(ready: Path) -> None:
    [site_packages] = (ready / ".venv" / "lib").glob("python*/site-packages")
    assert list((site_packages / "click" / "__pycache__").glob("*.pyc"))


def test_the_second_run_sets_nothing_up_and_adds_less_than_a_tenth_of_a_second(
    ready: Path, tools: Path
) -> None:
    """Neither Python nor uv is on PATH or needed. Best of many runs in turns, since the machine is shared."""
    env = environment(tools)
    command = ready / ".venv" / "bin" / "stanlocal"

    def seconds(run: Callable[[], subprocess.CompletedProcess[str]]) -> float:
        begin = time.perf_counter()
        done = run()
        assert (done.stdout, done.stderr) == (VERSION, "")
        return time.perf_counter() - begin

    bare_env = {**env, "PYTHONDONTWRITEBYTECODE": ""}
    bare = scripted = float("inf")
    for _ in range(25):
        one = seconds(
            lambda: subprocess.run([command, "--version"], env=bare_env, capture_output=True, text=True)
        )
        bare = min(bare, one)
        scripted = min(scripted, seconds(lambda: stanlocal(ready, env, "--version")))
        if scripted - bare < 0.1:
            return
    pytest.fail(f"{scripted:.3f} s through the script, {bare:.3f} s without it")


def test_it_can_be_called_through_a_link_from_anywhere(ready: Path, tools: Path, tmp_path: Path) -> None:
    link = tmp_path / "stanlocal"
    link.symlink_to(ready / "scripts" / "stanlocal")
    done = subprocess.run(
        [link, "--version"], env=environment(tools), cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == (VERSION, "")


def test_the_working_directory_cannot_make_it_run_code(ready: Path, tools: Path, tmp_path: Path) -> None:
    for name in ("click.py", "stanlocal.py", "json.py"):
        (tmp_path / name).write_text("raise SystemExit('ran code of the working directory')")
    script = ready / "scripts" / "stanlocal"
    done = subprocess.run(
        [script, "--version"], env=environment(tools), cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == (VERSION, "")


def test_a_changed_lock_or_project_file_is_followed_in_place(
    ready: Path, tools: Path, python: Path, uv: Path
) -> None:
    """Packages installed besides are removed; the environment itself is kept."""
    env = environment(python, uv, tools)
    marker = ready / ".venv" / "kept"
    marker.touch()
    with (ready / "pyproject.toml").open("a") as file:
        file.write("\n# changed\n")
    done = stanlocal(ready, env, "--version")
    assert "setting up" in done.stderr
    assert done.stdout == VERSION
    assert marker.exists()
    assert stanlocal(ready, env, "--version").stderr == ""


def test_without_a_python_that_will_do_one_line_says_so(tools: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    shim(old / "python3.13")
    (old / "python3").write_text("#!/bin/sh\nexit 1\n")  # too old: it fails the question for its version
    (old / "python3").chmod(0o755)
    project = copy_project(tmp_path / "clone")
    done = stanlocal(project, environment(old, tools), "--version")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "stanlocal: no Python 3.11 or newer on PATH; install one, for example python3.13\n"
    assert not (project / ".venv").exists()


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts commands in sessions of their own; none outlives the test."""
    running: list[subprocess.Popen[str]] = []

    def start(*argv: str | Path, env: dict[str, str]) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            argv, env=env, stdout=pipe, stderr=pipe, text=True, start_new_session=True, cwd="/"
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.slow
def test_a_first_run_that_was_killed_is_put_right_by_the_next(
    tmp_path: Path, tools: Path, python: Path, uv: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    project = copy_project(tmp_path / "clone")
    env = environment(python, uv, tools)
    first = started(project / "scripts" / "stanlocal", "--version", env=env)
    while not list(project.glob(".venv/lib/python*/site-packages/*")):
        assert first.poll() is None
        time.sleep(0.01)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert stanlocal(project, env, "--version").stdout == VERSION
    assert stanlocal(project, env, "--version").stderr == ""


@pytest.mark.slow
def test_two_first_runs_at_once_both_end_well_and_set_up_once(
    tmp_path: Path, tools: Path, python: Path, uv: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    project = copy_project(tmp_path / "clone")
    env = environment(python, uv, tools)
    both = [started(project / "scripts" / "stanlocal", "--version", env=env) for _ in range(2)]
    outputs = [process.communicate() for process in both]
    assert [stdout for stdout, _ in outputs] == [VERSION, VERSION]
    assert sum("setting up" in stderr for _, stderr in outputs) == 1


@pytest.mark.slow
def test_without_uv_pip_does_it(tmp_path: Path, tools: Path, python: Path) -> None:
    project = copy_project(tmp_path / "clone")
    done = stanlocal(project, environment(python, tools), "--version")
    assert done.stdout == VERSION, done.stderr
    assert stanlocal(project, environment(tools), "--version").stderr == ""


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.timeout(900)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without rights")
def test_without_docker_and_without_root_it_ends_with_a_running_group(server_binary: Path, uv: Path) -> None:
    """The clone, the server on PATH and the home folder are the user's own; Docker's socket is not."""
    with tempfile.TemporaryDirectory(prefix="stanlocal-") as name:
        folder = Path(name)
        project = copy_project(folder / "clone")
        bin_ = folder / "bin"
        bin_.mkdir()
        shutil.copy2(server_binary, bin_)
        shutil.copy2(uv / "uv", bin_)
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", folder], check=True)
        env = environment(bin_, Path("/usr/local/bin"), Path("/usr/bin"), Path("/bin"), HOME=name)
        env = {key: value for key, value in env.items() if not key.startswith(("DOCKER_", "XDG_"))}

        def run(*arguments: str) -> str:
            script = project / "scripts" / "stanlocal"
            done = subprocess.run(
                [script, *arguments],
                env=env,
                capture_output=True,
                text=True,
                cwd=folder,
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        made = json.loads(run("up", "--json"))
        assert (made["engine"], made["state"]) == ("process", "healthy")
        run("partition", "@active")
        assert json.loads(run("status", "--json"))["state"] == "degraded"
        run("heal")
        run("down", "--purge", "--yes", "--timeout", "0")
        assert processes_of(folder) == set()


@pytest.mark.parametrize("where", ["pyenv", "PATH"])
def test_a_python_that_is_asked_for_is_found_although_another_is_the_usual_one(
    where: str, tools: Path, python: Path, tmp_path: Path
) -> None:
    """`scripts/test --python` looks for it; an environment of its own is made of it."""
    wanted = f"{sys.version_info[0]}.{sys.version_info[1]}"
    bin_ = tmp_path / f"pyenv/versions/{wanted}.7/bin"
    bin_.mkdir(parents=True)
    real = Path(sys.executable).resolve()
    name = "python" if where == "pyenv" else f"python{wanted}"
    (bin_ / name).symlink_to(real)
    on_path = (python,) if where == "pyenv" else (bin_,)
    script = f"""
        source {ROOT}/scripts/lib/common.sh; source {ROOT}/scripts/lib/venv.sh
        use_venv {wanted}; echo "$venv"; find_python
        use_venv 3.99; find_python || wanted_python
    """
    pyenv = tmp_path / "pyenv" if where == "pyenv" else tmp_path / "none"
    done = subprocess.run(
        ["/bin/bash", "-c", script],
        env=environment(*on_path, tools, PYENV_ROOT=str(pyenv)),
        capture_output=True,
        text=True,
    )
    folder, found, missing = done.stdout.splitlines()
    assert folder == f"{ROOT}/.venv-{wanted}"
    assert Path(found).resolve() == real
    assert missing == "Python 3.99 on PATH, of pyenv or of uv"
