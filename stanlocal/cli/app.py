"""The `stanlocal` command: global options, the commands by name, and the end of the process.

A command's module is loaded when the command is run or completed, so that help and version cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from stanlocal import __version__
from stanlocal.cli.context import Context

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "up": ("stanlocal.cli.group", "Start the group, or change it to the settings given."),
    "down": ("stanlocal.cli.group", "Remove the group; its store is kept unless --purge."),
    "status": ("stanlocal.cli.group", "Show the group and its nodes."),
    "list": ("stanlocal.cli.group", "List your groups."),
    "wait": ("stanlocal.cli.group", "Wait until the group is in a state."),
    "env": ("stanlocal.cli.group", "Print shell exports to connect with."),
    "forward": ("stanlocal.cli.forward", "Open local ports to the pods of a group on a cluster."),
    "start": ("stanlocal.cli.nodes", "Start nodes."),
    "stop": ("stanlocal.cli.nodes", "Stop nodes (SIGTERM)."),
    "restart": ("stanlocal.cli.nodes", "Stop and start nodes."),
    "kill": ("stanlocal.cli.nodes", "Kill nodes (SIGKILL, or another signal)."),
    "pause": ("stanlocal.cli.nodes", "Freeze nodes."),
    "unpause": ("stanlocal.cli.nodes", "Resume frozen nodes."),
    "partition": ("stanlocal.cli.nodes", "Cut nodes' routes; clients still reach them."),
    "isolate": ("stanlocal.cli.nodes", "Cut nodes off from nodes and clients."),
    "heal": ("stanlocal.cli.faults", "Undo faults."),
    "fault": ("stanlocal.cli.faults", "Predict what a fault will do, inject it, compare."),
    "gotcha": ("stanlocal.cli.gotcha", "Show one of the classic FT surprises on real servers."),
    "drill": ("stanlocal.cli.drill", "Run a failure scenario under load, with a verdict."),
    "run": ("stanlocal.cli.run", "Run your tests on a group of their own, with faults meanwhile."),
    "logs": ("stanlocal.cli.history", "Show the nodes' logs, merged in time order."),
    "events": ("stanlocal.cli.history", "Show what happened."),
    "failovers": ("stanlocal.cli.failovers", "Show each failover with its phases."),
    "faults": ("stanlocal.cli.faults", "Show the faults injected so far, or those that exist (--list)."),
    "pub": ("stanlocal.cli.pub", "Publish messages and wait for their acks."),
    "sub": ("stanlocal.cli.sub", "Subscribe and print messages."),
    "bench": ("stanlocal.cli.bench", "Measure throughput and latency."),
    "tui": ("stanlocal.cli.tui", "Show the group live; break and heal it by key."),
    "tour": ("stanlocal.cli.tour", "Learn failover in seven lessons, on a group made for it."),
    "config": ("stanlocal.cli.config", "Show, render or check the settings."),
    "export": ("stanlocal.cli.export", "Write the group as files for Compose, Kubernetes or Helm."),
    "channels": ("stanlocal.cli.channels", "Show the channels and their subscribers."),
    "clients": ("stanlocal.cli.channels", "Show the connected clients."),
    "subscriptions": ("stanlocal.cli.channels", "Show the subscriptions."),
    "store": ("stanlocal.cli.store", "Look into the store's files; verify, dump, diff."),
    "migrate": ("stanlocal.cli.migrate", "Leave NATS Streaming for JetStream, with proof."),
    "metrics": ("stanlocal.cli.metrics", "Serve Prometheus metrics."),
    "image": ("stanlocal.cli.image", "Show, pull or build the server image."),
    "doctor": ("stanlocal.cli.doctor", "Check what the group needs."),
    "help": ("stanlocal.cli.help", "Show the help of a command."),
    "completion": ("stanlocal.cli.completion", "Print the shell's completion script."),
}


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    if value is not None and param.name is not None:
        setattr(ctx.ensure_object(Context), param.name, value)
    return value


def global_options() -> list[click.Option]:
    """Return the options that may stand before or after the command."""

    def option(*names: str, **how: Any) -> click.Option:
        return click.Option(names, expose_value=False, callback=_remember, **how)

    return [
        option("--group", metavar="NAME", help="Name of the group (stan)."),
        option(
            "--engine",
            type=click.Choice(["auto", "docker", "process", "kubernetes"]),
            help="What runs the nodes.",
        ),
        option(
            "--kubeconfig",
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="Kubeconfig, for --engine kubernetes.",
        ),
        option("--context", metavar="NAME", help="Context of the kubeconfig."),
        option("--namespace", metavar="NAME", help="Namespace of the group on the cluster."),
        option(
            "--config",
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="Settings file to use instead of stanlocal.toml.",
        ),
        option("--json", is_flag=True, default=None, envvar="STANLOCAL_JSON", help="Print JSON documents."),
        option(
            "--yes", is_flag=True, default=None, envvar="STANLOCAL_YES", help="Answer yes to every question."
        ),
        option(
            "-v",
            "--verbose",
            is_flag=True,
            default=None,
            envvar="STANLOCAL_VERBOSE",
            help="Print details, and tracebacks of errors.",
        ),
    ]


class Commands(click.Group):
    """Commands that are loaded when they are used; each takes the global options too."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module = import_module(_COMMANDS[name][0])
        command: click.Command = getattr(module, name, None) or getattr(module, f"{name}_")
        return with_global_options(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            from stanlocal.model.synonyms import SYNONYMS

            synonym = SYNONYMS.get(args[0])
            near = [synonym] if synonym else get_close_matches(args[0], _COMMANDS, 1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise click.UsageError(f"no command '{args[0]}'{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in _COMMANDS.items()])


def with_global_options(command: click.Command) -> click.Command:
    """Add the global options to a command, and to all commands of a group; return it."""
    known = {param.name for param in command.params}
    command.params.extend(option for option in global_options() if option.name not in known)
    if isinstance(command, click.Group):
        for sub in command.commands.values():
            with_global_options(sub)
    return command


@click.command(
    "stanlocal",
    cls=Commands,
    params=global_options(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="stanlocal")
def app() -> None:
    """A NATS Streaming fault-tolerant group on your machine.

    `stanlocal up` starts it, `stanlocal kill @active` breaks it, `stanlocal failovers` shows what happened.
    TARGETs name nodes: stan-0, 0, @active, @standby, @all.
    """


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    context = Context()
    try:
        result = app.main(args=arguments, prog_name="stanlocal", standalone_mode=False, obj=context)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - a defect of ours is one line, too
        from stanlocal.cli.errors import end  # costs a tenth of the start, and most commands need none of it

        return end(error, context)
    return result if isinstance(result, int) else 0
