"""The text of the tour's pane: what came of the last step, the servers' lines, and what to do now. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from textual.content import Content

from stanlocal.logs.merge import NodeLine
from stanlocal.tui.tour.guide import Account, Guide
from stanlocal.tui.tour.observed import Observed, Published

_OVER = (
    "That was the tour. More surprises, each on real servers: stanlocal gotcha. Your own tests while nodes "
    "are killed: stanlocal run. With a verdict: stanlocal drill."
)


def heading(guide: Guide) -> str:
    """Return the number and title of the lesson, and whether it is finished."""
    of_all = len(guide.lessons)
    if guide.lesson is None:
        return f"tour: {len(guide.progress.finished)} of {of_all} lessons finished"
    done = " ✓" if guide.progress.lesson in guide.progress.finished else ""
    return f"tour {guide.progress.lesson} of {of_all}: {guide.lesson.title}{done}"


def tour_text(
    guide: Guide, observed: Observed, keys: Mapping[str, str], *, accounts: int, starting: str = ""
) -> Content:
    """Return the newest accounts of the lesson, at most `accounts`, and below them what to do now.

    `starting` is how far the group's start has come; empty once it is there.
    """
    parts: list[Content] = []
    for account in guide.accounts[-accounts:]:
        parts += _account(account, observed)
    if guide.lesson is not None and guide.lesson.publishes:
        parts.append(_counts("without retry", observed.plain))
        parts.append(_counts("with retry", observed.resending))
    if starting:
        parts.append(Content(starting))
    parts.append(Content.styled(f"▸ {_next(guide, observed, keys)}", "bold"))
    return Content("\n").join(parts)


def _account(account: Account, observed: Observed) -> Iterator[Content]:
    yield Content(f"✓ {account.why}")
    yield from (_line(each) for each in account.lines(observed))


def _line(each: NodeLine) -> Content:
    time = each.line.time.astimezone().strftime("%H:%M:%S.%f")[:-3]
    said = f"  {time} {each.node}: {each.line.message}"
    return Content.styled(said, "$foreground 70%")


def _counts(name: str, counts: Published) -> Content:
    waits = f", no ack for {counts.waits_s:.1f} s" if counts.waits_s >= 0.2 else ""
    why = f" ({counts.error.partition(';')[0]})" if counts.error else ""
    return Content.assemble(
        (f"{name:<14}", "bold"), f"{counts.stored:,} stored, {counts.failed:,} failed{waits}{why}"
    )


def _next(guide: Guide, observed: Observed, keys: Mapping[str, str]) -> str:
    if (ask := guide.ask(observed, keys)) is not None:
        return ask
    go_on = keys["tour.next"]
    if guide.lesson is None:
        return f"{_OVER} {go_on}: from the beginning."
    following = guide.lessons[guide.progress.lesson :]
    return f"Done. {go_on}: {following[0].title if following else 'the end of the tour'}."
