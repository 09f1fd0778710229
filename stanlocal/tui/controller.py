"""The controller: predicts what a key press does to the group, does it, and shows the observed outcome."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from textual.screen import Screen

from stanlocal.api import FTGroup, core_of
from stanlocal.errors import NodeNotFound, Refused, StanlocalError
from stanlocal.faults.expectation import Expectation
from stanlocal.faults.injection import foresee
from stanlocal.faults.kill import ENDING_SIGNALS, Kill
from stanlocal.faults.registry import FAULTS
from stanlocal.model.command_line import Command
from stanlocal.model.states import GroupStatus, NodeStatus
from stanlocal.model.targets import resolve
from stanlocal.tui import actions
from stanlocal.tui.actions import Cure
from stanlocal.tui.drill_control import DrillControl
from stanlocal.tui.screens.fault_form import FaultForm, Wanted
from stanlocal.tui.screens.pick import PickScreen
from stanlocal.tui.screens.question import Question, QuestionScreen
from stanlocal.tui.timed_faults import TimedFaults
from stanlocal.tui.widgets.last_action import LastAction
from stanlocal.tui.widgets.nodes import ACTIVE
from stanlocal.tui.widgets.pane import copy_command

_ERROR_SHOWN_S = 12.0
"""Seconds that an error stays on the screen."""


class Controller:
    """The user's actions on one group; its coroutines run in workers of `screen`."""

    def __init__(self, screen: Screen[Any], group: FTGroup) -> None:
        self._screen = screen
        self._group = group
        self.drills = DrillControl(screen, group)
        self._lasting = TimedFaults(screen)
        self.name = ""
        """Name of the group; empty until it was seen."""
        self.status: GroupStatus | None = None
        """Newest status of the group."""
        self.last: Command | None = None
        """Command line of the user's last action."""

    # Faults

    async def fault(self, name: str, target: str, again: str | None = None) -> None:
        """Show the prediction, ask, and inject the fault; undo it where the nodes suffer from it already.

        An impossible fault is refused before the question. `again` is the pressed key, which also says yes.
        """
        with self._errors_shown():
            nodes = self._nodes((target,))
            if cure := actions.toggled(name, nodes):
                await self._cure(cure, (target,))
            else:
                await self._inject(Wanted(FAULTS[name](), (target,)), again)

    async def pick_fault(self, target: str) -> None:
        """Let the user choose any fault of the registry, and inject it."""
        without_key_first = sorted(FAULTS.values(), key=lambda fault: fault.name in actions.KEYED)
        choices = [(fault.name, fault.summary) for fault in without_key_first]
        name = await self._screen.app.push_screen_wait(PickScreen("a fault", choices))
        if name is None:
            return
        form = FaultForm(FAULTS[name], actions.default_targets(FAULTS[name], target))
        wanted = await self._screen.app.push_screen_wait(form)
        if wanted is not None:
            with self._errors_shown():
                await self._inject(wanted)

    async def pick_signal(self, target: str) -> None:
        """Send a signal of the user's choice; a signal that ends servers is a kill."""
        chosen = await self._screen.app.push_screen_wait(PickScreen(f"a signal to {target}", actions.SIGNALS))
        if chosen is None:
            return
        signal = f"SIG{chosen}"
        with self._errors_shown():
            if signal in ENDING_SIGNALS:
                await self._inject(Wanted(Kill(signal), (target,)))
            else:
                command = Command(self.name, ("kill", target, "--signal", chosen))
                await self._do(command, self._group.send_signal(signal, target))

    async def _inject(self, wanted: Wanted, again: str | None = None) -> None:
        """Ask about the nodes that the targets name now, and after a yes hit these and no others."""
        fault, lasts_s = wanted.fault, wanted.lasts_s
        names = [node.name for node in self._nodes(wanted.targets)]
        expected = await foresee(await core_of(self._group), fault, names)
        question = Question(
            what=f"{fault.name} {' '.join(names)}{f' for {lasts_s:.10g} s' if lasts_s else ''}",
            expected=expected.text,
            command=actions.of_fault(self.name, fault, wanted.targets, lasts_s),
            warning=fault.costs_data,
            again=again,
            ends_service=self._ends_service(expected),
        )
        if not await self._screen.app.push_screen_wait(QuestionScreen(question)):
            return
        self._check_answer(wanted, names, question)
        self.last = question.command
        last = self._screen.query_one(LastAction)
        last.expect(question.command, question.expected)
        try:
            inject = partial(self._group.inject, fault, *names, for_s=lasts_s)
            if lasts_s is not None:
                await self._lasting.run(question.what, question.command, inject)
            else:
                injected = await inject()
                last.observe(question.command, await injected.outcome())
        except StanlocalError:
            last.withdraw(question.command)
            raise

    def _check_answer(self, wanted: Wanted, asked: Sequence[str], question: Question) -> None:
        """Raise `Refused` where a yes no longer means what was asked: the group went on meanwhile."""
        nodes = self._nodes(wanted.targets)
        now = [node.name for node in nodes]
        if now != asked:
            change = f"{' '.join(wanted.targets)} is no longer {' '.join(asked)} but {' '.join(now)}"
        elif self._ends_service(wanted.fault.expect(self._known, nodes)) and not question.ends_service:
            change = f"after {question.what} no node would serve now"
        else:
            return
        raise Refused(f"{change}: nothing was done; press the key again")

    # Undoing

    async def heal(self) -> None:
        """Undo every fault in force."""
        with self._errors_shown():
            await self._lasting.end()
            await self._cure("heal", ())

    async def start(self, target: str) -> None:
        """Start the target; with `@active`, every node that does not run."""
        with self._errors_shown():
            if target != ACTIVE:
                names = [node.name for node in self._nodes((target,))]
            else:
                names = [node.name for node in self._nodes(("@all",)) if not node.instance.running]
            if not names:
                raise NodeNotFound("every node runs; select the node to start")
            await self._cure("start", names)

    async def drill(self) -> None:
        """Run a drill of the user's choice, or stop the running one."""
        with self._errors_shown():
            if self.drills.running:
                await self.drills.stop()
            elif picked := await self.drills.pick(self.name):
                scenario, self.last = picked
                await self.drills.run(scenario, self.last)

    async def down(self) -> None:
        """Ask, and take the group down; its store is kept."""
        question = Question(
            what=f"take {self.name} down",
            expected="every node is stopped and removed, and no client is served; the store is kept, and "
            "'up' brings the group back on the same ports",
            command=Command(self.name, ("down",)),
            warning="this ends the group for everyone who uses it",
            ends_service=self._is_served,
        )
        if await self._screen.app.push_screen_wait(QuestionScreen(question)):
            with self._errors_shown():
                await self._do(question.command, self._group.down())

    def copy_last(self) -> None:
        """Copy the command of the last action to the clipboard."""
        if self.last is None:
            self._screen.notify("no action yet")
        else:
            copy_command(self._screen, self.last)

    async def _cure(self, cure: Cure, targets: Sequence[str]) -> None:
        act = {"start": self._group.start, "unpause": self._group.unpause, "heal": self._group.heal}[cure]
        await self._do(Command(self.name, (cure, *targets)), act(*targets))

    async def _do(self, command: Command, work: Coroutine[Any, Any, object]) -> None:
        self.last = command
        last = self._screen.query_one(LastAction)
        last.begin(command)
        try:
            await work
        except StanlocalError:
            last.withdraw(command)
            raise
        last.done(command)

    # Unfinished actions

    def unfinished(self) -> Iterator[str]:
        """Yield a line for each action that `end` will end."""
        if self.drills.running:
            yield "ending the drill: it heals the group first"
        yield from (f"healing first: {name}" for name in self._lasting.names)

    async def end(self) -> Sequence[str]:
        """End the drill and the timed faults, heal what they did, and return a line for each."""
        drill = await self.drills.stop()
        return [*filter(None, [drill]), *await self._lasting.end()]

    # Shared steps

    @property
    def _is_served(self) -> bool:
        return self.status is not None and any(node.serves for node in self.status.nodes)

    def _ends_service(self, expected: Expectation) -> bool:
        return expected.ends_service and self._is_served

    @property
    def _known(self) -> GroupStatus:
        if self.status is None:
            raise NodeNotFound("the group is not known yet; try again in a moment")
        return self.status

    def _nodes(self, targets: Sequence[str]) -> list[NodeStatus]:
        return resolve(self._known, targets)

    @contextmanager
    def _errors_shown(self) -> Iterator[None]:
        try:
            yield
        except StanlocalError as error:
            self._screen.notify(
                str(error), title="not done", severity="error", timeout=_ERROR_SHOWN_S, markup=False
            )
