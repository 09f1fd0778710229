"""Ports for this process's own clients, served by a thread."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import AsyncGenerator, Collection, Mapping
from types import TracebackType

import pytest

from stanlocal.engine.forwarding import Address, NodeReach
from stanlocal.errors import EngineError, EngineUnavailable
from stanlocal.lifecycle.client_ports import ClientPorts
from stanlocal.lifecycle.opener import GroupOpener
from tests.support.world import NAME, World


class Ports:
    """A `Forwarding` that notes the threads in which it is used."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.refusal: Exception | None = None
        """Error of further ports; None: there are some."""
        self.used: list[tuple[str, str]] = []
        self.nodes: dict[str, Address] = {}

    def _note(self, what: str) -> None:
        self.used.append((what, threading.current_thread().name))

    async def __aenter__(self) -> Ports:
        self._note("open")
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._note("close")

    async def addresses(self, nodes: Collection[str] = ()) -> Mapping[str, Address]:
        self._note("addresses")
        if self.refusal is not None:
            raise self.refusal
        for name in nodes:
            self.nodes.setdefault(name, ("127.0.0.1", 40000 + len(self.nodes)))
        return dict(self.nodes)

    async def changes(self) -> AsyncGenerator[NodeReach]:
        raise NotImplementedError
        yield


def test_they_are_open_from_first_use_to_close_whatever_loops_use_them() -> None:
    ports = Ports()
    made = ClientPorts(ports)
    assert ports.used == []

    async def both() -> tuple[Mapping[str, Address], Mapping[str, Address]]:
        return await asyncio.gather(made.addresses(["stan-0"]), made.addresses(["stan-0", "stan-1"]))

    found = asyncio.run(both())
    assert found[1] == {"stan-0": ("127.0.0.1", 40000), "stan-1": ("127.0.0.1", 40001)}
    assert asyncio.run(made.addresses(["stan-1"])) == found[1]
    asyncio.run(made.close())
    assert [what for what, _ in ports.used] == ["open", "addresses", "addresses", "addresses", "close"]
    assert {thread for _, thread in ports.used} == {"stanlocal-ports"}
    assert "stanlocal-ports" not in {thread.name for thread in threading.enumerate()}


async def test_whoever_asks_gets_the_error_of_opening_them() -> None:
    made = ClientPorts(Ports(EngineUnavailable("no answer")))
    for _ in range(2):
        with pytest.raises(EngineUnavailable, match="no answer"):
            await made.addresses(["stan-0"])
    await made.close()


async def test_ports_outlast_that_no_further_one_could_be_opened_until_the_group_is_closed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients that are connected go on, the next one gets ports again, and in the end none is left open."""
    await world.up()
    ports, made = Ports(), list[Ports]()

    def forwarding(*_: object) -> Ports:
        made.append(ports)
        return ports

    monkeypatch.setattr(world.engine, "forwarding", forwarding)
    opener = GroupOpener({"group": NAME}, engine=world.engine, home=world.home)
    plan = (await world.group().find())[0]
    before = (await opener.client_options(plan, {}))["addresses"]
    ports.refusal = EngineError("cannot listen on a free port of 127.0.0.1: Too many open files")
    with pytest.raises(EngineError, match="Too many open files"):
        await opener.client_options(plan, {})
    ports.refusal = None
    assert (await opener.client_options(plan, {}))["addresses"] == before
    assert made == [ports]
    await opener.close()
    assert [what for what, _ in ports.used if what != "addresses"] == ["open", "close"]
    assert "stanlocal-ports" not in {thread.name for thread in threading.enumerate()}


async def test_ports_that_could_not_be_opened_are_tried_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.up()
    tries = iter([Ports(EngineUnavailable("no answer")), Ports()])
    monkeypatch.setattr(world.engine, "forwarding", lambda *_: next(tries))
    opener = GroupOpener({"group": NAME}, engine=world.engine, home=world.home)
    plan = (await world.group().find())[0]
    with pytest.raises(EngineUnavailable, match="no answer"):
        await opener.client_options(plan, {})
    assert len((await opener.client_options(plan, {}))["addresses"]) == len(plan.nodes)
    await opener.close()


async def test_closing_ports_that_were_never_used_does_nothing() -> None:
    ports = Ports()
    await ClientPorts(ports).close()
    assert ports.used == []


async def test_without_a_descriptor_for_a_loop_neither_a_request_nor_close_waits_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_loop() -> asyncio.AbstractEventLoop:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(asyncio, "SelectorEventLoop", no_loop)
    made = ClientPorts(Ports())
    for _ in range(2):
        with pytest.raises(EngineError, match="Too many open files"):
            await asyncio.wait_for(made.addresses(["stan-0"]), 5)
    await asyncio.wait_for(made.close(), 5)
