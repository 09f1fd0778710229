"""Restarts of the Docker daemon: `up` brings the same group back, and everything acknowledged is there."""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from shutil import rmtree
from tempfile import mkdtemp

from stanlocal.engine.docker import endpoint
from stanlocal.settings.tool_options import DEFAULT_IMAGE
from tests.soak.own_tool import ENDS_S
from tests.soak.row import Row
from tests.soak.trial_log import Result, Trial
from tests.support.census import NOTHING, take
from tests.support.cli import Cli
from tests.support.own_engine import OwnEngine, own_engine

_BATCH = 100
"""Messages that are published before each restart."""
_CHANNEL = "orders"


@dataclass(frozen=True, slots=True)
class _Rig:
    """The command line in the network of an engine of its own."""

    engine: OwnEngine
    cli: Cli

    def ok(self, *words: str) -> str:
        """Return the output of a command that must succeed."""
        done = subprocess.run(
            [*self.engine.inside(), *self.cli.command(*words)],
            cwd=self.cli.folder,
            env=self.cli.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ENDS_S,
            check=False,
        )
        assert done.returncode == 0, f"'{' '.join(words)}': exit {done.returncode}: {done.stderr}"
        return done.stdout


def restart(trial: Trial, folder: Path) -> Result:
    """Stop or kill a daemon of the trial's own as often as the trial has units."""
    with ExitStack() as stack:
        # A short path, as sockets need one; a daemon's files are no evidence, and large.
        place = Path(mkdtemp(prefix="soak-"))
        stack.callback(rmtree, place, ignore_errors=True)
        engine = stack.enter_context(own_engine(place))
        with closing(endpoint.connect()) as client:
            engine.load(DEFAULT_IMAGE, client)
        state = folder / "state"
        env = {"DOCKER_HOST": engine.url, "STANLOCAL_ENGINE": "docker", "XDG_STATE_HOME": str(state)}
        rig = _Rig(engine, Cli(folder, env, f"soak-{secrets.token_hex(4)}"))
        result = _restarts(rig, trial)
        rig.ok("down", "--purge", "--yes", "--timeout", "0")
        with closing(engine.client()) as own:
            left = take(own, state_home=state, prefix=str(rig.cli.group)).added_since(NOTHING)
    problems = [*result.problems, *([f"left: {left}"] if left else [])]
    return replace(result, problems=problems)


def _restarts(rig: _Rig, trial: Trial) -> Result:
    draw = Random(trial.seed)
    before = json.loads(rig.ok("up", "--json"))
    problems: list[str] = []
    times: list[float] = []
    kills = 0
    for number in range(trial.units):
        rig.ok("pub", _CHANNEL, "--count", str(_BATCH))
        kill, away_s = draw.random() < 0.5, draw.uniform(0, 3)
        kills += kill
        (rig.engine.kill if kill else rig.engine.stop)()
        time.sleep(away_s)
        rig.engine.start()
        began = time.monotonic()
        after = json.loads(rig.ok("up", "--json"))
        times.append(round((time.monotonic() - began) * 1e3))
        what = f"round {number} ({'kill' if kill else 'stop'}, {away_s:.1f} s away)"
        for name in ("state", "client_urls", "monitor_urls", "store_dir"):
            if after[name] != before[name]:
                problems.append(f"{what}: {name} is {after[name]}, was {before[name]}")
    wanted = trial.units * _BATCH
    read = rig.ok("sub", _CHANNEL, "--all", "--count", str(wanted), "--timeout", "60", "--json")
    found = len(read.splitlines())
    if found < wanted:
        problems.append(f"{found} of {wanted} acknowledged messages are there")
    counts = {"kills": kills, "stops": trial.units - kills, "acknowledged": wanted, "lost": wanted - found}
    return Result(trial.units, problems, (), counts, {"up_ms": times})


DAEMON_RESTARTS = Row(
    name="daemon-restarts",
    title="Restarts of the Docker daemon",
    how="a dockerd with socket, data folder and network of its own is stopped, which ends its "
    "containers, or killed, which leaves them running, 5 times in a trial, is away for 0 to 3 s and "
    "started again; each time 100 messages are published before. `up` has to bring the same group "
    "back, with its addresses and store, and at the end every message has to be there.",
    unit="restarts",
    wanted=100,
    per_trial=5,
    cases=("docker-2",),
    run=restart,
    none_of={"lost": "acknowledged messages lost"},
    shown={"stops": "by a stop", "kills": "by a kill", "acknowledged": "messages acknowledged"},
    figures={"up_ms": "Time that `up` took afterwards"},
)
