"""Files that a group's servers and clients read: stan.conf and certificates of each node, and the secrets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from stanlocal.access import route_login
from stanlocal.access.route_names import named_for_routes
from stanlocal.access.server_files import ServerFiles, settings_of_node
from stanlocal.group.home import CONF, GroupHome
from stanlocal.group.secured_files import OF_NODE, keep_files, secured_for_node
from stanlocal.model.plan import GroupPlan, NodePlan, fingerprint
from stanlocal.render.stan_conf import render
from stanlocal.settings import Settings

_COPIED = ("nats.", "streaming.")
"""Beginnings of the names of files that settings name; other files are stan.conf and a secured group's."""


class Configuration:
    """The files that one `up` writes, and those that were there before it, which `put_back` restores.

    Without that, a node of before would start again with settings that a failed `up` was to bring.
    """

    def __init__(
        self, home: GroupHome, settings: Settings, files: ServerFiles, before: GroupPlan | None
    ) -> None:
        self._home = home
        self._settings = settings
        self._files = files
        self._before = before
        self._entries_before = home.entries()
        self._secrets_before = home.secrets.keep()
        self._plan_of_confs = before
        """Plan of the nodes whose files `put_back` writes; without one before, the first that is written."""
        self._confs_before = _contents(before) if before else {}
        self.renewed: set[str] = set()
        """Nodes whose certificate is new, so that a running server has to read it."""

    @property
    def tls_name(self) -> str | None:
        """Name in the nodes' certificate by which it is checked; None: their addresses."""
        return self._files.name

    def named_for_routes(self, plan: GroupPlan) -> GroupPlan:
        """Return the plan with nodes under the names in the certificate for routes, if there is one."""
        certificate = self._files.of_routes
        unchecked = plan.external_nats or plan.nats.get("cluster", {}).get("tls", {}).get("insecure")
        return plan if certificate is None or unchecked else named_for_routes(plan, certificate)

    def write(self, plan: GroupPlan) -> dict[str, str]:
        """Write the secrets, and each node's configuration; return the nodes' fingerprints."""
        home, settings = self._home, self._settings
        if self._plan_of_confs is None:  # the plan may have been moved away, and the files be there
            self._plan_of_confs, self._confs_before = plan, _contents(plan)
        kept = home.secrets.save(settings.streaming, settings.nats)
        home.secrets.save_trusted(self._files.trusted)
        if plan.secure:
            self.renewed.update(keep_files(home, plan))
        key = home.secrets.fingerprint_key(needed=kept or plan.secure or bool(self._files.content))
        guarded = not plan.external_nats and route_login.is_needed(settings.nats, secure=plan.secure)
        routes = home.secrets.route_password(needed=guarded)
        fingerprints = {}
        for node in plan.nodes:
            *settings_here, copies = settings_of_node(
                plan, node, settings.streaming, settings.nats, self._files
            )
            streaming, nats = secured_for_node(home, plan, node, *settings_here)
            if guarded:
                nats = route_login.with_route_login(nats, routes)
            conf = render(replace(plan, streaming=streaming, nats=nats), node)
            home.write_for_server(plan, node, copies)
            home.write_conf(plan, node, conf)
            _remove_others(plan, node, copies)
            fingerprints[node.name] = fingerprint(plan, node, conf + _digest(copies), key)
        return fingerprints

    def clear(self, plan: GroupPlan) -> tuple[str, ...]:
        """Remove files of nodes that are gone, and certificates no longer used: some are secrets.

        Returns those that stay, each with the reason; the next call tries again.
        """
        from stanlocal.util.removal import remove_all

        names = {node.name for node in plan.nodes}
        unused: list[Path] = []
        for folder in (self._home.folder / CONF).glob("*"):
            if folder.name not in names:
                unused.append(folder)
            elif not plan.secure:
                unused += (folder / name for name in OF_NODE)
        return remove_all(unused)

    def put_back(self, group_id: str) -> None:
        """Write what was there before, and the plan with the id that the group has by now."""
        if self._before is not None:
            self._home.save_plan(replace(self._before, group_id=group_id))
        self._home.secrets.put_back(self._secrets_before)
        for node, files in self._confs_before.items():
            assert self._plan_of_confs is not None
            if files:
                self._home.write_for_server(self._plan_of_confs, node, files)
                _remove_others(self._plan_of_confs, node, files)

    def forget(self, *, keep_id: bool) -> tuple[str, ...]:
        """Remove what is new in the group's folder, as `GroupHome.forget` does; returns what stays."""
        return self._home.forget(keep_id=keep_id, keep=self._entries_before)


def _contents(plan: GroupPlan) -> dict[NodePlan, dict[str, bytes]]:
    """Return the files of each node's configuration."""
    return {node: _content(plan, node) for node in plan.nodes}


def _content(plan: GroupPlan, node: NodePlan) -> dict[str, bytes]:
    """Return the files of a node's configuration, which are small."""
    folder = Path(plan.conf_dir(node))
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*")}


def _remove_others(plan: GroupPlan, node: NodePlan, copies: Mapping[str, bytes]) -> None:
    """Remove files that settings have named before."""
    for path in Path(plan.conf_dir(node)).glob("[!.]*"):
        if path.name.startswith(_COPIED) and path.name not in copies:
            path.unlink(missing_ok=True)


def _digest(copies: Mapping[str, bytes]) -> str:
    """Return a text that changes with the files; empty without files."""
    return "".join(f"{name} {hashlib.sha256(copies[name]).hexdigest()}\n" for name in sorted(copies))
