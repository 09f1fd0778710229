"""A state folder or a folder for temporary files that fills while a command changes something.

The command ends in a clear line or does its work, what was acknowledged stays, and with room the next `up`
recovers everything.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.soak.commands import CHANGING, UP, Changing, Words
from tests.soak.own_tool import OwnTool, own_tool
from tests.soak.small_disk import SmallDisk, small_disk
from tests.soak.trial_log import Result, Trial, in_brief

STATE, TEMPORARY = "state", "temporary"
"""Last part of a case: the folder that fills."""
REFUSED, DONE = "refused", "done"
_MEGABYTES = 8
_SPARE_PAGES = 8
"""Most pages that are left when the disk fills, so that writes fail at different points."""
_CHANNEL = "orders"
_WITH_OTHER_GROUPS = (("drill", "kill-loop", "--kill-active", "1"), ("run",), ("gotcha",))
"""Beginnings of commands on groups of their own, whose stores could not lie elsewhere."""
_LOSING = frozenset({"--purge", "truncate-store"})
"""Words of commands that delete messages."""
_REHEARSE = Changing((UP, ("down",)), ("migrate", "rehearse"), 8.0)
_FILL_DISK = Changing((("up", "--store-size", "32mb"),), ("fault", "fill-disk", "--for", "2", "--yes"), 5.0)
"""With a limit, as only Docker has it."""
_WRITING_TEMPORARY = {"docker": (_REHEARSE, _FILL_DISK), "process": (_REHEARSE,)}
"""Commands that write temporary files, by the engine on which they do."""


def fill_folder(trial: Trial, folder: Path) -> Result:
    """Fill the folder that the case names as often as the trial has units, each time under a command."""
    engine, _, which = trial.case.split("-")
    draw, counts = Random(trial.seed), Counter[str]()
    store = folder / "store"
    with small_disk(folder / "small", _MEGABYTES) as disk:
        if which == STATE:
            env = {"XDG_STATE_HOME": str(disk.folder / "state"), "STANLOCAL_STORE_DIR": str(store)}
        else:
            env = {"TMPDIR": str(disk.folder)}
        with own_tool(engine, folder, env) as tool:
            for number in range(trial.units):
                fill = _Fill(tool, disk, engine, which, draw)
                try:
                    counts[fill.made()] += 1
                    assert not store.exists() or not any(store.iterdir()), f"left in the store: {store}"
                except AssertionError as error:
                    return Result(number + 1, [f"{fill.what}: {in_brief(str(error))}"], counts=dict(counts))
    return Result(trial.units, counts=dict(counts))


@dataclass(slots=True)
class _Fill:
    """One full disk."""

    tool: OwnTool
    disk: SmallDisk
    engine: str
    which: str
    draw: Random
    what: str = ""
    """What was done, for a sentence on what is wrong."""
    acked: list[str] = field(default_factory=list)

    def made(self) -> str:
        """Return how the command ended whose disk filled."""
        command = _command(self.which, self.engine, self.draw)
        after_s, spare = self.draw.uniform(0, command.takes_s), self.draw.randint(0, _SPARE_PAGES)
        self.what = f"'{command}' with {spare} pages of the {self.which} folder left after {after_s:.2f} s"
        for words in command.before:
            self.tool.ok(words)
            if words[0] == "up" and not self.acked:
                self._pub("before")
        code = self._with_full_disk(command.words, after_s, spare)
        if not _LOSING.isdisjoint(command.words):
            self.acked.clear()
        self._while_full()
        self.disk.free()
        self.tool.comes_up()
        self._keeps()
        self.tool.leaves_nothing()
        return REFUSED if code else DONE

    def _with_full_disk(self, words: Words, after_s: float, spare: int) -> int:
        process = self.tool.start(words)
        with suppress(subprocess.TimeoutExpired):
            process.wait(after_s)
        self.disk.fill(spare)
        code, err = self._clear(words, process)
        self.what += f" (exit {code}: {err.splitlines()[-1] if err else 'no words'})"
        return code

    def _clear(self, words: Words, process: subprocess.Popen[str] | None = None) -> tuple[int, str]:
        """Return exit code and standard error of a command that succeeds, or fails and says clearly why."""
        code, _, err = self.tool.end(process or self.tool.start(words), words)
        last = err.splitlines()[-1] if err else ""
        assert code in (0, 5) or last.startswith("error: "), f"'{' '.join(words)}': exit {code}: {err}"
        return code, err

    def _while_full(self) -> None:
        """Look, publish where a node serves, and take the group down if the state folder is the full one."""
        self.disk.fill()
        code, out, err = self.tool.end(self.tool.start(("status", "--json")), ("status", "--json"))
        assert code in (0, 4), f"status: exit {code}: {err}"
        if code == 0 and json.loads(out)["state"] == "healthy":
            self._pub("while full")
        if self.which == STATE:
            self.disk.fill()
            self.tool.ok(("down", "--timeout", "5"))

    def _pub(self, text: str) -> None:
        self.tool.ok(("pub", _CHANNEL, text))
        self.acked.append(text)

    def _keeps(self) -> None:
        if not self.acked:
            return
        channels = json.loads(self.tool.ok(("channels", "--json")))["channels"]
        (count,) = [each["msgs"] for each in channels if each["name"] == _CHANNEL]
        words = ("sub", _CHANNEL, "--all", "--count", str(count), "--timeout", "30", "--json")
        found = [json.loads(line)["data"] for line in self.tool.ok(words).splitlines()]
        missing = [text for text in self.acked if text not in found]
        assert not missing, f"acknowledged and not there: {missing}; there are {found}"


def _command(which: str, engine: str, draw: Random) -> Changing:
    if which == TEMPORARY and draw.random() < 0.5:
        return draw.choice(_WRITING_TEMPORARY[engine])
    return draw.choice(
        [
            command
            for command in CHANGING
            if not any(command.words[: len(words)] == words for words in _WITH_OTHER_GROUPS)
            and not any("--store-size" in words for words in command.before)
        ]
    )
