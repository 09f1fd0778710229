"""`failovers --probe`: only the time that was asked for ends it in silence."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest

from stanlocal.api import FTGroup
from stanlocal.cli.context import Context
from stanlocal.cli.failovers import _probe
from stanlocal.stan.errors import ConnectTimeout


class _Unanswered:
    async def probe(self) -> AsyncGenerator[Any]:
        raise ConnectTimeout("connect: no answer within 10 s")
        yield


async def test_a_client_that_gets_no_answer_is_an_error() -> None:
    with pytest.raises(ConnectTimeout, match="no answer within 10 s"):
        await _probe(Context(), cast("FTGroup", _Unanswered()), 60)
