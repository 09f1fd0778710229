"""`export compose`, `export kubernetes`, `export helm`: the same group elsewhere, from one plan."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from stanlocal.cli import output_file, printing
from stanlocal.cli.command_group import CommandGroup
from stanlocal.cli.context import Context, from_option, pass_context, store_option
from stanlocal.errors import OutputError, SettingsError

if TYPE_CHECKING:
    from stanlocal.model.plan import GroupPlan

_ENV = ".env"

F = TypeVar("F", bound=Callable[..., Any])


@click.group(cls=CommandGroup)
def export() -> None:
    """Write the group down for Docker Compose, Kubernetes or Helm.

    It is the group as it is, or as 'stanlocal up' would bring it up now.
    """


def plan_options(command: F) -> F:
    """Add the options of `up` that define the group."""
    for option in (
        store_option,
        from_option,
        click.option("--preset", type=click.Choice(["seed"]), help="seed: the values of the guide."),
        click.option("--image", metavar="REF", help="Server image (nats-streaming:0.25.6)."),
        click.option("--nodes", type=int, metavar="N", help="Servers in the group (2)."),
    ):
        command = option(command)
    return command


def pod_options(command: F) -> F:
    """Add the options about what each pod asks for."""
    for option in (
        click.option("--memory-limit", metavar="Q", help="Memory that each server may have (2Gi)."),
        click.option("--memory", metavar="Q", help="Memory that each server asks for (512Mi)."),
        click.option("--cpu", metavar="Q", help="CPU that each server asks for (250m)."),
        click.option("--metrics-image", metavar="REF", help="Image of the metrics exporter."),
    ):
        command = option(command)
    return command


def output_option(what: str) -> Callable[[F], F]:
    option = click.option(
        "--output", "-o", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help=what
    )
    return lambda command: option(output_file.force_option(command))


@export.command()
@plan_options
@click.option("--port", type=int, metavar="P", help="Client port of the first node (4222).")
@click.option(
    "--monitor-port", type=click.IntRange(1, 65535), metavar="P", help="Monitor of the first node (8222)."
)
@output_option("Write compose.yaml and conf/stan.conf there, its variable into .env, and make the store.")
@pass_context
def compose(
    context: Context, /, output: Path | None, force: bool, monitor_port: int | None, **flags: Any
) -> None:
    """Print compose.yaml; with --output write all files that it needs."""
    from stanlocal.export import compose as exporter

    files = exporter.files(_plan(context, flags, monitor_port=monitor_port))
    if output is None:
        _print(context, files, exporter.FILE)
        context.say(f"note: it needs {exporter.CONF} beside it; 'export compose --output DIR' writes both")
        return
    _check(output, files, force=force)
    user = _make_store(output / exporter.STORE)
    _write(context, output, files, force=force, env={exporter.USER: user})
    if f"./{exporter.SECRETS}" in files[exporter.FILE]:
        context.say(f"note: secrets are not written; the top of {exporter.FILE} says how to make their file")


@export.command()
@plan_options
@click.option("--name", metavar="NAME", help="Name of the StatefulSet and its Service (the group's).")
@click.option(
    "--storage",
    type=click.Choice(["efs", "azurefile", "nfs", "existing-claim"]),
    default="existing-claim",
    help="Storage of the store (existing-claim).",
)
@click.option("--claim", metavar="NAME", help="Name of the store's claim (NAME-store).")
@click.option("--storage-size", metavar="Q", help="Size that the claim requests (100Gi).")
@click.option("--storage-class", metavar="NAME", help="A class of the cluster, instead of one made here.")
@click.option("--file-system", metavar="ID", help="EFS: the FileSystemId.")
@click.option("--region", metavar="NAME", help="EFS with the legacy provisioner: its region.")
@click.option("--legacy-provisioner", is_flag=True, help="EFS: the guide's own efs-provisioner.")
@click.option("--nfs-server", metavar="HOST", help="NFS: the server.")
@click.option("--nfs-path", metavar="PATH", help="NFS: the exported folder (/).")
@pod_options
@output_option("Write kubernetes.yaml there.")
@pass_context
def kubernetes(
    context: Context,
    /,
    name: str | None,
    metrics_image: str | None,
    cpu: str | None,
    memory: str | None,
    memory_limit: str | None,
    output: Path | None,
    force: bool,
    nodes: int | None,
    image: str | None,
    preset: str | None,
    from_file: tuple[str, ...],
    **storage: Any,
) -> None:
    """Print all objects, for 'kubectl apply -f -', in the namespace of --namespace (default)."""
    from stanlocal.export import kubernetes as exporter

    plan = _plan(context, {"nodes": nodes, "image": image, "preset": preset, "from_file": from_file})
    name = name or plan.group
    store = _storage(f"{name}-store", **storage)
    own = {"metrics_image": metrics_image, "cpu": cpu, "memory": memory, "memory_limit": memory_limit}
    namespace = context.settings().namespace or "default"
    deployment = exporter.Deployment(name, store, namespace, **_given(own))
    _out(context, output, "kubernetes.yaml", exporter.render(plan, deployment), force=force)
    for line in store.placeholders:
        context.say(f"note: {line}")


def _storage(
    usual_claim: str,
    *,
    storage: str,
    claim: str | None,
    legacy_provisioner: bool,
    **rest: str | None,
) -> Any:
    """Return the `Storage` that the options choose; raise `SettingsError` for options that conflict."""
    from stanlocal.export.objects import Kind, Storage

    assert storage in get_args(Kind)
    belongs = {
        "storage_size": storage != "existing-claim",
        "file_system": storage == "efs",
        "region": storage == "efs" and legacy_provisioner,
        "storage_class": storage in ("efs", "azurefile") and not legacy_provisioner,
        "nfs_server": storage == "nfs",
        "nfs_path": storage == "nfs",
    }
    given = _given(rest)
    problems = [
        f"--{name.replace('_', '-')} means nothing with --storage {storage}; leave it out"
        for name in given
        if not belongs[name]
    ]
    if storage == "efs" and not legacy_provisioner and {"file_system", "storage_class"} <= given.keys():
        problems.append(
            "--file-system means nothing with --storage-class, which has its own; leave one of them out"
        )
    if legacy_provisioner and storage != "efs":
        problems.append("--legacy-provisioner is for --storage efs only; leave it out")
    if problems:
        raise SettingsError(problems)
    if "storage_size" in given:
        given["size"] = given.pop("storage_size")
    return Storage(
        kind=storage,  # type: ignore[arg-type]  # one of Kind, as asserted above
        claim=claim or usual_claim,
        legacy_provisioner=legacy_provisioner,
        **given,
    )


@export.command()
@plan_options
@click.option("--name", metavar="NAME", help="Name of the release (the group's).")
@click.option("--nats-url", metavar="URL", help="The NATS server that the chart's servers use.")
@click.option("--claim", metavar="NAME", help="Name of the store's claim (stan-efs).")
@pod_options
@output_option("Write values.yaml there.")
@pass_context
def helm(
    context: Context,
    /,
    name: str | None,
    nats_url: str | None,
    claim: str | None,
    metrics_image: str | None,
    cpu: str | None,
    memory: str | None,
    memory_limit: str | None,
    output: Path | None,
    force: bool,
    **flags: Any,
) -> None:
    """Print values for the nats/stan chart."""
    from stanlocal.export import helm as exporter

    plan = _plan(context, flags, inside=False)
    own = {"metrics_image": metrics_image, "cpu": cpu, "memory": memory, "memory_limit": memory_limit}
    chart = exporter.Chart(name or plan.group, **_given({"nats_url": nats_url, "claim": claim, **own}))
    _out(context, output, "values.yaml", exporter.render(plan, chart), force=force)
    for line in exporter.left_out(plan):
        context.say(f"left out: {line}")


@export.command()
@output_option("Write stanlocal-dashboard.json there.")
@pass_context
def grafana(context: Context, output: Path | None, force: bool) -> None:
    """Print a Grafana dashboard for the metrics of 'stanlocal metrics'."""
    from stanlocal.export import grafana as exporter

    _out(context, output, exporter.FILE, exporter.dashboard() + "\n", force=force)


def _plan(
    context: Context, flags: Mapping[str, Any], *, monitor_port: int | None = None, inside: bool = True
) -> GroupPlan:
    from stanlocal.cli.offline_plan import exported

    context.flags.update(flags)
    return exported(context, monitor_port=monitor_port, inside=inside)


def _given(options: Mapping[str, str | None]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _out(context: Context, output: Path | None, name: str, text: str, *, force: bool) -> None:
    if output is None:
        _print(context, {name: text}, name)
    else:
        _check(output, [name], force=force)
        _write(context, output, {name: text}, force=force)


def _print(context: Context, files: Mapping[str, str], shown: str) -> None:
    if context.json:
        context.print_json({"files": dict(files)})
    else:
        printing.page(files[shown])


def _check(folder: Path, names: Iterable[str], *, force: bool) -> None:
    """Check all files before the first is written."""
    files = (folder / name for name in names)
    output_file.check((file for file in files if os.access(file.parent, os.F_OK)), force=force)


def _write(
    context: Context,
    folder: Path,
    files: Mapping[str, str],
    *,
    force: bool,
    env: Mapping[str, str] | None = None,
) -> None:
    for name, text in files.items():
        path = folder / name
        with _making(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        output_file.write(path, text, force=force)
    if env is not None:
        output_file.merge_env(folder / _ENV, env)
    written = [folder / name for name in (*files, *([_ENV] if env is not None else []))]
    if context.json:
        context.print_json({"written": [str(path) for path in written]})
    else:
        for path in written:
            context.say(f"wrote {path}")


def _make_store(folder: Path) -> str:
    """Make the store's folder, unless it exists; return its owner as `uid:gid`.

    For root the owner is a user without rights, as with the Docker engine.
    """
    from stanlocal.export.pod import SERVER_USER

    with _making(folder):
        if not folder.exists():
            folder.mkdir(parents=True, mode=0o700)
            if os.geteuid() == 0:
                os.chown(folder, SERVER_USER, SERVER_USER)
        owner = folder.stat()
    return f"{owner.st_uid}:{owner.st_gid}"


@contextmanager
def _making(path: Path) -> Iterator[None]:
    """Raise `OutputError` for what keeps a path from being made."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"{path} cannot be written: {reason}; name another folder") from error
