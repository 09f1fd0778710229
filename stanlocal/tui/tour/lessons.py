"""The lessons of the tour: what to press, what has to happen, and what came of it. Pure.

Texts have the reader's own keys as `{key_kill}`, and what was observed as `{active}`; see `facts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stanlocal.logs import event_types as ev
from stanlocal.tui.tour import conditions as when
from stanlocal.tui.tour.conditions import Condition


@dataclass(frozen=True, slots=True)
class Outcome:
    """A possible outcome of a step."""

    when: Condition
    why: str = ""
    """Explanation; empty for what needs none."""
    says: tuple[type[ev.LogEvent], ...] = ()
    """Kinds of the servers' own lines that show it."""
    ever: bool = False
    """Whether the lines may be older than the step: the newest are shown then."""


@dataclass(frozen=True, slots=True)
class Hint:
    """A way back to the lesson, shown while the condition holds."""

    when: Condition
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """A thing to do; the first outcome that has happened ends it."""

    ask: str
    outcomes: tuple[Outcome, ...]
    hints: tuple[Hint, ...] = ()


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson of about a minute."""

    title: str
    steps: tuple[Step, ...]
    publishes: bool = False
    """Whether publishers run meanwhile."""


_MEND = "{key_heal} heals the group, {key_start} starts its nodes, {key_up} brings it up"
_BEGIN = Step(
    "Wait until the group is healthy.",
    (Outcome(when.healthy),),
    (Hint(when.in_need, f"A lesson begins with a healthy group: {_MEND}."),),
)
_UNSERVED = Hint(when.unserved, f"No node serves, so nothing can fail over: {_MEND}.")
_NO_FAILOVER = (
    Hint(
        when.only_a_standby_ended,
        "That was a standby: nothing fails over. {key_heal} heals it, then {key_active} and {key_kill}.",
    ),
    _UNSERVED,
)


def _heal(why: str, *says: type[ev.LogEvent]) -> Step:
    return Step(
        "Press {key_heal}: it undoes every fault ({key_start} starts a node that no fault has ended).",
        (Outcome(when.healthy, why, says),),
    )


LESSONS: Sequence[Lesson] = (
    Lesson(
        "a healthy group",
        (
            Step(
                "Wait: the two nodes of a scratch group start. It is yours alone, and removed when you quit.",
                (
                    Outcome(
                        when.healthy,
                        "{active} is active: it has the lock of the store that both share, and serves all "
                        "clients. {standby} stands by: it hears {active}'s heartbeats, and serves no one.",
                        (ev.StreamingReady,),
                        ever=True,
                    ),
                ),
                (Hint(when.in_need, f"It does not become healthy by itself: {_MEND}."),),
            ),
            Step(
                "Press {key_next} until ▸ is at {standby}: keys act on that node then.",
                (
                    Outcome(
                        when.standby_chosen,
                        "{key_kill} would kill the standby now: one standby less, and no failover.",
                    ),
                ),
            ),
            Step(
                "Press {key_active}: back to @active, whichever node that is.",
                (
                    Outcome(
                        when.active_chosen,
                        "@active follows the lock: after a failover the same key acts on the other node.",
                    ),
                ),
            ),
        ),
    ),
    Lesson(
        "kill the active node",
        (
            _BEGIN,
            Step(
                "Press {key_kill}: the dialog says what will happen. {key_kill} again does it.",
                (
                    Outcome(
                        when.failed_over,
                        "A failover, {took} s: {left}'s process ended, so the kernel freed its lock. "
                        "{active} missed the heartbeats, took the lock (first line), read the store, and "
                        "only then serves (second line).",
                        (ev.LockTaken, ev.StreamingReady),
                    ),
                ),
                _NO_FAILOVER,
            ),
            _heal(
                "{standby} is back, as a standby: nothing fails back, {active} stays active.",
                ev.StandbyStarted,
            ),
        ),
    ),
    Lesson(
        "pause it, and everybody waits",
        (
            _BEGIN,
            Step(
                "Press {key_pause}, then Y: freeze {active}, as a hung disk or a long swap does.",
                (
                    Outcome(
                        when.blocked,
                        "Blocked: a frozen process still has its lock, so {standby} tries for it every "
                        "1.25 s in vain. It says so less and less often: silence is not success.",
                        (ev.LockBusy,),
                    ),
                ),
                (
                    Hint(
                        when.frozen_without_block,
                        "That was a standby: no client notices. {key_heal}, then {key_active}, {key_pause}.",
                    ),
                ),
            ),
            Step(
                "Press {key_kill} twice: kill {stuck}, frozen as it is.",
                (
                    Outcome(
                        when.failed_over,
                        "Only the end of its process frees the lock: {active} serves. So let a liveness "
                        "probe kill an active that does not answer.",
                        (ev.LockTaken, ev.StreamingReady),
                    ),
                    Outcome(
                        when.healthy,
                        "{active} goes on as if nothing had been: no failover. Had it stayed frozen, only "
                        "its end would have freed the lock.",
                    ),
                ),
            ),
            _heal("Healthy again, with {active} active.", ev.StandbyStarted),
        ),
    ),
    Lesson(
        "cut its routes: nothing happens",
        (
            _BEGIN,
            Step(
                "Press {key_partition} twice: it cuts the routes between {active} and {standby}.",
                (
                    Outcome(
                        when.nothing_followed,
                        "No failover. {standby} misses the heartbeats and tries for the lock, but {active} "
                        "lives and has it. {active}'s own clients are served, those of {standby} are not.",
                        (ev.LockBusy,),
                    ),
                ),
                (
                    Hint(when.cut, "Wait: {standby} misses the heartbeats now. Does it take over?"),
                    Hint(
                        when.blocked,
                        "That cut off its clients too: no one is served. {key_heal}, then {key_partition}.",
                    ),
                    _UNSERVED,
                ),
            ),
            _heal("The routes are back, and with them the heartbeats. {active} was active all the time."),
        ),
    ),
    Lesson(
        "two actives",
        (
            _BEGIN,
            Step(
                "Press {key_fault}, choose expire-lock with the down key and enter, enter again, then Y.",
                (
                    Outcome(
                        when.two_active,
                        "{actives} are both active: the lock of one expired unawares, as on NFS, so the "
                        "other got one too. No active looks at its lock again. Both write into one store.",
                        (ev.LockTaken, ev.StreamingReady),
                    ),
                ),
                (_UNSERVED,),
            ),
            Step(
                "Press {key_heal}: the two hear each other again, in up to half a minute.",
                (
                    Outcome(
                        when.settled,
                        "The one that became active later ended itself, and what only it had stored is lost. "
                        "Keep the store where locks hold: NFSv4 with hard mounts, or a disk of one machine.",
                        (ev.ForeignActive, ev.SteppedDown),
                    ),
                ),
            ),
        ),
    ),
    Lesson(
        "a publisher through a failover",
        (
            _BEGIN,
            Step(
                "Two publishers run, 20 messages a second each. Press {key_kill} twice, and watch them.",
                (
                    Outcome(
                        when.published_through,
                        "{took} s without service. Messages that failed without retry: {plain_failed}. They "
                        "are gone unless the program sends them again. With retry: {resent_failed}. The "
                        "slowest ack took {slowest} s, and a message may be stored twice.",
                        (ev.StreamingReady,),
                    ),
                ),
                _NO_FAILOVER,
            ),
            _heal("In your own program: stan.connect(…, retry=True), or publish again after each error."),
        ),
        publishes=True,
    ),
    Lesson(
        "read the timeline",
        (
            Step(
                "There has been no failover here yet. Press {key_kill} twice.",
                (Outcome(when.any_failover),),
                _NO_FAILOVER,
            ),
            Step(
                "Press {key_pane_5}: the timeline, each event with the time since the one before.",
                (
                    Outcome(
                        when.opened("Timeline"),
                        "{left} ended ({cause}); {taken} took the lock, became active, and the failover took "
                        "{took} s. From a shell: stanlocal --group {group} events.",
                        (ev.LockTaken, ev.StreamingReady),
                        ever=True,
                    ),
                ),
            ),
            Step(
                "Press {key_pane_4}: the failovers with their phases (Plot, in the footer, draws them).",
                (
                    Outcome(
                        when.opened("Failovers"),
                        "Most of it is LOCK ({lock} ms): the wait for heartbeats that do not come. RECOVER "
                        "({recovering} ms) is reading the store, and grows with it.",
                    ),
                ),
            ),
            Step(
                "Press {key_pane_7}: each fault with what was expected and what was seen.",
                (
                    Outcome(
                        when.opened("Faults"),
                        "All of it is on record: stanlocal --group {group} drill record makes a drill of it.",
                    ),
                ),
            ),
        ),
    ),
)
"""All lessons, in their order."""
