"""The registry of faults by name, read by commands, drills and the terminal interface."""

from __future__ import annotations

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

FAULTS: dict[str, type[Fault]] = {
    fault.name: fault
    for fault in (
        Kill,
        Stop,
        Restart,
        Pause,
        Partition,
        Isolate,
        RollingRestart,
        ExpireLock,
        TruncateStore,
        FillDisk,
        SlowNetwork,
        FlakyNetwork,
        ExpireCertificate,
        WrongCertificate,
    )
}
