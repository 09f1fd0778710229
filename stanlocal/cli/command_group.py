"""`CommandGroup`: a group of commands whose own options are handed to the command, or refused."""

from __future__ import annotations

import click
from click.core import ParameterSource

from stanlocal.util.nearest import nearest


class CommandGroup(click.Group):
    """A group of commands that ignores no option: `store --dir DIR verify` is `store verify --dir DIR`.

    An option that stands before the command becomes the command's, unless it is given there again. An option
    that the command does not have is a usage error.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and "/" in args[0] and any(param.name == "folder" for param in self.params):
            raise click.UsageError(f"'{args[0]}' is no command; name a folder with '--dir {args[0]}'", ctx)
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            hint = nearest(args[0], sorted(self.commands))
            raise click.UsageError(f"no command '{args[0]}'; {hint}", ctx)
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and name is not None and not ctx.resilient_parsing:
            ctx.default_map = {name: self._handed_down(ctx, command)}
        return name, command, rest

    def _handed_down(self, ctx: click.Context, command: click.Command) -> dict[str, object]:
        taken = {param.name for param in command.params if isinstance(param, click.Option)}
        handed_down: dict[str, object] = {}
        for param in self.params:
            name = param.name
            if name is None or not param.expose_value:
                continue  # one of the global options, which count wherever they stand
            if ctx.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
                continue
            if name not in taken:
                raise click.UsageError(
                    f"{param.opts[0]} means nothing to '{ctx.info_name} {command.name}'; leave it out", ctx
                )
            handed_down[name] = ctx.params[name]
        return handed_down
