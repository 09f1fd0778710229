"""A rehearsal under load: a drill on a scratch group, whose script is the cut-over to a JetStream server."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from stanlocal.drill.analysis.outcome import Outcome
from stanlocal.drill.runner import Drill, Stage
from stanlocal.drill.scenario.scenario import Scenario
from stanlocal.drill.scenario.spec import LoadSpec
from stanlocal.migrate.jetstream.rehearsal_server import rehearsal_server
from stanlocal.migrate.live.cutover import play
from stanlocal.migrate.live.jetstream_site import JetStreamSite

NAME = "migrate-live"
_LOAD = LoadSpec(rate=500, queue=2)
_TITLE = "Leave for JetStream while publishers and subscribers go on"
_TEACHES = (
    "What a cut-over costs: publishers pause until the last message is over, subscribers go on where they "
    "were, and nothing is lost; and whether that holds while active nodes die."
)


class LiveRehearsal:
    """One rehearsal; it works in `folder`, which the caller removes.

    With `store` the scratch group begins with a copy of that folder, which is not written to. `kills` active
    nodes are killed meanwhile; with `back` everything returns to NATS Streaming after the cut-over. The rest
    is as for `Drill`, which is `drill`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        store: Path | None = None,
        kills: int = 0,
        back: bool = False,
        engine: str | None = None,
        config: Path | None = None,
        seed: int | None = None,
        ledger: Path | None = None,
    ) -> None:
        self._folder = folder
        self._kills = kills
        self._back = back
        self._engine = engine or "auto"
        self._url = ""
        self._stack = AsyncExitStack()
        self.drill = Drill(
            Scenario(NAME, _TITLE, _TEACHES, (), load=_LOAD),
            engine=engine,
            config=config,
            seed=seed,
            ledger=ledger,
            script=self._play,
            store=store,
        )

    async def run(self) -> Outcome:
        """Run it to its end, and return the drill's outcome.

        Raises what `Drill.run` and `rehearsal_server` raise.
        """
        async with self._stack:
            folder = self._folder / "jetstream"
            server = rehearsal_server(self._engine, folder, lambda line: self.drill.report(line))
            self._url = (await self._stack.enter_async_context(server)).url
            return await self.drill.run()

    async def _play(self, stage: Stage) -> None:
        site = await self._stack.enter_async_context(JetStreamSite(self._url, stage.load.client_ids))
        await play(
            stage, self._url, site, self._folder, seed=self.drill.seed, kills=self._kills, back=self._back
        )
