"""Restarts of the daemon and of the machine: `up` brings back the group and all that was acknowledged."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.soak.acked import numbers
from tests.soak.commands import UP, Words
from tests.soak.machines import KILL, REBOOT, STOP, Machine, own_machine
from tests.soak.own_tool import ended
from tests.soak.row import Row
from tests.soak.trial_log import Result, Trial, in_brief
from tests.support.cli import Cli

_CHANNEL = "orders"
_BETWEEN, _PUBLISHING, _COMMAND = "between", "publishing", "command"
_COMMANDS: tuple[tuple[tuple[Words, ...], Words, float], ...] = (
    ((("down",),), UP, 3.5),
    ((("kill", "@active"),), UP, 3.0),
    ((), ("up", "--recreate"), 6.0),
)
"""What precedes each command, and the seconds that it takes, roughly."""
_KEPT_BY_PROXY = re.compile(r"port \d+ is taken by docker-proxy")
"""Words of `up` on a port that belongs to no container: a proxy of a start in which the daemon was killed."""
_SAME = ("state", "client_urls", "monitor_urls", "store_dir")


@dataclass(slots=True)
class _Rounds:
    """The rounds of a trial, and what was found in them."""

    machine: Machine
    cli: Cli
    draw: Random
    before: dict[str, Any] = field(default_factory=dict)
    acked: set[int] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)

    def start(self, words: Words) -> subprocess.Popen[str]:
        """Start a command inside of the machine."""
        return subprocess.Popen(
            [*self.machine.inside(), *self.cli.command(*words)],
            cwd=self.cli.folder,
            env=self.cli.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, words: Words) -> tuple[int, str, str]:
        """Return exit code, standard output and standard error of a command."""
        return ended(self.start(words), words)

    def ok(self, words: Words) -> str:
        """Return the output of a command that must succeed."""
        code, out, err = self.run(words)
        assert code == 0, f"'{' '.join(words)}': exit {code}: {err}"
        return out

    def round(self) -> None:
        """Publish, end the daemon or the machine at a random point, and let `up` bring all back."""
        way = self.draw.choice(self.machine.ways)
        moment = self.draw.choice((_BETWEEN, _PUBLISHING, _COMMAND))
        away_s = self.draw.uniform(0, 3)
        what = f"{way} ({moment}, {away_s:.1f} s away)"
        self.counts.update((way, moment))
        inside, urls = self.machine.inside(), self.before["client_urls"]
        try:
            with numbers(inside, self.cli, urls, _CHANNEL, max(self.acked, default=0) + 1) as client:
                client.wait_for_more()
                time.sleep(self.draw.uniform(0, 2))
                if moment == _PUBLISHING:
                    self._strike(way, away_s)
                    self._up(what)
                    if way != REBOOT:
                        client.wait_for_more()
                client.end()
                self.acked.update(client.acked)
            if moment != _PUBLISHING:
                what += self._unattended(moment, way, away_s)
                self._up(what)
        except AssertionError as error:
            error.add_note(what)
            raise

    def _unattended(self, moment: str, way: str, away_s: float) -> str:
        """Strike between two commands, or in the middle of one; return what that said."""
        if moment == _BETWEEN:
            self._strike(way, away_s)
            return ""
        before, words, takes_s = self.draw.choice(_COMMANDS)
        for each in before:
            self.ok(each)
        process = self.start(words)
        time.sleep(self.draw.uniform(0.1, takes_s))
        try:
            self._strike(way, away_s)
        finally:
            code, _, err = ended(process, words)
        killed = way == REBOOT and code < 0
        last = err.splitlines()[-1] if err else ""
        assert code == 0 or killed or last.startswith("error: "), f"'{' '.join(words)}': exit {code}: {err}"
        return f", '{' '.join(words)}': exit {code}: {last}"

    def _strike(self, way: str, away_s: float) -> None:
        self.machine.end(way)
        time.sleep(away_s)
        self.machine.start()

    def _up(self, what: str) -> None:
        began = time.monotonic()
        code, out, err = self.run(("up", "--json"))
        assert code == 0, f"'up': exit {code}: {err}"
        self.times.append(round((time.monotonic() - began) * 1e3))
        after = json.loads(out)
        moved = [
            f"{what}: {name} is {after[name]}, was {self.before[name]}"
            for name in _SAME
            if after[name] != self.before[name]
        ]
        if moved and (kept := _KEPT_BY_PROXY.findall(err)):
            self.counts["kept"] += len(kept)
            self.before = after
        else:
            self.problems += moved

    def stored(self) -> set[int]:
        """Return the numbers that the channel holds."""
        channels = json.loads(self.ok(("channels", "--json")))["channels"]
        (count,) = [each["msgs"] for each in channels if each["name"] == _CHANNEL]
        words = ("sub", _CHANNEL, "--all", "--count", str(count), "--timeout", "60", "--json")
        _, out, _ = self.run(words)  # a channel that holds fewer than it says is seen by what is missing
        return {int(json.loads(line)["data"]) for line in out.splitlines()}


def restart(trial: Trial, folder: Path) -> Result:
    """End a machine of the trial's own, or its daemon, as often as the trial has units."""
    with own_machine(trial.case, folder) as machine:
        group = f"soak-{secrets.token_hex(4)}"
        rounds = _Rounds(machine, Cli(folder, machine.env, group), Random(trial.seed))
        nodes = trial.case.rpartition("-")[2]
        rounds.before = json.loads(rounds.ok(("up", "--nodes", nodes, "--json")))
        try:
            for _ in range(trial.units):
                rounds.round()
            lost = rounds.acked - rounds.stored()
            rounds.ok(("down", "--purge", "--yes", "--timeout", "0"))
        except AssertionError as error:
            return Result(trial.units, [in_brief(" ".join([*getattr(error, "__notes__", ()), str(error)]))])
        left = machine.left(group)
    problems = [*rounds.problems, *([f"left: {left}"] if left else [])]
    if lost:
        problems.append(f"{len(lost)} of {len(rounds.acked)} acknowledged are not there: {sorted(lost)[:20]}")
    counts = {**rounds.counts, "acknowledged": len(rounds.acked), "lost": len(lost)}
    return Result(trial.units, problems, (), counts, {"up_ms": rounds.times})


DAEMON_RESTARTS = Row(
    name="daemon-restarts",
    title="Restarts of the Docker daemon and of the machine",
    how="5 times in a trial a machine ends, is away for 0 to 3 s and starts again. With Docker it is a "
    "dockerd with socket, data folder and network of its own: it is killed, which leaves its "
    "containers running, or stopped, which ends them, or the whole machine goes: daemon, containerd, "
    "containers and commands by SIGKILL, with them the network, its firewall rules, all mounts and "
    "the files in /run. With local processes a reboot ends servers, supervisors and commands by "
    "SIGKILL, and commands see the id of another boot afterwards; stanlocal keeps nothing in /run. "
    "What no imitation does is to lose what the kernel had not written to the disk yet. The moment "
    "is drawn: between two commands, while a client publishes, or in the middle of an `up`. `up` has "
    "to bring the same group back, with its addresses and store (but for ports that the daemon's own "
    "proxies keep), a client that outlives the end has "
    "to go on, and at the end every number that was acknowledged has to be there.",
    unit="restarts",
    wanted=60,
    per_trial=5,
    cases=("docker-2", "process-2", "docker-3"),
    run=restart,
    none_of={"lost": "acknowledged messages lost"},
    shown={
        KILL: "by a kill of the daemon",
        STOP: "by a stop of the daemon",
        REBOOT: "by a reboot of the machine",
        _PUBLISHING: "while a client published",
        _COMMAND: "in the middle of an `up`",
        "kept": "ports kept by proxies of the daemon, of a start in which it was killed",
        "acknowledged": "messages acknowledged",
    },
    figures={"up_ms": "Time that `up` took afterwards"},
)
