"""`migrate rehearse --live`: the cut-over to JetStream under load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stanlocal.cli.aio import run
from stanlocal.cli.context import Context
from stanlocal.cli.drill import give, stopped_by_ctrl_c
from stanlocal.util.temporary import temporary_folder

if TYPE_CHECKING:
    from stanlocal.cli.migrate_source import Source
    from stanlocal.drill.analysis.outcome import Outcome


def rehearse_live(
    context: Context,
    source: Source,
    kills: int,
    back: bool,
    html: Path | None,
    junit: Path | None,
    *,
    force: bool,
) -> int:
    """Run the rehearsal, give its reports and its verdict, and return the exit code."""
    if source.names or source.key_file or source.from_files:
        raise click.UsageError(
            "--names, --key-file and --from mean nothing to '--live', which runs a group of its own; "
            "leave them out"
        )

    engine = context.settings().engine

    async def work(folder: Path) -> Outcome:
        from stanlocal.cli.drill_live import shown
        from stanlocal.migrate.live.rehearsal import LiveRehearsal

        rehearsal = LiveRehearsal(
            folder, store=source.store, kills=kills, back=back, engine=engine, config=context.config
        )
        with shown(context, rehearsal.drill), stopped_by_ctrl_c(rehearsal.drill):
            return await rehearsal.run()

    with temporary_folder("stanlocal-rehearsal-") as folder:
        outcome = run(work(folder))
    return give(context, outcome, junit, html, force=force)
