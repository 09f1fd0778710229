"""Two users of one engine: neither changes, or even sees, a group of the other."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from stanlocal.engine.docker import endpoint
from stanlocal.engine.docker.endpoint import DEFAULT_SOCKET
from tests.soak.commands import SIMULTANEOUS, UP, Words
from tests.soak.own_tool import OwnTool, own_tool
from tests.soak.row import Row
from tests.soak.trial_log import Result, Trial, in_brief
from tests.support.cli import Cli

_OTHER = 64_999
"""User id that has no account on any machine."""
_COMMANDS: tuple[Words, ...] = (*SIMULTANEOUS, ("down", "--all"), ("down", "--all", "--purge", "--yes"))


@dataclass(frozen=True, slots=True)
class CliOfOther(Cli):
    """The command line as another user, who may use the engine and read what this user installed."""

    def command(self, *arguments: str) -> list[str]:
        group = str(Path(DEFAULT_SOCKET).stat().st_gid)
        user = ("setpriv", "--reuid", str(_OTHER), "--regid", group, "--clear-groups")
        reads = ("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search")
        return [*user, *reads, *super(CliOfOther, self).command(*arguments)]


def trespass(trial: Trial, folder: Path) -> Result:
    """Run a random command as one user on a group of the other, by its name."""
    draw = Random(trial.seed)
    words, owner_is_other = draw.choice(_COMMANDS), draw.random() < 0.5
    owner_is_other &= "--all" not in words  # it would end what else root runs here, such as other trials
    what = f"'{' '.join(words)}' on a group of {'another user' if owner_is_other else 'root'}"
    with own_tool("docker", folder) as mine:
        theirs = _of_other(mine, folder / "other")
        owner, guest = (theirs, mine) if owner_is_other else (mine, theirs)
        try:
            owner.ok(UP)
            before = _containers(owner.group)
            code, out, err = guest.end(guest.start(words), words)
            what += f" (exit {code}: {err.splitlines()[-1] if err else ''})"
            if words == ("list",):
                assert owner.group not in out, f"it shows the other's group: {out}"
            after = _containers(owner.group)
            assert after == before, f"containers are {after}, were {before}"
            assert json.loads(owner.ok(("status", "--json")))["state"] == "healthy"
            guest.ok(("down", "--purge", "--yes", "--timeout", "0"))
            owner.ok(("down", "--purge", "--yes", "--timeout", "0"))
            assert _containers(owner.group) == {}
        except AssertionError as error:
            return Result(1, [f"{what}: {in_brief(str(error))}"])
        finally:
            theirs.cli.run("down", "--purge", "--yes", "--timeout", "0")
    return Result(1)


def _of_other(tool: OwnTool, folder: Path) -> OwnTool:
    """Return the tool for the same group's name as the other user, in a folder of theirs."""
    state = folder / "state"
    state.mkdir(parents=True)
    for each in (folder, state):
        shutil.chown(each, _OTHER)
    env = {**tool.cli.env, "XDG_STATE_HOME": str(state), "HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    cli = CliOfOther(folder, env, tool.group)
    return OwnTool(replace(tool.runs, cli=cli, state=state), tool.group)


def _containers(group: str) -> dict[str, Any]:
    """Return id, start and state of each container of a group, by name."""
    with closing(endpoint.connect()) as client:
        label = f"dev.stanlocal.group={group}"
        found = client.containers.list(all=True, filters={"label": label})
        return {
            str(each.name): (each.id, each.attrs["State"]["StartedAt"], each.attrs["State"]["Status"])
            for each in found
        }


TWO_USERS = Row(
    name="two-users",
    title="Two users of one engine",
    how="a group of one user is up, and the other gives a random command for a group of that name, as "
    "root on a group of another user or the other way round (`down --all` only as the other user). No "
    "container of the group may have changed, and `list` may not show it; afterwards each user's "
    "`down --purge` removes what is theirs.",
    unit="commands",
    wanted=100,
    per_trial=1,
    cases=("docker",),
    run=trespass,
)
