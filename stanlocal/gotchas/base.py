"""The definition of a gotcha, and its run in a scratch group."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stanlocal import stan
from stanlocal.access.group_access import connect_options
from stanlocal.api import FTGroup, core_of, group_over
from stanlocal.errors import GroupError
from stanlocal.group.core import Group
from stanlocal.lifecycle.opener import GroupOpener, this_process
from stanlocal.logs.event_types import ChannelCreated
from stanlocal.logs.line_patterns import LogLine
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import NodeState
from stanlocal.stan.client import Client
from stanlocal.store.local import local_store
from stanlocal.util.tasks import beside

if TYPE_CHECKING:
    from stanlocal.gotchas.watched import Spectator

Say = Callable[[str], None]
"""Callback that shows a line to the user."""

_LINE_TIMEOUT_S = 30.0
_TROUBLE = ("ERR", "FTL", "WRN")
"""Log levels whose lines are shown whatever they say."""


@dataclass(frozen=True, slots=True)
class Gotcha:
    """One surprise."""

    name: str
    title: str
    """The symptom, in the words of users."""
    line: str
    """Regular expression that matches the server's log line in which the gotcha shows."""
    happened: str
    """Explanation of the cause."""
    production: str
    """Advice for production."""
    show: Callable[[Stage], Awaitable[None]]
    """Coroutine that sets the gotcha up and reports each step."""
    streaming: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the scratch group."""
    secure: bool = False
    """Whether the scratch group has TLS and a login."""
    on_cluster: OnCluster | None = None
    """The way in which it shows on a cluster; None: it needs a scratch group."""


@dataclass(frozen=True, slots=True)
class OnCluster:
    """A gotcha on a group of a cluster, which its user breaks."""

    watch: Callable[[Spectator], Awaitable[None]]
    """Coroutine that says what to break, and reports until the damage is repaired."""
    happened: str
    """Explanation of the cause."""
    production: str
    """Advice for production."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A gotcha that was shown."""

    gotcha: Gotcha
    lines: tuple[str, ...]
    """The server's log lines that matched, each with its node's name in front."""

    def document(self) -> dict[str, Any]:
        """Return the JSON document of the gotcha."""
        return {
            "gotcha": self.gotcha.name,
            "title": self.gotcha.title,
            "lines": list(self.lines),
            "happened": self.gotcha.happened,
            "production": self.gotcha.production,
        }


class Stage:
    """The scratch group in which a gotcha is shown."""

    def __init__(self, group: FTGroup, core: Group, plan: GroupPlan, say: Say) -> None:
        self.group = group
        self.core = core
        self.plan = plan
        self.say = say

    @property
    def store(self) -> Path:
        """The folder of the store on the host; `StoreRefused` for one in a volume."""
        return local_store(self.plan)

    async def state(self) -> None:
        """Report the state of the group and its nodes."""
        status = (await self.group.look()).status
        nodes = ", ".join(f"{node.name} {node.state.value}" for node in status.nodes)
        self.say(
            f"-> the group is {status.state.value}: {nodes}{f' ({status.problem})' if status.problem else ''}"
        )

    @asynccontextmanager
    async def client(self, client_id: str, **options: Any) -> AsyncIterator[Client]:
        """Connect a client that does not retry, so that failovers show as errors."""
        chosen = {"cluster_id": self.plan.cluster_id, **connect_options(self.plan, options)}
        async with stan.connect(self.plan.client_urls, client_id=client_id, **chosen) as client:
            yield client

    async def publish(self, channel: str, *messages: bytes) -> None:
        """Publish the messages, retrying through failovers."""
        async with self.client("gotcha-publisher", retry=True) as client:
            await client.publish_batch(channel, messages)

    async def stop_all(self) -> None:
        """Stop all nodes."""
        await self.group.stop("@all", timeout=10)

    async def failure(self, node: str) -> None:
        """Wait until a node has failed."""
        await self.core.wait(
            lambda status: status.node(node).state is NodeState.FAILED,
            timeout=_LINE_TIMEOUT_S,
            waiting_for=f"{node} to fail",
        )

    def rewrite(self, node: int, old: str, new: str) -> None:
        """Replace text in a node's stan.conf in place; effective from the node's next start."""
        conf = Path(self.plan.conf_dir(self.plan.nodes[node])) / "stan.conf"
        text = conf.read_text()
        if old not in text:
            raise GroupError(f"{conf} does not have {old!r}, which this gotcha changes")
        conf.write_text(text.replace(old, new))

    async def lines(self, pattern: str, timeout: float = _LINE_TIMEOUT_S) -> list[str]:
        """Return the first log lines that match the pattern; empty if none appears in `timeout` seconds."""
        wanted = re.compile(pattern)
        try:
            async with asyncio.timeout(timeout), aclosing(self.core.follow_logs()) as batches:
                async for batch in batches:
                    found = [
                        f"{entry.node}: {entry.line.text}"
                        for entry in batch
                        if wanted.search(entry.line.text)
                    ]
                    if found:
                        return found
        except TimeoutError:
            pass
        return []


async def run(gotcha: Gotcha, *, engine: str | None, say: Say, config: Path | None = None) -> Seen:
    """Show a gotcha in a scratch group, and remove the group afterwards.

    Raises `GroupError` if the server's expected log line did not appear.
    """
    settings: Mapping[str, Any] = {
        "group": f"gotcha-{gotcha.name}-{secrets.token_hex(2)}",
        "engine": engine,
        "nodes": 2,
        "streaming": gotcha.streaming or None,
        "secure": gotcha.secure or None,
    }
    # Notes are dropped: they only report its ports.
    opener = GroupOpener(settings, config, bound_to=this_process, note=lambda line: None)
    group = group_over(opener)
    await opener.core()  # raises where there is no engine, and nothing to remove
    try:
        await opener.remove_orphans()
        say(f"starting two nodes in the scratch group '{settings['group']}'")
        look = await group.up()
        stage = Stage(group, await core_of(group), look.plan, say)
        async with beside(_report_lines(stage)):
            await gotcha.show(stage)
            lines = await stage.lines(gotcha.line)
    finally:
        await _remove(group)
        await group.close()
    if not lines:
        raise GroupError(f"gotcha {gotcha.name}: no server said /{gotcha.line}/; see what it did with '-v'")
    return Seen(gotcha, tuple(lines))


async def _remove(group: FTGroup) -> None:
    """Purge the scratch group, with files that servers wrote outside its store."""
    done = await group.down(timeout=0, purge=True)
    if done.purged is not None and done.purged.left:
        await asyncio.to_thread(shutil.rmtree, (await core_of(group)).home.folder)


def is_shown(line: LogLine) -> bool:
    """Whether the line is a milestone, a warning or an error."""
    event = line.event
    return line.level in _TROUBLE or not (event is None or isinstance(event, ChannelCreated))


async def _report_lines(stage: Stage) -> None:
    """Report the servers' milestones, warnings and errors as they are written."""
    async for batch in stage.core.follow_logs(tail=0):
        for entry in batch:
            if is_shown(entry.line):
                stage.say(f"   {entry.node}: {entry.line.text}")
