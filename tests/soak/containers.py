"""The containers of a group, looked at from outside: they may do little, and no secret shows."""

from __future__ import annotations

import json
import secrets
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psutil

from stanlocal.engine.docker import endpoint
from stanlocal.engine.docker.labels import GROUP
from tests.soak.commands import Words
from tests.soak.own_tool import OwnTool, own_tool
from tests.soak.row import Row
from tests.soak.trial_log import Result, Trial, in_brief

_UP: dict[str, Words] = {
    "plain": ("up",),
    "three-nodes": ("up", "--nodes", "3"),
    "secure": ("up", "--secure"),
    "proxied": ("up", "--proxied"),
    "store-size": ("up", "--store-size", "32mb"),
    "login": ("up", "--config", "login.toml"),
}
_LIVES: tuple[tuple[Words, ...], ...] = (
    (),
    (("kill", "@active"), ("up",)),
    (("restart", "@active"),),
    (("partition", "1"), ("heal",)),
    (("down",), ("up",)),
)
"""What may have happened to a group before its containers are looked at."""
_LABELS = ("dev.stanlocal.", "org.opencontainers.image.")
_SHOWN: tuple[Words, ...] = (
    ("status", "--json"),
    ("list", "--json"),
    ("logs",),
    ("events", "--json"),
    ("config", "show"),
    ("env",),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A container, as the engine inspects it and as the kernel runs its process."""

    engine: dict[str, Any]
    kernel: dict[str, str]
    log: str


def look(trial: Trial, folder: Path) -> Result:
    """Bring a group up, let something happen to it, and look at every container of it."""
    life = Random(trial.seed).choice(_LIVES)
    what = f"{trial.case}, {', '.join(' '.join(words) for words in life) or 'new'}"
    login = secrets.token_urlsafe(24)
    (folder / "login.toml").write_text(f"[nats.authorization]\nuser = 'a'\npassword = '{login}'\n")
    with own_tool("docker", folder) as tool:
        try:
            tool.ok(_UP[trial.case])
            for words in life:
                tool.ok((*_UP[trial.case],) if words == ("up",) else words)
            tool.ok(("pub", "orders", "seen"))
            containers = _containers(tool.group)
            for each in containers:
                _check(each)
            _check_shown(tool, containers, _secrets(tool) | ({login} if trial.case == "login" else set()))
            tool.converges(by_up=False)
        except AssertionError as error:
            return Result(1, [f"{what}: {in_brief(str(error))}"])
    return Result(1, counts={"containers": len(containers)})


def _containers(group: str) -> list[Seen]:
    with closing(endpoint.connect()) as client:
        found = client.containers.list(all=True, filters={"label": f"{GROUP}={group}"})
        return [Seen(each.attrs, _kernel(each.attrs["State"]["Pid"]), each.logs().decode()) for each in found]


def _kernel(pid: int) -> dict[str, str]:
    """Return the status of a process, or nothing of a container that has none."""
    if not pid:
        return {}
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def _check(seen: Seen) -> None:
    """Fail unless the container may do as little as promised."""
    name, host = seen.engine["Name"], seen.engine["HostConfig"]
    assert host["ReadonlyRootfs"], f"{name}: its root file system can be written"
    assert host["CapDrop"] == ["ALL"], f"{name}: {host['CapDrop']} dropped"
    assert not host["CapAdd"], f"{name}: {host['CapAdd']} added"
    assert not host["Privileged"], f"{name} is privileged"
    assert "no-new-privileges:true" in host["SecurityOpt"], f"{name}: {host['SecurityOpt']}"
    assert host["PidsLimit"], f"{name}: no limit of processes"
    assert host["PidMode"] == "", f"{name}: processes of {host['PidMode']}"
    ports = [each for bound in (host["PortBindings"] or {}).values() for each in bound]
    assert {each["HostIp"] for each in ports} <= {"127.0.0.1"}, f"{name} is published on {ports}"
    labels = seen.engine["Config"]["Labels"]
    assert all(label.startswith(_LABELS) for label in labels), f"{name}: labels {sorted(labels)}"
    assert seen.engine["Config"]["User"].split(":")[0] not in ("", "0", "root"), f"{name} runs as root"
    if seen.kernel:
        assert seen.kernel["Uid"].split()[0] != "0", f"{name} runs as root"
        assert int(seen.kernel["CapEff"], 16) == int(seen.kernel["CapBnd"], 16) == 0, f"{name}: {seen.kernel}"
        assert (seen.kernel["NoNewPrivs"], seen.kernel["Seccomp"]) == ("1", "2"), f"{name}: {seen.kernel}"


def _secrets(tool: OwnTool) -> set[str]:
    """Return the passwords and keys that the tool has made for the group."""
    found = set()
    for path in (tool.runs.state / "stanlocal" / tool.group).rglob("*"):
        if path.name == "password":
            found.add(path.read_text("ascii").strip())
        elif path.suffix == ".key":
            found.add(path.read_text("ascii").splitlines()[1])
    return found


def _check_shown(tool: OwnTool, containers: list[Seen], hidden: set[str]) -> None:
    """Fail if a secret is in what the engine, the process table or a command shows."""
    shown = {f"inspection of {each.engine['Name']}": json.dumps(each.engine) for each in containers}
    shown |= {f"log of {each.engine['Name']}": each.log for each in containers}
    arguments = (process.info["cmdline"] or () for process in psutil.process_iter(["cmdline"]))
    shown["arguments of processes"] = "\n".join(" ".join(each) for each in arguments)
    shown |= {" ".join(words): tool.ok(words) for words in _SHOWN}
    where = sorted(name for name, text in shown.items() if any(secret in text for secret in hidden))
    assert not where, f"a secret is in {where}"


CONTAINERS = Row(
    name="containers",
    title="Containers looked at from outside",
    how="a group that is plain, has three nodes, TLS and logins, a proxy, a limited store or a login of "
    "the user's is brought up, killed, restarted, cut or taken down and up again; then each of its "
    "containers is inspected, with the status of its process: not root, no capabilities, read-only "
    "root file system, no new privileges, seccomp, a limit of processes, ports on 127.0.0.1 alone, "
    "labels of stanlocal and its image alone. No password and no key may be in an inspection, a log, the "
    "arguments of a process or the output of six commands.",
    unit="groups",
    wanted=60,
    per_trial=1,
    cases=tuple(_UP),
    run=look,
    shown={"containers": "containers"},
)
