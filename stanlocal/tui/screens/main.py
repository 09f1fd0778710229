"""The main screen: the group on top, its nodes, and the panes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
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
    ResourcesMeasured,
)
from stanlocal.tui.screens.help import HelpScreen
from stanlocal.tui.screens.start import StartScreen
from stanlocal.tui.tabs import TABS
from stanlocal.tui.widgets.activity import Activity
from stanlocal.tui.widgets.group_bar import GroupBar
from stanlocal.tui.widgets.key_bar import KeyBar
from stanlocal.tui.widgets.last_action import LastAction
from stanlocal.tui.widgets.nodes import ACTIVE, Nodes

if TYPE_CHECKING:
    from stanlocal.tui.replay.feed import ReplayFeed
    from stanlocal.tui.screens.panes import Panes

WIDE_FROM = 120
"""Least number of columns to show the nodes beside the panes, which then have 80 as on a narrow screen."""
_CHANGING = frozenset({"fault", "pick_fault", "pick_signal", "start", "heal", "drill", "up", "down"})
"""Actions that are unavailable in a read-only interface."""


class MainScreen(Screen[None]):
    """The screen that passes the feed's messages to its parts, and the user's actions to the `Controller`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "fault('kill')", "Kill", id="kill", tooltip="end the node's process at once"),
        Binding("s", "fault('stop')", "Stop", id="stop", tooltip="SIGTERM, then SIGKILL after the grace"),
        Binding("S", "start", "Start", id="start", tooltip="start a node that does not run"),
        Binding("r", "fault('restart')", "Restart", id="restart", tooltip="stop the node and start it again"),
        Binding("p", "fault('pause')", "Pause", id="pause", tooltip="freeze the node, or resume it"),
        Binding("c", "fault('partition')", "Cut", id="partition", tooltip="cut its routes, or rejoin them"),
        Binding("i", "fault('isolate')", "Isolate", id="isolate", tooltip="cut all its networks, or rejoin"),
        Binding("h", "heal", "Heal", id="heal", tooltip="undo every fault in force"),
        Binding("f", "pick_fault", "Fault", id="fault", tooltip="choose any fault"),
        Binding("d", "drill", "Drill", id="drill", tooltip="run a drill, or stop the running one"),
        Binding(
            "K", "pick_signal", "Signal", id="signal", tooltip="send a signal of your choice", show=False
        ),
        Binding("u", "up", "Up", id="up", tooltip="bring the group up, or back to its settings", show=False),
        Binding("D", "down", "Down", id="down", tooltip="take the group down, keep its store", show=False),
        Binding("a", "target_active", "@active", id="active", tooltip="keys act on whichever node is active"),
        Binding("j", "select(1)", "Next", id="next", tooltip="keys act on the next node"),
        Binding(
            "J", "select(-1)", "Previous", id="previous", tooltip="keys act on the node before", show=False
        ),
        Binding("y", "copy", "Copy", id="copy", tooltip="copy the last action as a command", show=False),
        Binding("question_mark", "help", "Help", id="help", tooltip="show this help", show=False),
        Binding("q", "app.quit", "Quit", id="quit", tooltip="the group is left as it is", show=False),
        *(
            Binding(f"{number}", f"pane({number})", title, id=f"pane.{number}", tooltip=about, show=False)
            for number, (title, about) in enumerate(TABS.items(), 1)
        ),
    ]

    document: reactive[Mapping[str, Any] | None] = reactive(None, repaint=False)
    """The newest group document; its parts draw what is new in it."""
    FIRST_PANE: ClassVar[int] = 1
    """Number of the pane that is shown first."""

    def __init__(
        self, group: FTGroup, *, read_only: bool = False, keys: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """`keys`: the user's own keys by the names of their actions."""
        super().__init__()
        self._keys = keys
        self.group = group
        self.read_only = read_only
        self._controller = Controller(self, group)
        self._asked_to_start = read_only
        self._panes: Panes | None = None
        self._mounting = asyncio.Lock()
        """Held while panes are mounted: an end meanwhile would leave them half mounted."""
        self._ending = False

    def compose(self) -> ComposeResult:
        yield GroupBar("read only" if self.read_only else "", {} if self.read_only else self._key_names())
        with Container(id="body"), Container(id="side"):
            yield Nodes()
            yield Activity()
        yield LastAction()
        yield KeyBar()

    def _key_names(self) -> dict[str, str]:
        """Return the first key of each action as it is shown."""
        names: dict[str, str] = {}
        for each in (each for kind in type(self).__mro__ for each in vars(kind).get("BINDINGS", ())):
            if isinstance(each, Binding) and each.id:
                key = self._keys.get(each.id, each.key).split(",")[0].strip()
                names[each.id] = self.app.get_key_display(Binding(key, each.action))
        return names

    def make_feed(self) -> Feed | ReplayFeed:
        """Return the source of messages about the group."""
        return Feed(self.group, self.post_message)

    def key_state(self, state: str) -> str:
        """Return the name of the keys that matter in that state of the group."""
        return state

    def show_hint(self, hint: str) -> None:
        """Show a text at the right of the group's state."""
        self.query_one(GroupBar).show_hint(hint)

    def show_state(self, document: Mapping[str, Any], missing: Sequence[str]) -> None:
        """Show the group's state and the next step."""
        self.query_one(GroupBar).show(document, missing)

    def say(self, line: str) -> None:
        """Show a progress line."""
        self.notify(line, markup=False)

    def on_mount(self) -> None:
        self._feed = self.make_feed()
        self.run_worker(self._look(), name="look", group="watch", exclusive=True)

    async def _look(self) -> None:
        """Show the group and its nodes first, as the panes take a while to load."""
        await self._feed.look()
        self.call_after_refresh(self.call_later, self._add_panes)

    async def _add_panes(self) -> None:
        from stanlocal.tui.screens.panes import Panes

        panes = Panes(self.group, read_only=self.read_only)
        for pane in panes.each.values():
            pane.data_bind(MainScreen.document)
        async with self._mounting:
            if self._ending:
                return
            await self.query_one("#body").mount(panes)
        self._panes = panes
        self.action_pane(self.FIRST_PANE)
        self.follow()
        self.run_worker(self._feed.follow_resources(), name="resources", group="resources", exclusive=True)

    def follow(self) -> None:
        """Follow the group, from now on."""
        self.run_worker(self._feed.follow_group(), name="watch", group="watch", exclusive=True)

    def on_resize(self, event: Resize) -> None:
        self.query_one(Nodes).compact = event.size.width < WIDE_FROM

    # Messages of the feed

    def on_group_changed(self, message: GroupChanged) -> None:
        self._controller.name, self._controller.status = message.document["group"], message.status
        self.document = message.document
        self.show_state(message.document, message.missing)
        self.query_one(Nodes).show(message.document, message.missing)
        self.query_one(KeyBar).show_state(self.key_state(message.document["state"]))
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

    def on_resources_measured(self, message: ResourcesMeasured) -> None:
        self.query_one(Nodes).learn_resources(message.resources)
        self.query_one(Activity).learn_resources(message.resources)

    def on_log_lines(self, message: LogLines) -> None:
        self._pass_to_panes(message)

    def on_event_seen(self, message: EventSeen) -> None:
        self.query_one(Nodes).learn_events(message.events)
        self._pass_to_panes(message)

    def on_failovers_changed(self, message: FailoversChanged) -> None:
        self.query_one(Activity).show_failovers(message.failovers)
        self._pass_to_panes(message)

    def on_gap_felt(self, message: GapFelt) -> None:
        self._pass_to_panes(message)

    def _pass_to_panes(self, message: Message) -> None:
        if self._panes is not None:
            self._panes.take(message)

    def _ask_to_start(self, why: str) -> None:
        """Ask once, and only if no group runs at first: not after a no, nor after taking the group down."""
        if not self._asked_to_start:
            self._asked_to_start = True
            self.app.push_screen(StartScreen(self.group, why))

    # Actions of the user

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not (self.read_only and action in _CHANGING)

    @property
    def group_name(self) -> str:
        """The group's name; empty until it was seen."""
        return self._controller.name

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
        self.app.push_screen(StartScreen(self.group, "this brings the group up as its settings ask"))

    def action_down(self) -> None:
        self.run_worker(self._controller.down(), name="down", group="act")

    def action_target_active(self) -> None:
        self.query_one(Nodes).target = ACTIVE

    def action_select(self, step: int) -> None:
        self.query_one(Nodes).action_select(step)

    def unfinished(self) -> Iterable[str]:
        """Return a line for each action that `end` will end."""
        return self._controller.unfinished()

    async def end(self) -> Sequence[str]:
        """End what still acts on the group, once no pane is half mounted; return a line for each action."""
        self._ending = True
        async with self._mounting:
            return await self.finish()

    async def finish(self) -> Sequence[str]:
        """End what still acts on the group; return a line for each action."""
        return await self._controller.end()

    def action_copy(self) -> None:
        self._controller.copy_last()

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen(self.active_bindings.values()))

    def action_pane(self, number: int) -> None:
        if self._panes is not None:
            # Move the focus at once: the next key may be meant for the new pane, and the hidden one would
            # otherwise take the focus away later.
            self.set_focus(self._panes.choose(number))
            # Lay out at once too: otherwise all is drawn twice, first only for the focus.
            self.refresh(repaint=False, layout=True)
