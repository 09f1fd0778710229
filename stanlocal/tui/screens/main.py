"""The main screen: the group on top, its nodes, and the panes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import Resize
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen

from stanlocal.api import FTGroup
from stanlocal.tui.controller import Controller
from stanlocal.tui.feed import Feed
from stanlocal.tui.messages import (
    EngineBack,
    EngineLost,
    EventSeen,
    FailoversChanged,
    GapFelt,
    GroupChanged,
    GroupMissing,
    LogLines,
    VitalsMeasured,
)
from stanlocal.tui.screens.help import HelpScreen
from stanlocal.tui.screens.start import StartScreen
from stanlocal.tui.widgets.group_bar import GroupBar
from stanlocal.tui.widgets.key_bar import KeyBar
from stanlocal.tui.widgets.last_action import LastAction
from stanlocal.tui.widgets.nodes import ACTIVE, Nodes

if TYPE_CHECKING:
    from stanlocal.tui.screens.panes import Panes

WIDE_FROM = 100
"""Columns from which on the nodes stand beside the panes."""
_CHANGING = frozenset({"fault", "pick_fault", "pick_signal", "start", "heal", "drill", "up", "down"})
"""What is not to be had where nothing may be changed."""


class MainScreen(Screen[None]):
    """Hands down what the feed tells, and up to `Controller` what the user asks for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "fault('kill')", "Kill", id="kill", tooltip="end the node's process at once"),
        Binding("s", "fault('stop')", "Stop", id="stop", tooltip="SIGTERM, then SIGKILL after the grace"),
        Binding("S", "start", "Start", id="start", tooltip="start a node that does not run"),
        Binding("r", "fault('restart')", "Restart", id="restart", tooltip="stop the node and start it again"),
        Binding("p", "fault('pause')", "Pause", id="pause", tooltip="freeze the node, or let it go on"),
        Binding("c", "fault('partition')", "Cut", id="partition", tooltip="cut its routes, or rejoin them"),
        Binding(
            "i", "fault('isolate')", "Isolate", id="isolate", tooltip="cut all that leads to it, or rejoin"
        ),
        Binding("h", "heal", "Heal", id="heal", tooltip="undo every fault that is in force"),
        Binding("f", "pick_fault", "Fault", id="fault", tooltip="any fault that there is"),
        Binding("d", "drill", "Drill", id="drill", tooltip="run a drill, or stop the one that runs"),
        Binding(
            "K", "pick_signal", "Signal", id="signal", tooltip="send a signal of your choice", show=False
        ),
        Binding(
            "u", "up", "Up", id="up", tooltip="bring the group up, or back to what was asked", show=False
        ),
        Binding("D", "down", "Down", id="down", tooltip="take the group down, keep its store", show=False),
        Binding("a", "target_active", "@active", id="active", tooltip="keys act on whichever node is active"),
        Binding("j", "select(1)", "Next", id="next", tooltip="keys act on the next node"),
        Binding(
            "J", "select(-1)", "Previous", id="previous", tooltip="keys act on the node before", show=False
        ),
        Binding("y", "copy", "Copy", id="copy", tooltip="copy the last act as a command", show=False),
        Binding("question_mark", "help", "Help", id="help", tooltip="this", show=False),
        Binding("q", "app.quit", "Quit", id="quit", tooltip="the group is left as it is", show=False),
        *(
            Binding(f"{number}", f"pane({number})", f"Tab {number}", id=f"pane.{number}", show=False)
            for number in range(1, 8)
        ),
    ]

    document: reactive[Mapping[str, Any] | None] = reactive(None)
    """The newest group document."""

    def __init__(self, group: FTGroup, *, read_only: bool = False) -> None:
        super().__init__()
        self.group = group
        self.read_only = read_only
        self._controller = Controller(self, group)
        self._asked_to_start = read_only
        self._panes: Panes | None = None
        self._mounting = asyncio.Lock()
        """Held while panes are mounted: what ends meanwhile misses its parts."""
        self._ending = False

    def compose(self) -> ComposeResult:
        yield GroupBar("read only  ? help  q quit" if self.read_only else "? help  q quit")
        with Container(id="body"):
            yield Nodes()
        yield LastAction()
        yield KeyBar()

    def on_mount(self) -> None:
        self._feed = Feed(self.group, self.post_message)
        self.run_worker(self._look(), name="look", group="watch", exclusive=True)

    async def _look(self) -> None:
        """The group and its nodes first: what they are is wanted at once, and panes take their time."""
        await self._feed.look()
        self.call_after_refresh(self.call_later, self._go_on)

    async def _go_on(self) -> None:
        from stanlocal.tui.screens.panes import Panes

        panes = Panes(self.group, read_only=self.read_only)
        for pane in panes.each.values():
            pane.data_bind(MainScreen.document)
        async with self._mounting:
            if self._ending:
                return
            await self.query_one("#body").mount(panes)
        self._panes = panes
        self.action_pane(1)
        self.run_worker(self._feed.follow_group(), name="watch", group="watch", exclusive=True)
        self.run_worker(self._feed.follow_vitals(), name="vitals", group="vitals", exclusive=True)

    def on_resize(self, event: Resize) -> None:
        self.query_one(Nodes).compact = event.size.width < WIDE_FROM

    # What the feed tells

    def on_group_changed(self, message: GroupChanged) -> None:
        self._controller.name, self._controller.status = message.document["group"], message.status
        self.document = message.document
        self.query_one(GroupBar).show(message.document, message.missing)
        self.query_one(Nodes).show(message.document, message.missing)
        if message.document["nodes"]:
            self._asked_to_start = True
        else:
            self._ask_to_start(f"no node of the group '{message.document['group']}' runs")

    def on_group_missing(self, message: GroupMissing) -> None:
        self.query_one(GroupBar).show_trouble(message.reason)
        self._ask_to_start(message.reason)

    def on_engine_lost(self, message: EngineLost) -> None:
        self.query_one(GroupBar).show_trouble(message.reason)
        self.query_one(Nodes).add_class("-stale")

    def on_engine_back(self, _: EngineBack) -> None:
        self.query_one(GroupBar).show_trouble(None)
        self.query_one(Nodes).remove_class("-stale")

    def on_vitals_measured(self, message: VitalsMeasured) -> None:
        self.query_one(Nodes).learn_vitals(message.vitals)

    def on_log_lines(self, message: LogLines) -> None:
        self._tell_panes(message)

    def on_event_seen(self, message: EventSeen) -> None:
        self.query_one(Nodes).learn_events(message.events)
        self._tell_panes(message)

    def on_failovers_changed(self, message: FailoversChanged) -> None:
        self._tell_panes(message)

    def on_gap_felt(self, message: GapFelt) -> None:
        self._tell_panes(message)

    def _tell_panes(self, message: Message) -> None:
        if self._panes is not None:
            self._panes.tell(message)

    def _ask_to_start(self, why: str) -> None:
        """When there is none to begin with: who says no, or takes the group down, is not asked."""
        if not self._asked_to_start:
            self._asked_to_start = True
            self.app.push_screen(StartScreen(self.group, why))

    # What the user asks for

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not (self.read_only and action in _CHANGING)

    @property
    def _target(self) -> str:
        return self.query_one(Nodes).target

    def action_fault(self, name: str) -> None:
        again = next((key for key, bound in self.active_bindings.items() if bound.binding.id == name), None)
        self.run_worker(self._controller.fault(name, self._target, again), name=name, group="act")

    def action_pick_fault(self) -> None:
        self.run_worker(self._controller.pick_fault(self._target), name="fault", group="act")

    def action_pick_signal(self) -> None:
        self.run_worker(self._controller.pick_signal(self._target), name="signal", group="act")

    def action_start(self) -> None:
        self.run_worker(self._controller.start(self._target), name="start", group="act")

    def action_heal(self) -> None:
        self.run_worker(self._controller.heal(), name="heal", group="act")

    def action_drill(self) -> None:
        self.run_worker(self._controller.drill(), name="drill", group="act")

    def action_up(self) -> None:
        self.app.push_screen(StartScreen(self.group, "this brings the group to the asked state"))

    def action_down(self) -> None:
        self.run_worker(self._controller.down(), name="down", group="act")

    def action_target_active(self) -> None:
        self.query_one(Nodes).target = ACTIVE

    def action_select(self, step: int) -> None:
        self.query_one(Nodes).action_select(step)

    def going_on(self) -> Iterable[str]:
        """What `end` will see to first."""
        return self._controller.going_on()

    async def end(self) -> Sequence[str]:
        """Returns once the screen can go; says what became of what went on."""
        self._ending = True
        async with self._mounting:
            return await self.finish()

    async def finish(self) -> Sequence[str]:
        """Returns once nothing is done to the group any more; says what became of what was."""
        return await self._controller.end()

    def action_copy(self) -> None:
        self._controller.copy_last()

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen(self.active_bindings.values()))

    def action_pane(self, number: int) -> None:
        if self._panes is not None:
            # The focus at once: the next key may be meant for what is seen then, and what is hidden would
            # take the focus away later, whoever has it by then.
            self.set_focus(self._panes.choose(number))
            # The layout, too: else all is drawn for the focus first, and then again where it belongs.
            self.refresh(repaint=False, layout=True)
