"""The public API without ``async``, run on one event loop in a background thread.

::

    from stanlocal import sync

    with sync.FTGroup(nodes=2) as group, group.connect("orders-test") as client:
        client.publish("orders", b"1")
        fault = group.kill("@active")
        failover = fault.failover(timeout=10)

Everything is delegated to the asynchronous classes, on one event loop in a background thread: it works
from any thread, and while an event loop runs, as in notebooks. Asynchronous iterators are iterators,
``async with`` is ``with``; exceptions are the same. Ctrl-C cancels what is waited for.
"""

from __future__ import annotations

from stanlocal.errors import StanlocalError
from stanlocal.faults.base import Fault
from stanlocal.faults.certificate import ExpireCertificate, WrongCertificate
from stanlocal.faults.cut import Isolate, Partition
from stanlocal.faults.expire_lock import ExpireLock
from stanlocal.faults.fill_disk import FillDisk
from stanlocal.faults.kill import Kill
from stanlocal.faults.network import FlakyNetwork, SlowNetwork
from stanlocal.faults.pause import Pause
from stanlocal.faults.stop import Restart, RollingRestart, Stop
from stanlocal.faults.truncate_store import TruncateStore
from stanlocal.history.failovers import Failover
from stanlocal.history.timeline import Event
from stanlocal.model.states import GroupState, GroupStatus
from stanlocal.stan.recorder import assert_no_loss
from stanlocal.stan.start import (
    DeliverAll,
    LastReceived,
    NewOnly,
    StartSequence,
    StartTime,
    StartTimeDelta,
)
from stanlocal.sync import stan
from stanlocal.sync.group import FTGroup, InjectedFault, attach
from stanlocal.sync.recorder import Recorder

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
    # the STAN client
    "stan",
    # where a subscription begins
    "DeliverAll",
    "LastReceived",
    "NewOnly",
    "StartSequence",
    "StartTime",
    "StartTimeDelta",
    # for tests
    "Recorder",
    "assert_no_loss",
    # errors; the whole tree is in stanlocal.errors
    "StanlocalError",
]
