"""`FTGroup` without ``async``; see `stanlocal.api`."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Concatenate, ParamSpec

from stanlocal import api
from stanlocal.faults import injected_fault
from stanlocal.model.fault_record import FaultRecord
from stanlocal.sync import portal
from stanlocal.sync.mirror import Blocking, Same, blocking, entering, iterating
from stanlocal.sync.stan import Client

P = ParamSpec("P")


class InjectedFault(Blocking[injected_fault.InjectedFault]):
    """A fault whose effect the engine has confirmed."""

    name = Same[str]()
    targets = Same[tuple[str, ...]]()
    expected = Same[str | None]()
    record = Same[FaultRecord]()
    failover = blocking(injected_fault.InjectedFault.failover)
    outcome = blocking(injected_fault.InjectedFault.outcome)
    wait_and_heal = blocking(injected_fault.InjectedFault.wait_and_heal)
    heal = blocking(injected_fault.InjectedFault.heal)


def _with_parameters_of(
    original: Callable[P, object],
) -> Callable[[Callable[..., None]], Callable[Concatenate[Any, P], None]]:
    return lambda init: init


class FTGroup(Blocking[api.FTGroup]):
    """An FT group of real nats-streaming-servers on this machine; ``with`` brings it up and takes it down.

    Takes what `stanlocal.FTGroup` takes. For any thread.
    """

    @_with_parameters_of(api.FTGroup)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._real = api.FTGroup(*args, **kwargs)

    def __enter__(self) -> FTGroup:
        portal.PORTAL.run(self._real.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        portal.PORTAL.run(self._real.__aexit__(kind, error, trace))

    close = blocking(api.FTGroup.close)
    connect = blocking(api.FTGroup.connect, Client.of)

    up = blocking(api.FTGroup.up)
    down = blocking(api.FTGroup.down)
    look = blocking(api.FTGroup.look)
    document = blocking(api.FTGroup.document)

    kill = blocking(api.FTGroup.kill, InjectedFault.of)
    send_signal = blocking(api.FTGroup.send_signal)
    stop = blocking(api.FTGroup.stop, InjectedFault.of)
    restart = blocking(api.FTGroup.restart, InjectedFault.of)
    pause = blocking(api.FTGroup.pause, InjectedFault.of)
    unpause = blocking(api.FTGroup.unpause)
    start = blocking(api.FTGroup.start)
    partition = blocking(api.FTGroup.partition, InjectedFault.of)
    isolate = blocking(api.FTGroup.isolate, InjectedFault.of)
    rolling_restart = blocking(api.FTGroup.rolling_restart, InjectedFault.of)
    expire_lock = blocking(api.FTGroup.expire_lock, InjectedFault.of)
    inject = blocking(api.FTGroup.inject, InjectedFault.of)
    put_store_back = blocking(api.FTGroup.put_store_back)
    repair_store = blocking(api.FTGroup.repair_store)
    heal = blocking(api.FTGroup.heal)
    faults = blocking(api.FTGroup.faults)

    wait_active = blocking(api.FTGroup.wait_active)
    wait_state = blocking(api.FTGroup.wait_state)
    wait_failover = blocking(api.FTGroup.wait_failover)
    during_failover = entering(api.FTGroup.during_failover, InjectedFault.of)
    failovers = blocking(api.FTGroup.failovers)
    events = iterating(api.FTGroup.events)
    probe = iterating(api.FTGroup.probe)
    record_outage = blocking(api.FTGroup.record_outage)
    logs = blocking(api.FTGroup.logs)


def _blocking_attach(attach: Callable[P, api.FTGroup]) -> Callable[P, FTGroup]:
    def call(*args: P.args, **kwargs: P.kwargs) -> FTGroup:
        return FTGroup.of(attach(*args, **kwargs))

    call.__doc__ = attach.__doc__
    return call


attach = _blocking_attach(api.attach)
