"""`GroupOpener`: a group's name, settings and engine, opened when first needed.

Every `FTGroup` holds one, and the rest of stanlocal makes an `FTGroup` from one; users do not see it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stanlocal.errors import EngineUnavailable, SettingsError, StanlocalError
from stanlocal.settings import Settings, load
from stanlocal.settings.environment import first_port
from stanlocal.settings.layer import variable
from stanlocal.util.notes import log_note

if TYPE_CHECKING:  # what only some commands need is loaded by the methods that use it
    from stanlocal.access.login import Access
    from stanlocal.engine.base import Engine
    from stanlocal.group.core import Group, Look
    from stanlocal.group.home import GroupHome
    from stanlocal.imports.reading import Import
    from stanlocal.lifecycle.client_ports import ClientPorts
    from stanlocal.lifecycle.down import Down
    from stanlocal.lifecycle.planner import Report
    from stanlocal.model.plan import GroupPlan

_SPREAD = 100
"""Ports among which the first of a bound group is drawn, where the environment says where they begin."""

_STORE = ("streaming", "store")


def _nothing(line: str) -> None:
    """Report no progress."""


def _no_process() -> None:
    """Bind the group to no process."""


@dataclass(slots=True)
class GroupOpener:
    """A group that is opened when it is first needed.

    `flags` are the settings that were given, None for the others. `engine`, `home` and `user` are determined
    when it opens, unless they are handed in.
    """

    flags: Mapping[str, Any]
    config: Path | None = None
    from_files: Sequence[Path] = ()
    """Files and folders of a deployment; `-` is standard input."""
    notes_import: bool = True
    """Whether `note` gets what is not as in that deployment, once its settings are read."""
    bound_to: Callable[[], str | None] = _no_process
    """Returns the name of the process that the group is made for, as `orphans.this_process` does; None for a
    group that no process is bound to. A bound group avoids the usual ports, and `orphans.remove` removes it
    once its process has ended."""
    removes_orphans: bool = False
    """Whether `up` also removes the orphans of its engine, while the nodes wait for the store lock."""
    report: Report = _nothing
    note: Report = log_note
    consents: bool = True
    """Whether a fault of a cluster's group that stanlocal did not make is asked for knowingly, as by a
    program that calls its method; a command line says so with `--yes`."""
    engine: Engine | None = None
    home: GroupHome | None = None
    user: str | None = None
    _core: Group | None = field(default=None, init=False)
    _ports: ClientPorts | None = field(default=None, init=False)
    _opened_by: int = field(default=0, init=False)
    """The pid of the process that opened the core: a forked one has none of the engine's threads."""
    _import: Import | None = field(default=None, init=False)

    @property
    def name(self) -> str | None:
        """The group's name; None while it is to come from the settings and they are not read yet."""
        name: str | None = self._core.name if self._core is not None else self.flags.get("group")
        return name

    @property
    def is_open(self) -> bool:
        """Whether it holds an engine."""
        return self._core is not None and self._opened_by == os.getpid()

    def settings(self, existing: Mapping[str, Any] | None = None, *, keep_hidden: bool = False) -> Settings:
        """Return the effective settings, given those that an existing group decides.

        With `keep_hidden` its hidden secrets stay as they are, for settings that are only shown.

        A group that is bound to a process takes its port and store folder from `flags` alone: in the
        environment and in files they belong to the user's lasting group, and no two groups can share them.
        """
        imported = self.imported()
        if imported is not None and self.notes_import:
            self.notes_import = False
            for line in _import_notes(imported):
                self.note(line)
        layer = imported.layer if imported else None
        settings = load(
            self.flags, os.environ, self.config, Path.cwd(), existing, layer, keep_hidden=keep_hidden
        )
        if imported is not None and (unmet := imported.unmet(settings)):
            raise SettingsError(unmet)
        if self.bound_to() is None:
            return settings
        return replace(
            settings,
            port=settings.port if self._is_given("port") else None,
            store_dir=settings.store_dir if self._is_given("store_dir") else None,
        )

    def effective(self) -> tuple[Settings, GroupPlan | None]:
        """Return the settings that `up` would use, secrets hidden, and the group's plan if it is there."""
        from stanlocal.lifecycle.engine_choice import home_of

        settings = self.settings()
        try:
            before = (self.home or home_of(settings)).load_plan()
        except EngineUnavailable:  # without a kubeconfig there is no group yet
            return settings, None
        if before is None:
            return settings, None
        return self.settings(before.decided(), keep_hidden=True), before

    def _is_given(self, setting: str) -> bool:
        return self.flags.get(setting) is not None

    def imported(self) -> Import | None:
        """Return the deployment in `from_files`; None where nothing is imported."""
        if self.from_files and self._import is None:
            from stanlocal.imports.reading import read
            from stanlocal.settings.text import read_standard_input

            self._import = read(
                self.from_files,
                os.environ,
                file_store=self._asks_for_a_file_store(),
                standard_input=read_standard_input,
            )
        return self._import

    def _asks_for_a_file_store(self) -> bool:
        """Whether a flag or the environment asks for a file store, whatever the deployment has."""
        asked = (self.flags.get("streaming") or {}).get("store") or os.environ.get(variable(_STORE), "")
        return str(asked).lower() == "file"

    async def core(self) -> Group:
        """Return the group on its engine; raise as `choose_engine` does."""
        if self._core is None or not self.is_open:
            from stanlocal.group.core import Group
            from stanlocal.lifecycle.engine_choice import choose_engine, cluster_group, group_home

            settings = self.settings()
            if settings.engine == "kubernetes" and self.engine is None:
                engine, home = cluster_group(settings, consents=self.consents)
            else:
                home = self.home or group_home(settings.group)
                engine = self.engine or choose_engine(settings.engine, home, self.note)
            self._core, self._ports = Group(engine, settings.group, home), None
            self._opened_by = os.getpid()
        return self._core

    async def close(self) -> None:
        """Close the connection to the engine; the group is left as it is."""
        if self._core is not None and self.is_open:
            if self._ports is not None:
                await self._ports.close()
            await self._core.engine.close()
        self._core = self._ports = None

    async def client_options(
        self, plan: GroupPlan, options: Mapping[str, Any], given: Access | None = None
    ) -> dict[str, Any]:
        """Return the options with which `stan.connect` reaches the group; see `group_access.connect_options`.

        Ports that it opens for that last until `close`. Raises `LoginError` and `EngineError`.
        """
        from stanlocal.access.group_access import connect_options

        chosen = {"served_channels": plan.served_channels, **connect_options(plan, options, given)}
        return {**chosen, "addresses": await self._addresses(plan)}

    async def _addresses(self, plan: GroupPlan) -> dict[str, tuple[str, int]]:
        """Return where clients connect to, by `host:port` of the client URLs; empty: where these say."""
        core = await self.core()
        if self._ports is None:
            forwarding = core.engine.forwarding(plan, {})
            if forwarding is None:
                return {}
            from stanlocal.lifecycle.client_ports import ClientPorts

            self._ports = ClientPorts(forwarding)
        ports = self._ports
        try:
            found = await ports.addresses([node.name for node in plan.nodes])
        except StanlocalError:
            if ports.failed and self._ports is ports:  # open ones stay for their clients until `close`
                self._ports = None
            raise
        return {plan.client_url(node).partition("://")[2]: found[node.name] for node in plan.nodes}

    async def running_settings(self) -> Mapping[str, Any] | None:
        """Return the settings that the group runs with, secrets included; None if none of its nodes runs."""
        from stanlocal.group.core import intended_plan

        group = await self.core()
        instances = await group.engine.instances(group.name)
        plan = intended_plan(instances) if any(instance.running for instance in instances) else None
        return None if plan is None else group.home.secrets.revealed(plan.decided())

    async def up(
        self, *, timeout: float | None = None, recreate: bool = False, found: Mapping[str, Any] | None = None
    ) -> Look:
        """Bring the group up; see `stanlocal.lifecycle.up.up`.

        With `found`, an earlier plan of the group, it is restored to that plan, whatever `flags` ask for.
        """
        from stanlocal.engine.base import require
        from stanlocal.lifecycle.engine_choice import server_user
        from stanlocal.lifecycle.inventory import reserved_ports
        from stanlocal.lifecycle.planner import TIMEOUT_S, UpRequest, nothing_else

        group = await self.core()
        engine = group.engine
        require(engine, ("make",))
        bound_to = self.bound_to()

        async def ensure_image(settings: Settings) -> None:
            await engine.provision(settings.image, settings.server_binary, self.report)
            if settings.proxied:
                await engine.provision_proxy(self.report)

        def as_found(existing: Mapping[str, Any] | None) -> Settings:
            binary = self.flags.get("server_binary")
            named = {"group": group.name, "engine": self.flags.get("engine"), "server_binary": binary}
            return load(named, os.environ, self.config, Path.cwd(), found or existing)

        request = UpRequest(
            settings=as_found if found else self.settings,
            ensure_image=ensure_image,
            user=self.user or await server_user(engine),
            timeout=TIMEOUT_S if timeout is None else timeout,
            recreate=recreate,
            reserved_ports=reserved_ports(group.name),
            first_port=_first_port(os.environ, bound=bound_to is not None),
            bound_to=bound_to,
            container_of_port=engine.container_of_port,
            meanwhile=self.remove_orphans if self.removes_orphans else nothing_else,
            report=self.report,
            note=self.note,
        )
        if engine.placement.in_cluster:
            from stanlocal.lifecycle import cluster_up

            return await cluster_up.up(group, request)
        from stanlocal.lifecycle import up

        return await up.up(group, request)

    async def remove_orphans(self) -> None:
        """Remove groups whose process has ended; a failure is noted, as it does not affect this group."""
        if self.engine is not None:
            return
        from stanlocal.lifecycle import orphans

        engine = (await self.core()).engine
        if engine.placement.in_cluster:  # its groups are not bound to processes of this machine
            return
        try:
            await orphans.remove(engine.name)
        except StanlocalError as error:
            self.note(f"a group that an ended process left is still there: {error}")

    async def down(self, *, timeout: float | None = None, purge: bool = False) -> Down:
        """Take the group down; see `stanlocal.lifecycle.down.down`. What a purge cannot remove is noted."""
        group = await self.core()
        if group.engine.placement.in_cluster:
            from stanlocal.lifecycle import cluster_down

            done = await cluster_down.down(group, timeout=timeout, purge_store=purge, report=self.report)
        else:
            from stanlocal.lifecycle import down

            done = await down.down(group, timeout=timeout, purge_store=purge, report=self.report)
        for left in done.purged.failed if done.purged else ():
            self.note(f"not removed: {left}; remove it yourself, then repeat the purge")
        return done


def _import_notes(imported: Import) -> Iterator[str]:
    """Yield what each file is read as, where there are several, and what is not as in the deployment."""
    from stanlocal.imports import report

    if len(imported.shapes) > 1:
        yield from (f"{name} is read as {shape}" for name, shape in imported.shapes.items())
    yield from report.lines(imported.findings)


def opener_for(settings: Mapping[str, Any]) -> GroupOpener:
    """Make an opener from the settings that `FTGroup` takes; `timeout` and `purge` are not the opener's."""
    flags = {name: str(value) if isinstance(value, Path) else value for name, value in settings.items()}
    config, sources = flags.pop("config", None), flags.pop("from_file", None) or ()
    from_files = [sources] if isinstance(sources, str) else sources
    opener = GroupOpener(flags, Path(config) if config else None, [Path(each) for each in from_files])
    engine = flags.get("engine")
    if engine is not None and not isinstance(engine, str):
        opener.engine, flags["engine"] = engine, None
    return opener


def this_process() -> str:
    """Name this process as `stanlocal.lifecycle.orphans` does."""
    from stanlocal.lifecycle import orphans

    return orphans.this_process()


def _first_port(environ: Mapping[str, str], *, bound: bool) -> int | None:
    """Return the first host port of the search for free ones; None for the usual ports.

    A group that is bound to a process has random ports, since other such groups may be coming up at the same
    time; they are below those that Linux gives to outgoing connections.
    """
    first = first_port(environ)
    if not bound:
        return first
    import secrets

    return 15_000 + secrets.randbelow(16_000) if first is None else first + secrets.randbelow(_SPREAD)
