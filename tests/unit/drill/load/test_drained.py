"""The end of a load: a subscriber that the server does not answer is a problem on record, not silence."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from stanlocal.drill.load.load import Load
from stanlocal.stan.errors import SubscribeTimeout


class _Unanswered:
    async def start(self) -> None:
        raise SubscribeTimeout("subscribe: no answer within 10 s")


async def test_a_subscription_that_is_not_answered_is_on_record() -> None:
    problems: list[str] = []
    load = SimpleNamespace(
        _subscribers=[_Unanswered()],
        _meter=SimpleNamespace(missing={1}),
        _problem=problems.append,
        failure=None,
    )
    await Load._drained(cast(Any, load), 60)
    [problem] = problems
    assert problem.endswith("subscribe: no answer within 10 s")
