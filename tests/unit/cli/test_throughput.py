"""`bench`: subscribers that wait for more than the channel holds."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from stanlocal.cli import throughput
from stanlocal.cli.throughput import _all_read, _Receiver
from stanlocal.errors import WaitTimeout
from stanlocal.stan import Message


def give(receiver: _Receiver) -> None:
    receiver(cast("Message", SimpleNamespace(data=b"")))


def reader(wanted: int) -> _Receiver:
    return _Receiver(wanted, stamped=False)


async def test_it_ends_once_every_reader_has_its_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "_SILENT_S", 5.0)
    readers = [reader(2), reader(1)]
    waiting = asyncio.create_task(_all_read("orders", readers))
    for each in (*readers, readers[0]):
        give(each)
        await asyncio.sleep(0)
    await asyncio.wait_for(waiting, 1)


async def test_a_channel_that_holds_fewer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "_SILENT_S", 0.05)
    readers = [reader(1), reader(1000)]
    for each in readers:
        give(each)
    with pytest.raises(
        WaitTimeout, match=r"^orders: 1 of 1,000 messages came, then none for 0.05 s; .*--count"
    ):
        await asyncio.wait_for(_all_read("orders", readers), 5)
