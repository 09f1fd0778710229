"""`config show`, `config render`, `config validate`: settings, without any engine."""

from __future__ import annotations

import json
import os
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stanlocal.cli import printing
from stanlocal.cli.command_group import CommandGroup
from stanlocal.cli.context import Context, pass_context
from stanlocal.cli.exit_codes import USAGE
from stanlocal.errors import NodeNotFound, SettingsError
from stanlocal.settings import HIDDEN, Settings, load, redacted, resolve
from stanlocal.settings.layer import Key, dotted
from stanlocal.settings.rules import without_certificates, without_passwords
from stanlocal.settings.schema import Kind
from stanlocal.settings.text import read_text
from stanlocal.settings.tool_options import SETTINGS
from stanlocal.settings.values import format_size

if TYPE_CHECKING:
    from stanlocal.model.plan import GroupPlan, NodePlan


@click.group(cls=CommandGroup)
def config() -> None:
    """Show, render or check the settings."""


@config.command()
@pass_context
def show(context: Context) -> None:
    """Show the effective settings and where each came from; secrets are hidden."""
    opener = context.opener()
    settings, before = opener.effective()
    values = _values(settings)
    if context.json:
        context.print_json(
            {
                **values,
                "exists": before is not None,
                "sources": dict(settings.sources),
                "warnings": list(settings.warnings),
            }
        )
        return
    context.say(_which(settings, before))
    rows = [
        (dotted(key), _shown(key, value), settings.sources.get(dotted(key), "default"))
        for key, value in _leaves(values, settings.sources)
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, value, source in rows:
        printing.echo(f"{name:<{widths[0]}}  {value:<{widths[1]}}  {source}")
    _warn(settings.warnings)


@config.command()
@click.argument("target", default="0")
@click.option("--secrets", is_flag=True, help="Show passwords and keys too.")
@pass_context
def render(context: Context, target: str, secrets: bool) -> None:
    """Print the stan.conf of node TARGET (a name or an index) of the group, or of a new one."""
    from stanlocal.access import route_login
    from stanlocal.certificates.secured import Files, secured
    from stanlocal.cli.offline_plan import planned
    from stanlocal.render.stan_conf import render as stan_conf

    opener = context.opener()
    settings, before = opener.effective()
    plan, _ = planned(context, opener, keep_hidden=True)
    context.say(_which(settings, before))
    node = _node(plan, target)
    if plan.secure:  # the password is made by `up`
        files = Files.of_node(plan.server_conf_dir(node))
        streaming, nats = secured(plan.streaming, plan.nats, files, HIDDEN)
        plan = replace(plan, streaming=streaming, nats=nats)
    if not plan.external_nats and route_login.is_needed(plan.nats, secure=plan.secure):
        plan = replace(plan, nats=route_login.with_route_login(plan.nats, HIDDEN))
    if not secrets:
        plan = replace(plan, streaming=redacted(plan.streaming), nats=redacted(plan.nats))
    text = stan_conf(plan, node)
    if context.json:
        context.print_json({"node": node.name, "conf": text})
    else:
        printing.page(text)


@config.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@pass_context
@click.pass_context
def validate(ctx: click.Context, context: Context, file: Path | None) -> None:
    """Check the settings, or those of FILE: a stanlocal.toml, or any deployment that --from takes."""
    findings: list[str] = []
    try:
        if file is None:
            settings, _ = context.opener().effective()
        elif _is_toml(file):
            settings = load({}, os.environ, file, Path.cwd())
        else:
            settings = _deployment(file, findings)
        missing = list(without_passwords(settings.nats))
        missing += [] if settings.secure else without_certificates(settings.streaming, settings.nats)
        if missing:
            raise SettingsError(missing)
    except SettingsError as error:
        if context.json:
            context.print_json({"ok": False, "problems": list(error.problems), "warnings": []})
        for problem in error.problems:
            printing.echo(problem, err=True)
        ctx.exit(USAGE)
    warnings = [*settings.warnings, *(() if file is None else _only_when_named(settings, Path.cwd() / file))]
    if context.json:
        imported = {"import": findings} if findings else {}
        context.print_json({"ok": True, "problems": [], "warnings": warnings, **imported})
    else:
        printing.echo("ok")
        for line in findings:
            context.say(line)
    _warn(warnings)


def _is_toml(file: Path) -> bool:
    """Return whether the file is a stanlocal.toml, which its name or its content shows."""
    if file.suffix != ".conf" and os.access(file, os.R_OK) and file.is_file():
        import tomllib

        try:
            names = tomllib.loads(read_text(file))
        except (tomllib.TOMLDecodeError, SettingsError):
            return file.suffix == ".toml"
        return file.suffix == ".toml" or any(SETTINGS.find(name) for name in names)
    return file.suffix == ".toml"


def _deployment(file: Path, findings: list[str]) -> Settings:
    """Return the settings of a deployment by themselves; `findings` gets what is not taken over."""
    from stanlocal.imports import report
    from stanlocal.imports.reading import read
    from stanlocal.settings.text import read_standard_input

    imported = read(file, os.environ, standard_input=read_standard_input)
    findings += report.lines(imported.findings)
    settings = resolve([imported.layer], is_file=os.path.isfile)
    if unmet := imported.unmet(settings):
        raise SettingsError(unmet)
    return settings


def _values(settings: Settings) -> dict[str, Any]:
    """Return the settings for JSON, with secrets hidden."""
    own = {option.name: getattr(settings, option.name) for option in SETTINGS.options if not option.table}
    return {
        **{name: str(value) if isinstance(value, Path) else value for name, value in own.items()},
        "streaming": redacted(settings.streaming),
        "nats": redacted(settings.nats),
        "kubernetes": settings.kubernetes,
    }


def _leaves(values: Mapping[str, Any], known: Container[str], at: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Yield the leaves: tables that were set as a whole, `known` by dotted name, and unset settings."""
    for name, value in values.items():
        key = (*at, name)
        if isinstance(value, Mapping) and dotted(key) not in known:
            yield from _leaves(value, known, key)
        else:
            yield key, value


def _shown(key: Key, value: Any) -> str:
    option = SETTINGS.at(key)
    if value is None:
        return option.default or "none" if option else "none"
    if isinstance(value, str):
        return value if value.isprintable() else json.dumps(value)
    if option is not None and option.kind is Kind.SIZE:
        return format_size(value)
    return json.dumps(value)


def _which(settings: Settings, before: GroupPlan | None) -> str:
    if before is None:
        return f"there is no group '{settings.group}' yet: this is what 'up' would start"
    return f"this is the group '{settings.group}', which is there, as 'up' would run it"


def _node(plan: GroupPlan, target: str) -> NodePlan:
    for node in plan.nodes:
        if target in (node.name, str(node.index)):
            return node
    names = ", ".join(node.name for node in plan.nodes)
    raise NodeNotFound(f"no node {target!r} is planned; name one of {names}, or its index")


def _only_when_named(settings: Settings, file: Path) -> list[str]:
    """Return warnings about settings of `file` that count only when the file is named."""
    withheld = {dotted(key) for key, option in SETTINGS.walk() if option.executes or option.reaches}
    return [
        f"{file}: {name} counts only where the file is named with --config"
        for name, source in settings.sources.items()
        if name in withheld and source == str(file)
    ]


def _warn(warnings: Iterable[str]) -> None:
    for warning in warnings:
        printing.echo(f"warning: {warning}", err=True)
