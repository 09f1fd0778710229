"""`doctor`: what the group needs, and how to fix it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import click

from stanlocal.cli import printing
from stanlocal.cli.aio import run
from stanlocal.cli.context import Context, pass_context
from stanlocal.cli.exit_codes import BAD_VERDICT
from stanlocal.errors import StanlocalError
from stanlocal.util.styled import Styled

_FIXED = "fixed"


@click.command()
@click.option("--fix", is_flag=True, help="Fix what can be fixed without a decision of yours.")
@pass_context
def doctor(context: Context, fix: bool) -> int:
    """Check what the group needs; exit code 5 when something is wrong."""

    async def work() -> list[dict[str, Any]]:
        from stanlocal.doctor.examination import examine

        found: list[dict[str, Any]] = []
        opener = context.opener()
        with context.progress() as report:
            async with aclosing(examine(lambda: opener.effective()[0], report)) as checks:
                async for check in checks:
                    outcome = None
                    if fix and not check.ok and check.fix is not None:
                        report(f"fixing {check.name}")
                        outcome = await _fixed(check.fix)
                    well = check.ok or outcome == _FIXED
                    found.append(
                        {
                            "name": check.name,
                            "ok": well,
                            "seen": check.seen,
                            "where": check.where,
                            "detail": f"{check.detail}; {outcome}" if outcome else check.detail,
                            "cure": None if well else check.cure,
                            "commands": [] if well else [*check.commands],
                        }
                    )
        return found

    found = run(work())
    well = all(check["ok"] for check in found)
    if context.json:
        context.print_json({"ok": well, "checks": found})
    else:
        for check in found:
            mark = Styled("ok", "green") if check["ok"] else Styled("!!", "bold red")
            if not check["seen"]:
                mark = Styled("--", "yellow")
            printing.echo(mark, f"  {check['name']:<10} {check['detail']}")
            if check["where"]:
                printing.echo(f"    {'':<10} at {check['where']}")
            if check["cure"]:
                printing.echo(f"    {'':<10} {check['cure']}")
            for command in check["commands"]:
                printing.echo(f"    {'':<10}   $ ", Styled(command, "bold"))
    return 0 if well else BAD_VERDICT


async def _fixed(fix: Callable[[], Awaitable[object]]) -> str:
    """Fix a problem; return what came of it: the other checks are made whether or not it succeeds."""
    try:
        await fix()
    except StanlocalError as error:
        return f"not fixed: {error}"
    return _FIXED
