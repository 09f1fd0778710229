"""An asynchronous service with an outbox: what it has to tell others survives until the server has it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from stanlocal.stan import Client


class Outbox:
    """Orders and what is to be published of them, written in one transaction."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path)
        self._db.execute("create table if not exists outbox (id integer primary key, payload blob)")

    def place_order(self, payload: bytes) -> None:
        """Takes an order; it is told to others later."""
        with self._db:
            self._db.execute("insert into outbox (payload) values (?)", (payload,))

    async def relay(self, client: Client, channel: str) -> int:
        """Publishes what there is, oldest first; what is acknowledged leaves the outbox. Returns how much."""
        waiting = self._db.execute("select id, payload from outbox order by id").fetchall()
        for id_, payload in waiting:
            await client.publish(channel, payload)
            with self._db:
                self._db.execute("delete from outbox where id = ?", (id_,))
        return len(waiting)

    def close(self) -> None:
        self._db.close()
