"""Measures the pytest plugin beside testcontainers-python: ``python -m tests.bench.plugin``.

Needs a Docker Engine with the server's image, and PyPI: both get an environment in a temporary folder. Prints
the table, writes it to tests/bench/results/plugin.md (or to `--out`), exits with 1 if a row is short.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from stanlocal.settings.tool_options import DEFAULT_IMAGE
from tests.bench.group.rows import Row, bounded, compared
from tests.bench.page import RESULTS, load_average, machine, page, publish
from tests.support.cli import ROOT

_PEER = "testcontainers==4.15.0"
_TESTS = 100

_TIMES = """
import json, pathlib, time

tests = {}

def pytest_sessionstart(session):
    global begun
    begun = time.perf_counter()

def pytest_runtest_call(item):
    tests.setdefault("session", time.perf_counter() - begun)
    tests.setdefault("process", time.time())

def pytest_runtest_logreport(report):
    of = tests.setdefault(report.nodeid.partition("::")[2].partition("[")[0], {})
    of[report.nodeid] = of.get(report.nodeid, 0) + report.duration

def pytest_sessionfinish(session):
    pathlib.Path("times.json").write_text(json.dumps(tests))
"""
"""Notes how long it is from the start of the session to the first test, and how long each test takes."""

_FIRST = "def test_first(stan_group): pass\n"
_MANY = f"""
import pytest
from stanlocal import sync

def test_first(stan_group, stan_sync_client): pass

@pytest.mark.parametrize("n", range({_TESTS}))
def test_untouched(stan_group, n): pass

@pytest.mark.parametrize("n", range({_TESTS}))
def test_publishes_and_reads(stan_group, stan_sync_client, stan_channel, n):
    stan_sync_client.publish(stan_channel, b"1")
    with stan_sync_client.subscribe(stan_channel, start=sync.DeliverAll()) as messages:
        assert next(messages).data == b"1"
"""
_PAIR = f'''
import time
import pytest
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

FLAGS = (
    "-cid test-cluster -ft_group test-cluster -st file -dir /data/store -p 4222 -m 8222 "
    "-cluster nats://0.0.0.0:6222 -routes nats://node-0:6222,nats://node-1:6222"
)

def node(index, network, store):
    return (
        DockerContainer("{DEFAULT_IMAGE}")
        .with_network(network)
        .with_network_aliases(f"node-{{index}}")
        .with_volume_mapping(str(store), "/data/store", "rw")
        .with_command(FLAGS)
        .with_exposed_ports(4222, 8222)
    )

def urls(*nodes):
    return [f"nats://127.0.0.1:{{node.get_exposed_port(4222)}}" for node in nodes]
'''
"""The same pair, as users of testcontainers describe it."""

_BY_STRATEGY = f"""{_PAIR}
@pytest.fixture(scope="session")
def stan_group(tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    with Network() as network:
        ready = LogMessageWaitStrategy("Streaming Server is ready")
        standby = LogMessageWaitStrategy("Starting in standby mode")
        with (
            node(0, network, store).waiting_for(ready) as first,
            node(1, network, store).waiting_for(standby) as second,
        ):
            yield urls(first, second)
"""
"""A test written as the plugin's documentation shows it."""

_BY_HAND = f"""{_PAIR}
def said(node, text):
    return any(text in output for output in node.get_logs())

@pytest.fixture(scope="session")
def stan_group(tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    with Network() as network:
        nodes = [node(index, network, store) for index in range(2)]
        try:
            for each in nodes:
                each.start()
            while not any(said(each, b"Streaming Server is ready") for each in nodes):
                time.sleep(0.02)
            while not all(said(each, b"Starting in standby mode") for each in nodes):
                time.sleep(0.02)
            yield urls(*nodes)
        finally:
            for each in nodes:
                each.stop()
"""
"""The fastest start possible with it: both started, then asked every 20 ms."""

_LOAD = """
import sys, time, pytest
begun = time.process_time()
import stanlocal.testing.pytest_plugin
print(time.process_time() - begun)
"""


@dataclass(frozen=True, slots=True)
class Suite:
    """A folder with tests, and the Python that runs them."""

    folder: Path
    python: Path
    arguments: tuple[str, ...] = ()

    def write(self, tests: str, conftest: str = "") -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "conftest.py").write_text(_TIMES + conftest)
        (self.folder / "test_it.py").write_text(tests)
        (self.folder / "pytest.ini").write_text("[pytest]\n")

    def run(self) -> dict[str, dict[str, float]]:
        """The seconds of each test by its function; `session` and `process` are of the first."""
        done = subprocess.run(
            [self.python, "-m", "pytest", "-q", *self.arguments],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(done.stdout + done.stderr)
        times = json.loads((self.folder / "times.json").read_text())
        return {name: found if isinstance(found, dict) else {name: found} for name, found in times.items()}

    def first(self) -> tuple[float, float]:
        """Seconds to the first test: from the start of the session, and from that of pytest's process."""
        begun = time.time()
        times = self.run()
        return times["session"]["session"], times["process"]["process"] - begun

    def _environment(self) -> dict[str, str]:
        ours = ("STANLOCAL", "PYTHON")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        # Compiled modules are what an installed package has; they are kept out of the source tree here.
        return {
            **kept,
            "XDG_STATE_HOME": str(self.folder / "state"),
            "PYTHONPYCACHEPREFIX": str(self.folder / "compiled"),
            "TESTCONTAINERS_RYUK_DISABLED": "true",
        }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.plugin", description=__doc__)
    parser.add_argument("--repeat", type=int, default=7, help="sessions of each (7)")
    parser.add_argument("--out", type=Path, default=RESULTS / "plugin.md", help="the results file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stanlocal-bench-") as folder:
        Path(folder).chmod(0o755)
        rows = [*sessions(Path(folder), options.repeat), *single_tests(Path(folder)), load(options.repeat)]
    publish(table(rows, options.repeat), options.out)
    return 0 if all(row.holds for row in rows) else 1


def sessions(folder: Path, repeat: int) -> Sequence[Row]:
    """The same pair by both, in turns."""
    python = _both_installed(folder / "venv")
    suites = {
        "ours": (Suite(folder / "ours", python, ("--stan-engine=docker",)), ""),
        "strategy": (Suite(folder / "strategy", python), _BY_STRATEGY),
        "hand": (Suite(folder / "hand", python), _BY_HAND),
    }
    for suite, conftest in suites.values():
        suite.write(_FIRST, conftest)
        suite.first()  # compiles modules, tries the engine
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in suites}
    for _ in range(repeat):
        for name, (suite, _) in suites.items():
            times[name].append(suite.first())
    session = [session for session, _ in times["ours"]]
    ours, strategy, hand = ([process for _, process in found] for found in times.values())
    return (
        bounded("session start to the first test, 2 nodes, warm image", session, 2.2),
        compared(
            "pytest's start to the first test, against testcontainers as documented", ours, strategy, 1.0
        ),
        compared("the same, against testcontainers asked every 20 ms", ours, hand, 1.0),
    )


def _both_installed(folder: Path) -> Path:
    """A Python with both, and nothing else that pytest would load."""
    python = folder / "bin/python"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pytest = f"pytest=={version('pytest')}"
    subprocess.run([python, "-m", "pip", "install", "--quiet", _PEER, pytest, str(ROOT)], check=True)
    return python


def single_tests(folder: Path) -> Sequence[Row]:
    """Measure what the plugin adds to tests, one by one."""
    suite = Suite(folder / "many", Path(sys.executable), ("--stan-engine=docker",))
    suite.write(_MANY)
    times = suite.run()
    return (
        _mean("a test that leaves the group untouched", times["test_untouched"], 0.020),
        _mean("a test that publishes and reads", times["test_publishes_and_reads"], 0.050),
    )


def _mean(what: str, times: dict[str, float], at_most_s: float) -> Row:
    mean = statistics.mean(times.values())
    said = f"{mean * 1000:.1f} ms (to {max(times.values()) * 1000:.1f})"
    return Row(f"{what}, mean of {len(times)}", said, "", "", f"at most {at_most_s:g} s", mean <= at_most_s)


def load(repeat: int) -> Row:
    """Measure what the plugin costs those who do not use it."""
    command = [sys.executable, "-c", _LOAD]
    times = [float(subprocess.check_output(command, cwd=ROOT)) for _ in range(repeat + 1)]
    return bounded("loading the plugin, CPU time", times[1:], 0.010)


def table(rows: Sequence[Row], repeat: int) -> str:
    """The whole page."""
    return page(
        "The pytest plugin, beside testcontainers-python",
        bench="plugin",
        how=f"medians of {repeat} sessions, taken in turns with the peer's; lowest and highest in brackets.",
        machine=f"{machine()}; {_PEER} without its reaper; {load_average()}",
        columns=("what", "stanlocal", "testcontainers", "ratio", "demanded", "verdict"),
        rows=(row.cells for row in rows),
    )


if __name__ == "__main__":
    sys.exit(main())
