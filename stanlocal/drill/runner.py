"""The runner of drills: load on a group, the steps of a scenario, and a ledger of everything.

A drill ends when its last step is done, its time is up, a step fails, or it is stopped. However it ends, the
group is healed, subscribers get time to receive everything, and what ran is judged.
"""

from __future__ import annotations

import asyncio
import platform
import secrets
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, aclosing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict, Unpack

import stanlocal
from stanlocal.api import FTGroup, core_of
from stanlocal.drill.analysis.outcome import Outcome, judged
from stanlocal.drill.analysis.verdict import Budget
from stanlocal.drill.ledger.entries import Header
from stanlocal.drill.ledger.writer import Ledger
from stanlocal.drill.load.load import Load
from stanlocal.drill.load.payload import draw_run
from stanlocal.drill.player import Player, note_failure
from stanlocal.drill.progress import Progress
from stanlocal.drill.rehearsal import rehearse
from stanlocal.drill.scenario.scenario import Scenario
from stanlocal.drill.scenario.scenario_file import load_scenario
from stanlocal.drill.scenario.schedule import length, schedule
from stanlocal.drill.scratch import scratch_group
from stanlocal.drill.store_repair import repair_if_torn
from stanlocal.drill.witness import Witness
from stanlocal.errors import Refused, StanlocalError
from stanlocal.history.timeline import Event
from stanlocal.lifecycle.planner import Report
from stanlocal.machine.user_dirs import make_private, state_home
from stanlocal.model.states import GroupState
from stanlocal.util.tasks import beside


@dataclass(frozen=True, slots=True)
class Stage:
    """A running drill, with the parts that a script acts on."""

    group: FTGroup
    load: Load
    witness: Witness
    ledger: Ledger
    report: Report
    lasting: AsyncExitStack
    """Resources that are closed only when subscribers have had time to receive everything."""


Script = Callable[[Stage], Coroutine[Any, Any, None]]
"""Acts on a drill until its end; a `StanlocalError` of it makes the verdict bad."""

DRAIN_S = 30.0
"""Seconds that subscribers have at the end to receive everything."""
HEALTHY_S = 60.0
"""Seconds that the healed group has to become healthy."""
_FOLDER = "_drills"
"""Folder beside those of groups; no group can have this name."""


class Drill:
    """One run of a scenario: on the group `here`, which must be healthy, or on a scratch group.

    `seed` decides all that is random; without one it is drawn, and is in the outcome. `budget` counts
    instead of the scenario's. `script` is played instead of the scenario's steps. With `store` the scratch
    group begins with a copy of what that folder holds.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        here: FTGroup | None = None,
        engine: str | None = None,
        config: Path | None = None,
        seed: int | None = None,
        budget: Budget | None = None,
        ledger: Path | None = None,
        script: Script | None = None,
        store: Path | None = None,
        report: Report = lambda line: None,
    ) -> None:
        self.scenario = scenario
        self.seed = secrets.randbits(32) if seed is None else seed
        self.budget = budget or scenario.budget
        self._here = here
        self._engine = engine
        self._config = config
        self._path = ledger
        self._script = script
        self._store = store
        self.report = report
        """Callback that receives a line for each thing that happens."""
        self._stop = asyncio.Event()
        self._begun = asyncio.Event()
        self._doing = "starting"
        self._playing: tuple[Player, Load, Witness] | None = None

    def stop(self) -> bool:
        """End the drill now; `run` then heals the group and judges what ran.

        Returns False while the load is not started: then there is nothing to judge, and `run` is to be
        cancelled instead.
        """
        self._stop.set()
        return self._playing is not None

    async def begun(self) -> None:
        """Wait until the load runs and the first step is due; for ever if `run` fails before."""
        await self._begun.wait()

    @property
    def progress(self) -> Progress:
        """Current progress; cheap."""
        if self._playing is None:
            return Progress(self._doing)
        player, load, witness = self._playing
        return Progress(
            doing=self._doing or player.doing,
            elapsed_s=player.elapsed_s,
            steps=player.steps,
            of_steps=length(self.scenario.steps),
            duration_s=self.scenario.duration_s,
            status=witness.status,
            faults=tuple(witness.in_force.values()),
            failovers=witness.failovers,
            load=load.stats(),
        )

    async def run(self) -> Outcome:
        """Run the drill to its end.

        Raises `Refused` when the group is not healthy at first, `SettingsError` when it cannot have the
        scenario's faults, `LedgerError` when the ledger cannot be written, and what `up` raises; what goes
        wrong in a step is part of the verdict. Cancelled, it heals and leaves its ledger.
        """
        async with AsyncExitStack() as stack:
            group = self._here
            if group is None:
                scratch = scratch_group(self.scenario, self._engine, self._config, self._phase, self._store)
                group = await stack.enter_async_context(scratch)
            header = await self._header(group)
            await rehearse(self.scenario, group)
            path = self._path or _ledger_path(self.scenario.name, header.started)
            ledger = stack.enter_context(Ledger.create(path, header))
            scenario = self.scenario
            ledger.note(
                "scenario",
                header.started,
                title=scenario.title,
                teaches=scenario.teaches,
                source=scenario.source,
            )
            await self._drill(group, ledger)
        self._phase("checking the ledger")
        return await asyncio.to_thread(judged, path)

    async def _header(self, group: FTGroup) -> Header:
        """Return the ledger's header. Raises `Refused` when the group is not healthy."""
        look = await group.look()
        if look.status.state is not GroupState.HEALTHY:
            raise Refused(
                f"a drill needs a healthy group, and '{look.plan.group}' is {look.status.state.value}; "
                "see 'stanlocal status'"
            )
        spec, run = self.scenario.load, draw_run()
        if self._here is not None or self._store is not None:  # its channels may be in use already
            spec = replace(spec, channels=tuple(f"drill.{run:08x}.{channel}" for channel in spec.channels))
        return Header(
            load=spec,
            drill=self.scenario.name,
            group=look.plan.group,
            seed=self.seed,
            started=datetime.now(UTC),
            run=run,
            settings={
                "nodes": [node.name for node in look.plan.nodes],
                "engine": look.plan.engine,
                "duration": self.scenario.duration_s,
                "budget": asdict(self.budget),
            },
            versions={
                "stanlocal": stanlocal.__version__,
                "server": look.status.server_version or "unknown",
                "python": platform.python_version(),
            },
        )

    async def _drill(self, group: FTGroup, ledger: Ledger) -> None:
        begun, core = ledger.header.started, await core_of(group)
        async with (
            Witness(core, ledger, begun, self._witnessed) as witness,
            beside(witness.record_events()) as recording,
            beside(_probe(group)) as probing,
            AsyncExitStack() as lasting,
        ):
            load = Load(group, ledger, client_ids=f"drill-{ledger.header.run:08x}")
            self._phase("starting publishers and subscribers")
            await load.start()
            try:
                player = Player(group, load, witness, ledger, self.report)
                self._playing, self._doing = (player, load, witness), ""
                self._begun.set()
                stage = Stage(group, load, witness, ledger, self.report, lasting)
                await self._play(player, stage, {recording, probing})
            finally:
                try:
                    await self._end(group, load, ledger)
                finally:
                    await load.close()
            for what, task in (("recording events", recording), ("the probe", probing)):
                try:
                    if task.done():
                        task.result()
                except StanlocalError as error:
                    note_failure(ledger, what, error, self.report)
            ledger.note("end", datetime.now(UTC), interrupted=self._stop.is_set())

    async def _play(self, player: Player, stage: Stage, observers: set[asyncio.Task[None]]) -> None:
        """Play until all is done, the drill is stopped, or an observer fails."""
        beats = schedule(self.scenario, self.seed)
        steps = (
            player.play(beats, self.scenario.duration_s) if self._script is None else self._scripted(stage)
        )
        async with (
            beside(steps) as playing,
            beside(self._stopped()) as stopping,
        ):
            await asyncio.wait({playing, stopping, *observers}, return_when=asyncio.FIRST_COMPLETED)
            if playing.done():
                playing.result()

    async def _scripted(self, stage: Stage) -> None:
        assert self._script is not None
        try:
            await self._script(stage)
        except StanlocalError as error:
            note_failure(stage.ledger, self.scenario.name, error, self.report)

    async def _stopped(self) -> None:
        await self._stop.wait()

    async def _end(self, group: FTGroup, load: Load, ledger: Ledger) -> None:
        """Heal, let everything arrive, and record what is known only at the end."""
        begun = ledger.header.started
        try:
            self._phase("healing")
            await group.heal()
            if said := await repair_if_torn(group):
                self.report(said)
            await group.wait_state(GroupState.HEALTHY, timeout=HEALTHY_S)
        except StanlocalError as error:
            note_failure(ledger, "healing", error, self.report)
        self._phase("waiting until subscribers have everything")
        await load.stop(DRAIN_S)
        if load.failure is not None:
            note_failure(ledger, "the load", load.failure, self.report)
        whole = [each.document() for each in await group.failovers() if each.started_at >= begun]
        ledger.note("failovers", datetime.now(UTC), failovers=whole)
        faults = [each.document() for each in await group.faults() if each.since >= begun]
        ledger.note("faults", datetime.now(UTC), faults=faults)

    def _phase(self, line: str) -> None:
        self._doing = line
        self.report(line)

    def _witnessed(self, event: Event) -> None:
        if event.type == "failover":
            detail = event.detail
            took = sum(filter(None, detail["phases_ms"].values()))
            self.report(f"failover: {detail['from']} to {detail['to']}, ready after {took:.0f} ms")


async def _probe(group: FTGroup) -> None:
    """Record the outages that a client sees, from which failovers get their last phase."""
    async with aclosing(group.probe()) as outages:
        async for _ in outages:
            pass


def _ledger_path(scenario: str, started: datetime) -> Path:
    """Return the path of a new ledger; its folder is created, for its owner only."""
    folder = make_private(state_home() / _FOLDER)
    return folder / f"{started:%Y%m%dT%H%M%S}-{scenario}-{secrets.token_hex(2)}.ledger"


class Options(TypedDict, total=False):
    """Options of `Drill`."""

    here: FTGroup | None
    engine: str | None
    config: Path | None
    seed: int | None
    budget: Budget | None
    ledger: Path | None
    script: Script | None
    store: Path | None
    report: Report


async def run(scenario: Scenario | str | Path, **options: Unpack[Options]) -> Outcome:
    """Run a scenario, given itself, as the name of a shipped one, or as a file; see `Drill`."""
    found = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    return await Drill(found, **options).run()
