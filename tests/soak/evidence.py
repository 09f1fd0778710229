"""The page for users that sums up all runs: each promise, how often it was tried, and the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.bench.page import line
from tests.soak.histogram import histogram
from tests.soak.row import Row
from tests.soak.totals import all_units, total, values
from tests.soak.trial_log import Entry

Runs = Sequence[tuple[Row, Sequence[Entry]]]
"""Rows with at least one trial each."""

_DRAWN = ("kills", "cluster-kills")
"""Runs whose outages have one cause, so that their distribution says something."""
_RESULTS = "../tests/soak/results"
_HEAD = """# Evidence

What stanlocal promises about failovers, about being killed and about whatever it reads cannot be shown by
one test. Here each promise is tried hundreds or thousands of times, on real servers, at moments that a seeded
generator draws. After every drill a checker reads what each publisher was told and what each subscriber
got, message by message, and the store.
"""
_DEATHS = """## What servers do by themselves

A NATS Streaming server stores a batch by two writes, into the data file and then into its index. A kill
between them leaves records that no index knows; the next active relies on the index and assigns
their sequences again. Messages behind that point are then read under a wrong sequence, and the last are
missing, acknowledged or not. No client and no tool can prevent it. The checker distinguishes these cases
from every other loss: a sequence with two messages, among the first that were given after the kill. Any loss
that is not of this kind counts as lost, above.

A standby that takes the lock while the former active is still ending can take its last heartbeat for one of a
second active, and panics ([Troubleshooting](troubleshooting.md#two-nodes-are-active)). A drill starts no such
node again, and ends. Once a message that was acknowledged around that moment was missing afterwards.
"""
_FOUND = """## What the runs have found

Mended, each with a test:

- `up` gave up on a node that was ending when it looked; `pub` did not register again with a server that
  had forgotten it; a container that somebody had removed did not count against `healthy`.
- A wait for a state went on until its time limit where a node was replaced while its log was read.
- A file with a line break in a name was refused in two lines; the nodes of a StatefulSet with two billion
  replicas were planned before it was refused, which took half a gigabyte.
- A server that a killed daemon had been starting ran on without the daemon's knowledge: it kept the store's
  lock, `up` refused, and `down` left it.
- A server that SIGSTOP had frozen inside its container, not `docker pause`, was shown as if it served.
- The container that holds the volumes of a limited store could write its root file system.

Not mended:

- A Docker daemon that is killed while it starts a container can keep the container's ports until its own next
  restart. The next `up` moves that node to other ports, and says so
  ([Troubleshooting](troubleshooting.md#stanlocal)).
- A drill whose clock is stepped by an hour while the engine's stays, as on another machine, can miss a
  failover: the two tell different times. `doctor` says so when they differ.
- The resident memory of a process that watches a group grows slowly while nodes fail: by 2.3 to 2.7 MB in
  twenty minutes of chaos, where 2 were to be the most. A part is what glibc keeps for each of 13 threads;
  with that off it was up to 2.3 MB. Python's own objects stay between 39 and 40.3 MB meanwhile, so what
  grows is the room between them.

Of the runs themselves, on the pages under the trials that were made again: a `down --all` of one run took
the group of another down, and libfaketime breaks the call by which a trial of the engine sleeps.
"""
_AGAIN = """## Make them again

```console
$ .venv/bin/python -m tests.soak                       # lists the runs
$ .venv/bin/python -m tests.soak kills --jobs 2        # makes one, and continues where it was stopped
$ .venv/bin/python -m tests.soak kills --page          # writes its page
$ .venv/bin/python -m tests.soak --summary             # writes this page
```

Each trial has a seed, so a trial with a problem can be made again. A minute of each run is part of
`scripts/test --all`.
"""


def evidence_page(runs: Runs) -> str:
    """Return the page."""
    parts = [_HEAD, *_table(runs), "", *_outages(runs), _DEATHS, *_server_losses(runs), _FOUND, _AGAIN]
    return "\n".join(parts)


def _table(runs: Runs) -> Iterator[str]:
    yield line(("what", "how often", "trials with a problem", "what was counted"))
    yield line(("---",) * 4)
    for row, entries in runs:
        done = all_units(entries)
        of = "" if done >= row.wanted else f" of {row.wanted:,}"
        bad = sum(bool(each.result.problems) for each in entries)
        counts = {**row.none_of, **row.shown}
        told = "; ".join(f"{total(entries, name):,} {what}" for name, what in counts.items())
        yield line((f"[{row.title}]({_RESULTS}/{row.name}.md)", f"{done:,}{of} {row.unit}", f"{bad:,}", told))


def _outages(runs: Runs) -> Iterator[str]:
    """Draw the outages of each case that has some."""
    yield "## How long clients were without service"
    yield ""
    yield (
        "From the moment of the fault to the first acknowledgement of a new message, as the publishers saw "
        "it. Above all it is the server's own interval of one to one and a half seconds between two looks at "
        "the lock."
    )
    yield ""
    for row, entries in runs:
        for case in dict.fromkeys(each.trial.case for each in entries):
            drawn = values([each for each in entries if each.trial.case == case], "outage_ms")
            if drawn and row.name in _DRAWN:
                yield f"{row.title}, {case} ({len(drawn):,} outages):"
                yield from ("", "```text", histogram(drawn), "```", "")


def _server_losses(runs: Runs) -> Iterator[str]:
    """List each case, with its run and trial."""
    for row, entries in runs:
        for entry in entries:
            for text in entry.result.explained:
                yield f"- {row.title}, trial {entry.trial.number} ({entry.trial.case}): {text}"
    messages = sum(total(entries, "acknowledged") for _, entries in runs)
    lost = sum(total(entries, "lost_by_server") for _, entries in runs)
    yield ""
    yield f"In all {lost:,} of {messages:,} acknowledged messages were lost that way in these runs."
    yield ""
