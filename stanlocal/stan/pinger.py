"""Regular pings as agreed with the server; the client is lost when too many stay unanswered."""

from __future__ import annotations

import asyncio

from stanlocal.stan.active_search import ActiveSearch
from stanlocal.stan.errors import ConnectionLost
from stanlocal.stan.options import ClientOptions
from stanlocal.stan.pings import PingResult
from stanlocal.stan.state import ConnectionState, Listener


class Pinger(Listener):
    """Pings at the session's interval; a ping without an answer starts the search for the active."""

    def __init__(self, options: ClientOptions, state: ConnectionState, active_search: ActiveSearch) -> None:
        self._options = options
        self._state = state
        self._active_search = active_search
        self._loop = asyncio.get_running_loop()
        self._unanswered = 0
        self._task: asyncio.Task[None] | None = None
        state.listen(self)

    def start(self) -> None:
        """Ping from now on, if the server answers pings at all."""
        if self._state.session.pings:
            self._task = self._loop.create_task(self._run(), name="stan-ping")
            self._state.guard(self._task)

    def registered(self) -> None:
        """Start counting again: the new registration has no unanswered ping."""
        self._unanswered = 0

    async def active_found(self) -> None:
        """Start counting again: the active answered."""
        self._unanswered = 0

    async def _run(self) -> None:
        session = self._state.session
        interval, most = session.ping_interval, session.ping_max_out
        due = self._loop.time()
        while self._unanswered <= most or self._options.reconnect:
            due += interval
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            if not self._active_search.in_doubt:
                result, _ = await self._active_search.ping()
                if result is PingResult.ACTIVE:
                    self._unanswered = 0
                    continue
                self._state.suspect(lost=result in (PingResult.NO_RESPONDERS, PingResult.CUT))
            self._unanswered += 1
        self._state.lose(
            ConnectionLost(
                f"connection lost: {self._unanswered} pings in a row, one every {interval} s, had no "
                f"answer from cluster id {self._options.cluster_id!r}; connect again"
            )
        )

    async def close(self) -> None:
        """Stop pinging, unless it is the pinging task that asks."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.wait([self._task])
