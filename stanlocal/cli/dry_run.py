"""`up --dry-run`: the group that would run, then what was left out or changed; without an engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stanlocal.cli import printing
from stanlocal.cli.context import Context
from stanlocal.cli.offline_plan import planned
from stanlocal.model.plan import CLIENT_PORT, MONITOR_PORT
from stanlocal.settings import redacted
from stanlocal.settings.schema import Kind
from stanlocal.settings.tool_options import SETTINGS
from stanlocal.settings.values import format_size

if TYPE_CHECKING:
    from stanlocal.imports.import_result import Finding
    from stanlocal.imports.reading import Import
    from stanlocal.model.plan import GroupPlan
    from stanlocal.settings import Settings

_LIMITS = ("max_channels", "max_msgs", "max_bytes", "max_age", "max_subs", "max_inactivity")
_OWN_FOLDER = "in the group's state folder"


def show(context: Context) -> None:
    """Print what `up` would run; nothing is started or changed."""
    notes: list[str] = []
    opener = context.opener(note=notes.append)
    opener.notes_import = False
    plan, settings = planned(context, opener)
    if settings.engine == "kubernetes":
        plan = _in_cluster(plan, settings)
        notes.append("these are objects of a cluster: 'stanlocal export kubernetes' shows them")
    imported = opener.imported()
    notes += [f"warning: {warning}" for warning in settings.warnings]
    if context.json:
        context.print_json(_document(plan, settings, imported, notes))
        return
    file = next(iter(imported.shapes)) if imported is not None and len(imported.shapes) == 1 else ""
    if file and imported is not None:
        printing.echo(f"{plan.group}, from {file}, {imported.shapes[file]}, would run:")
    else:
        printing.echo(f"{plan.group} would run:")
    rows = list(_rows(plan, settings, file))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        printing.echo(f"  {name:<{width}}  {value}")
    if imported is not None:
        _print_import(imported, file)
    for note in notes:
        context.say(note)


def _in_cluster(plan: GroupPlan, settings: Settings) -> GroupPlan:
    """Return the plan with the cluster's addresses and claim instead of local ports and a folder."""
    claim = settings.kubernetes.get("claim", f"{plan.group}-store")
    nodes = (
        replace(node, host=node.route_host, client_port=CLIENT_PORT, monitor_port=MONITOR_PORT)
        for node in plan.nodes
    )
    return replace(plan, nodes=tuple(nodes), store_dir=f"on the claim {claim}")


def _rows(plan: GroupPlan, settings: Settings, file: str) -> Iterator[tuple[str, str]]:
    def origin(name: str) -> str:
        source = settings.sources.get(name, "default")
        if source == "default":
            return "stanlocal's default"
        if source == f"the server's default, for {file}":
            return "the server's default"
        return (
            f"line {source[len(file) + 1 :].partition(':')[0]}" if source.startswith(f"{file}:") else source
        )

    yield "nodes", f"{len(plan.nodes)} of {plan.image} ({origin('nodes')})"
    yield "cluster id", f"{plan.streaming['cluster_id']} ({origin('streaming.cluster_id')})"
    yield "FT group", f"{plan.streaming['ft_group_name']} ({origin('streaming.ft_group_name')})"
    size = "" if settings.store_size is None else f", at most {format_size(settings.store_size)}"
    yield "store", f"file, {plan.store_dir or _OWN_FOLDER}{size}"
    limits: Mapping[str, Any] = plan.streaming.get("store_limits", {})
    yield "limits", ", ".join(f"{name} {_limit(name, limits[name])}" for name in _LIMITS if name in limits)
    for channel, own in limits.get("channels", {}).items():
        values = ", ".join(f"{name} {_limit(name, value)}" for name, value in own.items())
        yield f"  {channel}", values or "inherited"
    yield "NATS", ",".join(plan.client_urls)
    yield "logins", "; ".join(logins(settings)) or "none"


def _limit(name: str, value: object) -> str:
    option = SETTINGS.at(("streaming", "store_limits", name))
    if value in (0, "0", "0s"):
        return "unlimited"
    if option is not None and option.kind is Kind.SIZE and isinstance(value, int):
        return format_size(value)
    return str(value)


def logins(settings: Settings) -> Iterator[str]:
    """Yield who can log in, by name; passwords are never part of it."""
    if settings.secure:
        yield "TLS and a login of the group's own (--secure)"
    authorization: Mapping[str, Any] = settings.nats.get("authorization", {})
    if authorization.get("user"):
        yield f"user {authorization['user']}"
    if authorization.get("token"):
        yield "a token"
    users = [str(each.get("user", each.get("nkey", "?"))) for each in authorization.get("users", ())]
    if users:
        yield f"users {', '.join(users)}"
    if settings.nats.get("accounts"):
        yield f"accounts {', '.join(settings.nats['accounts'])}"
    if settings.streaming.get("username"):
        yield f"the servers themselves as {settings.streaming['username']}"


def _print_import(imported: Import, file: str) -> None:
    from stanlocal.imports import report

    if len(imported.shapes) > 1:
        printing.echo("files:")
        for name, shape in imported.shapes.items():
            printing.echo(f"  {name} is read as {shape}")
    for title, lines in (
        ("changed:", list(report.lines((each for each in imported.findings if each.how == "changed"), file))),
        (
            "left out:",
            list(report.lines((each for each in imported.findings if each.how != "changed"), file)),
        ),
    ):
        if lines:
            printing.echo(title)
        for line in lines:
            printing.echo(f"  {line.removeprefix('left out: ')}")


def _document(
    plan: GroupPlan, settings: Settings, imported: Import | None, notes: list[str]
) -> dict[str, Any]:
    findings = imported.findings if imported is not None else ()
    return {
        "dry_run": True,
        "group": plan.group,
        "nodes": len(plan.nodes),
        "image": plan.image,
        "cluster_id": plan.cluster_id,
        "ft_group": plan.streaming["ft_group_name"],
        "store_dir": plan.store_dir or None,
        "store_size": settings.store_size,
        "client_urls": list(plan.client_urls),
        "monitor_urls": list(plan.monitor_urls),
        "logins": list(logins(settings)),
        "streaming": redacted(plan.streaming),
        "nats": redacted(plan.nats),
        "sources": dict(settings.sources),
        "files": dict(imported.shapes) if imported is not None else {},
        "changed": [_finding(each) for each in findings if each.how == "changed"],
        "left_out": [_finding(each) for each in findings if each.how != "changed"],
        "notes": notes,
    }


def _finding(finding: Finding) -> dict[str, str]:
    return {"place": str(finding.place), "what": finding.what, "why": finding.why}
