"""The load of a drill: publishers and subscribers on a group, which record all events in the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

from stanlocal.api import FTGroup
from stanlocal.drill.audit import audit
from stanlocal.drill.ledger.writer import Ledger
from stanlocal.drill.load import connection_watch
from stanlocal.drill.load.load_meter import LoadMeter, LoadStats
from stanlocal.drill.load.publisher import Publisher
from stanlocal.drill.load.sites import GroupSite, LoadClient, Site
from stanlocal.drill.load.subscriber import Subscriber
from stanlocal.drill.scenario.spec import ReaderKind
from stanlocal.errors import StanError, StanlocalError, WaitTimeout
from stanlocal.util.tasks import together

_LOOK_S = 0.05
"""Interval of checking clients and counters."""
_WHOLE_S = 15.0
"""Seconds in which plain subscribers get what was lost on its way to them, before they move."""


class Load:
    """The load that the ledger's header asks for, on a group that is up.

    `client_ids` is the prefix of every client id, durable and queue group; it must be new to the group.
    What happens to clients while it runs is recorded in the ledger and not raised; `failure` has the error
    that ends it.
    """

    def __init__(self, group: FTGroup, ledger: Ledger, *, client_ids: str) -> None:
        self._group = group
        self._ledger = ledger
        self.home = GroupSite(group, client_ids)
        """The group as a site, to which clients that moved can move back."""
        self.client_ids = client_ids
        self._audited_at: Site = self.home
        self._roster = ledger.header.load.roster()
        self._meter = LoadMeter(len(self._roster.audiences) - 1)
        self._clients: list[LoadClient] = []
        self._publishers: list[Publisher] = []
        self._subscribers: list[Subscriber] = []
        self._watching: asyncio.Task[None] | None = None
        self._stopped = self._closed = False
        self.failure: StanlocalError | None = None
        """Error that ended the load, such as a full disk or a lost client; None while it works."""

    def stats(self) -> LoadStats:
        """Return the current counts; cheap."""
        return self._meter.stats()

    async def start(self) -> None:
        """Connect and start all clients; returns once all are subscribed and publishing.

        Raises `StanError` when a client cannot be connected; then, and when cancelled, none is left open.
        """
        readers, publishers = self._roster.readers[:-1], self._roster.publishers
        try:
            self._subscribers = await together(*(self._subscriber(index) for index, _ in enumerate(readers)))
            self._publishers = await together(*(self._publisher(index) for index, _ in enumerate(publishers)))
            urls = (await self._group.look()).plan.client_urls
        except BaseException:
            await self.close()
            raise
        self._ledger.note("load", datetime.now(UTC), step="started")
        self._watching = asyncio.create_task(self._watch(urls), name="drill-watch")
        self.start_publishers()

    async def _connect(self, site: Site, name: str, index: int = 0) -> LoadClient:
        client = await site.client(name, index)
        if client not in self._clients:
            self._clients.append(client)
        return client

    async def _publisher(self, index: int) -> Publisher:
        client = await self._connect(self.home, f"publisher-{index}", index)
        return Publisher(index, self._roster.publishers[index], client, self._ledger, self._meter)

    async def _subscriber(self, index: int) -> Subscriber:
        reader = self._roster.readers[index]
        client = await self._connect(self.home, reader.name, index)
        group = f"{self.client_ids}-{self._roster.audiences[reader.audience].name}"
        subscriber = Subscriber(index, reader, group, client, self._ledger, self._meter)
        self._subscribers.append(subscriber)
        await subscriber.start()
        return subscriber

    async def _watch(self, urls: Sequence[str]) -> None:
        at = self.home.clients
        watched = [
            *(
                connection_watch.Watched(at[f"publisher-{index}"], publisher=index)
                for index, _ in enumerate(self._publishers)
            ),
            *(
                connection_watch.Watched(at[each.reader.name], reader=index)
                for index, each in enumerate(self._subscribers)
            ),
        ]
        while self.failure is None:
            connection_watch.look(watched, urls, self._ledger)
            self._meter.sample()
            self.failure = self._ledger.failure or self._lost_client()
            await asyncio.sleep(_LOOK_S)
        if self._ledger.failure is None:
            self._problem(str(self.failure))

    def _lost_client(self) -> StanError | None:
        for client in self._clients:
            if client.is_closed:
                return StanError(
                    f"client {client.client_id!r} of the load is lost; see the log for the reason"
                )
        for each in self._subscribers:
            if not each.is_whole:
                return StanError(f"{each.reader.name} was not subscribed again; see the log for the reason")
        return None

    def _problem(self, text: str) -> None:
        self._ledger.note("problem", datetime.now(UTC), text=text)

    # While it runs

    def start_publishers(self) -> None:
        """Start publishing, or resume it."""
        for publisher in self._publishers:
            publisher.start()

    async def stop_publishers(self) -> None:
        """Pause publishing until `start_publishers`; returns once every message is answered."""
        await together(*(publisher.stop() for publisher in self._publishers))

    async def start_subscribers(self, kind: ReaderKind) -> None:
        """Start the subscribers of that kind again, where they were stopped; raises `StanError`."""
        await together(*(each.start() for each in self._subscribers if each.reader.kind == kind))

    async def stop_subscribers(self, kind: ReaderKind) -> None:
        """Stop the subscribers of that kind; they get what they miss when they are started again.

        Raises `StanError` when the server does not answer.
        """
        await together(*(each.stop() for each in self._subscribers if each.reader.kind == kind))

    async def move_publishers(self, site: Site) -> None:
        """Have the publishers, which are stopped, publish at another site from now on; raises `StanError`.

        The audit at the end reads the channels there too. Connecting first, with `prepare`, spares time.
        """
        for index, publisher in enumerate(self._publishers):
            publisher.client = await self._connect(site, f"publisher-{index}", index)
        self._audited_at = site

    async def move_subscribers(self, site: Site, meanwhile: Callable[[], Awaitable[None]]) -> None:
        """Stop all subscribers, await `meanwhile`, and start them at another site; raises `StanError`.

        Plain subscribers stop once they have everything up to their last message: nothing but that message's
        sequence goes with them.
        """
        await self._stop_whole()
        await meanwhile()
        for index, each in enumerate(self._subscribers):
            each.client = await self._connect(site, each.reader.name, index)
        await together(*(each.start() for each in self._subscribers))

    async def prepare(self, site: Site) -> None:
        """Connect all clients to a site; raises `StanError`."""
        names = [f"publisher-{index}" for index, _ in enumerate(self._publishers)]
        names += [each.reader.name for each in self._subscribers]
        await together(*(self._connect(site, name, index) for index, name in enumerate(names)))

    async def _stop_whole(self) -> None:
        clock = asyncio.get_running_loop().time
        give_up = clock() + _WHOLE_S
        while True:
            while missing := sum(len(each.holes) for each in self._subscribers):
                if clock() > give_up:
                    what = f"{missing} deliveries to plain subscribers did not come again"
                    raise WaitTimeout(f"{what} within {_WHOLE_S:g} s", {})
                await asyncio.sleep(_LOOK_S)
            await together(*(each.stop() for each in self._subscribers))
            if not any(each.holes for each in self._subscribers):
                return
            await together(*(each.start() for each in self._subscribers))

    # The end

    async def stop(self, drain: float) -> None:
        """End the load, and record whether all messages were delivered; the group should be healed.

        Publishers end; then subscribers have `drain` seconds until nothing acknowledged is missing; then the
        audit reads the channels from the load's beginning for as long as messages arrive; then all clients
        are closed. Stopping again does nothing. Cancelled, it closes the clients too, and the ledger has no
        note `drained`.
        """
        if self._stopped:
            return
        self._stopped = True
        try:
            await self._answered(drain)
            await self._drained(drain)
            await self._audited(drain)
        finally:
            await self.close()

    async def _answered(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.stop_publishers()
        except TimeoutError:
            self._problem(f"publishes were not answered within {seconds:g} s of the load's end")

    async def _drained(self, seconds: float) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(seconds):
                await together(*(each.start() for each in self._subscribers))
                while self._meter.missing and self.failure is None:  # noqa: ASYNC110 - too many for an event each
                    await asyncio.sleep(_LOOK_S)
        except StanError as error:  # first, as some are a TimeoutError too
            self._problem(f"subscribers could not receive everything: {error}")
            return
        except TimeoutError:
            pass  # the note below says how much is missing
        if self.failure is None:
            spent, missing = round(clock() - began, 3), len(self._meter.missing)
            self._ledger.note("drained", datetime.now(UTC), missing=missing, seconds=spent)

    async def _audited(self, seconds: float) -> None:
        reader = len(self._roster.readers) - 1
        try:
            async with asyncio.timeout(seconds):
                client = await self._connect(self._audited_at, "audit")
            auditor = Subscriber(reader, self._roster.readers[reader], "", client, self._ledger, self._meter)
            await audit(auditor, self._subscribers)
        except (StanError, TimeoutError) as error:
            self._problem(f"the channels were not read at the end: {error or f'no client in {seconds:g} s'}")
        else:
            self._ledger.note("audit", datetime.now(UTC), messages=auditor.seen)

    async def close(self) -> None:
        """End the load at once, without waiting for messages in flight; do nothing once closed.

        Durables and queue groups are removed from the server. If it does not answer, that is recorded, and
        the clients are closed nevertheless. Raises `LedgerError` when the ledger cannot be written. After a
        cancellation it can be called again.
        """
        if self._closed:
            return
        self._stopped = True
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        for publisher in self._publishers:
            await publisher.abandon()
        remarks = await together(*(_failure(each.stop(forget=True)) for each in self._subscribers))
        remarks += await together(*(_failure(client.close()) for client in self._clients))
        self._closed = True
        if self._watching is not None and not self._watching.cancelled():
            self._watching.result()
        for remark in filter(None, remarks):
            self._ledger.note("remark", datetime.now(UTC), text=remark)
        self._ledger.note("load", datetime.now(UTC), step="stopped")


async def _failure(ending: Coroutine[Any, Any, None]) -> str | None:
    """Return the error with which a close or unsubscribe failed, if it did."""
    try:
        await ending
    except StanError as error:
        return str(error)
    return None
