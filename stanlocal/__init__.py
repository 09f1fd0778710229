"""A NATS Streaming fault-tolerant group on your machine: bring it up, break it, watch it fail over.

Light to import: what a name needs is loaded when the name is first used.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as type checkers know it; `typing` takes a supervisor as long to load as the rest
if TYPE_CHECKING:
    from typing import Any

    from stanlocal import stan, sync
    from stanlocal.api import FTGroup, attach
    from stanlocal.errors import StanlocalError
    from stanlocal.faults.base import Fault
    from stanlocal.faults.certificate import ExpireCertificate, WrongCertificate
    from stanlocal.faults.cut import Isolate, Partition
    from stanlocal.faults.expire_lock import ExpireLock
    from stanlocal.faults.fill_disk import FillDisk
    from stanlocal.faults.injected_fault import InjectedFault
    from stanlocal.faults.kill import Kill
    from stanlocal.faults.network import FlakyNetwork, SlowNetwork
    from stanlocal.faults.pause import Pause
    from stanlocal.faults.stop import Restart, RollingRestart, Stop
    from stanlocal.faults.truncate_store import TruncateStore
    from stanlocal.history.failovers import Failover
    from stanlocal.history.timeline import Event
    from stanlocal.model.states import GroupState, GroupStatus
    from stanlocal.stan import (
        DeliverAll,
        LastReceived,
        NewOnly,
        StartSequence,
        StartTime,
        StartTimeDelta,
    )
    from stanlocal.stan.recorder import Recorder, assert_no_loss

__version__ = "0.1.0"

_HOMES = {
    "FTGroup": "stanlocal.api",
    "attach": "stanlocal.api",
    "StanlocalError": "stanlocal.errors",
    "GroupState": "stanlocal.model.states",
    "GroupStatus": "stanlocal.model.states",
    "Failover": "stanlocal.history.failovers",
    "Event": "stanlocal.history.timeline",
    "Fault": "stanlocal.faults.base",
    "InjectedFault": "stanlocal.faults.injected_fault",
    "Kill": "stanlocal.faults.kill",
    "Stop": "stanlocal.faults.stop",
    "Restart": "stanlocal.faults.stop",
    "RollingRestart": "stanlocal.faults.stop",
    "Pause": "stanlocal.faults.pause",
    "Partition": "stanlocal.faults.cut",
    "Isolate": "stanlocal.faults.cut",
    "ExpireCertificate": "stanlocal.faults.certificate",
    "ExpireLock": "stanlocal.faults.expire_lock",
    "TruncateStore": "stanlocal.faults.truncate_store",
    "FillDisk": "stanlocal.faults.fill_disk",
    "SlowNetwork": "stanlocal.faults.network",
    "FlakyNetwork": "stanlocal.faults.network",
    "WrongCertificate": "stanlocal.faults.certificate",
    "DeliverAll": "stanlocal.stan",
    "LastReceived": "stanlocal.stan",
    "NewOnly": "stanlocal.stan",
    "StartSequence": "stanlocal.stan",
    "StartTime": "stanlocal.stan",
    "StartTimeDelta": "stanlocal.stan",
    "Recorder": "stanlocal.stan.recorder",
    "assert_no_loss": "stanlocal.stan.recorder",
}
_MODULES = ("stan", "sync")

__all__ = [
    # groups
    "FTGroup",
    "attach",
    # what they are and what happens to them
    "GroupState",
    "GroupStatus",
    "Failover",
    "Event",
    # faults, for `FTGroup.inject`; what it returns
    "Fault",
    "Kill",
    "Stop",
    "Restart",
    "RollingRestart",
    "Pause",
    "Partition",
    "Isolate",
    "ExpireCertificate",
    "ExpireLock",
    "TruncateStore",
    "FillDisk",
    "SlowNetwork",
    "FlakyNetwork",
    "WrongCertificate",
    "InjectedFault",
    # the STAN client alone; everything without async
    "stan",
    "sync",
    # where a subscription begins
    "DeliverAll",
    "LastReceived",
    "NewOnly",
    "StartSequence",
    "StartTime",
    "StartTimeDelta",
    # for tests of failover
    "Recorder",
    "assert_no_loss",
    # errors; the whole tree is in stanlocal.errors
    "StanlocalError",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'stanlocal' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
