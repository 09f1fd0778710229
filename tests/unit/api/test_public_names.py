"""The public names of the package: what there is, what it costs to import, and what stays inside."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from collections.abc import Iterator

import pytest

import stanlocal
from stanlocal import stan
from stanlocal.errors import StanlocalError, WaitTimeout
from stanlocal.faults.registry import FAULTS
from stanlocal.stan.errors import PublishTimeout

_LOADS = """
import sys, stanlocal
loaded = {name.partition(".")[0] for name in sys.modules}
assert not loaded & {"docker", "nats", "textual", "click", "typer", "asyncio"}, loaded
assert stanlocal.StanlocalError and stanlocal.Kill and stanlocal.GroupState
assert not {"docker", "textual", "lightkube", "httpx2"} & set(sys.modules)
"""


def test_importing_the_package_alone_loads_no_dependency() -> None:
    subprocess.run([sys.executable, "-c", _LOADS], check=True)


@pytest.mark.parametrize("name", stanlocal.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(stanlocal, name) is not None


def test_faults_states_failovers_and_events_are_public() -> None:
    faults = {fault.__name__ for fault in FAULTS.values()}
    others = {"Fault", "InjectedFault", "Failover", "GroupState", "GroupStatus", "Event"}
    assert faults | others <= set(stanlocal.__all__)


def test_start_positions_are_public_in_the_client_and_in_the_package() -> None:
    starts = ("NewOnly", "LastReceived", "DeliverAll", "StartSequence", "StartTime", "StartTimeDelta")
    assert all(getattr(stan, name) is getattr(stanlocal, name) for name in starts)


def test_names_shared_by_modules_of_the_package_are_not_public() -> None:
    taken = set(inspect.signature(stanlocal.FTGroup).parameters)
    assert not taken & {"bound_to", "report", "note"}
    assert not hasattr(stanlocal.FTGroup, "core")
    assert not hasattr(stanlocal.InjectedFault, "group")


def test_connect_takes_the_options_of_the_client_with_its_defaults_and_retries() -> None:
    ours = dict(inspect.signature(stanlocal.FTGroup.connect).parameters)
    theirs = dict(inspect.signature(stan.connect).parameters)
    for ours_alone in ("self", "first"):
        del ours[ours_alone]
    for of_the_group in ("servers", "cluster_id", "nats", "served_channels", "addresses"):
        del theirs[of_the_group]
    assert ours.keys() == theirs.keys()
    changed = {name for name in ours if ours[name].default != theirs[name].default}
    assert changed == {"retry"}
    assert ours["retry"].default is True
    assert {name: each.annotation for name, each in ours.items()} == {
        name: each.annotation for name, each in theirs.items()
    }


def _all_errors(of: type[StanlocalError]) -> Iterator[type[StanlocalError]]:
    yield of
    for each in of.__subclasses__():
        yield from _all_errors(each)


TIMEOUTS = [error for error in _all_errors(StanlocalError) if error.__name__.endswith("Timeout")]


def test_waits_that_run_out_are_known() -> None:
    assert {error.__name__ for error in TIMEOUTS} == {
        "WaitTimeout", "RequestTimeout", "ConnectTimeout", "SubscribeTimeout", "UnsubscribeTimeout",
        "CloseTimeout", "MessageTimeout", "PublishTimeout",
    }  # fmt: skip


@pytest.mark.parametrize("error", TIMEOUTS, ids=lambda error: error.__name__)
def test_a_wait_that_runs_out_is_a_timeout_error_too(error: type[StanlocalError]) -> None:
    assert issubclass(error, TimeoutError)


def test_a_wait_that_ran_out_keeps_its_message_and_what_it_carries() -> None:
    error = WaitTimeout("no active node after 10 s", {"stan-0": "standby"}, ["a line"])
    assert (str(error), error.states, error.log_tail) == (
        "no active node after 10 s",
        {"stan-0": "standby"},
        ("a line",),
    )
    assert error.errno is None
    assert str(pickle.loads(pickle.dumps(PublishTimeout("late")))) == "late"
