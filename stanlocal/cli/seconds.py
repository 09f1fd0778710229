"""`Seconds`: the type of options that take a time, in seconds or with a unit."""

from __future__ import annotations

import math

import click


class Seconds(click.ParamType[float]):
    """A number of seconds (`90`), or a duration (`500ms`, `10m`); at least 0."""

    name = "seconds"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds; any other value fails with the reason."""
        from stanlocal.settings.values import parse_duration

        try:
            seconds = float(value)
        except ValueError:
            try:
                seconds = parse_duration(str(value)) / 1e9
            except ValueError as reason:
                self.fail(f"{value!r} {reason}", param, ctx)
        if not 0 <= seconds < math.inf:
            self.fail(f"{value!r} is not a time to wait; give 0 or more, such as 5s", param, ctx)
        return seconds
