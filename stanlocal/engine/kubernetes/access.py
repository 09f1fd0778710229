"""Access to a cluster: its API server, the caller's credentials and the namespace, chosen as kubectl does.

lightkube reads kubeconfigs, runs credential plugins and sets up TLS. What it lacks is prepared for it here:
several files in KUBECONFIG, and plugins that speak version 1 of their protocol.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import yaml
from lightkube.config.kubeconfig import DEFAULT_NAMESPACE, KubeConfig, SingleConfig
from lightkube.config.models import Cluster, Context, NameValue, User
from lightkube.core.exceptions import ConfigError

from stanlocal.errors import EngineUnavailable, SettingsError

_PLUGIN_V1 = "client.authentication.k8s.io/v1"
_PLUGIN_V1BETA1 = "client.authentication.k8s.io/v1beta1"
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_UNUSABLE = (
    *(ConfigError, msgspec.MsgspecError, yaml.YAMLError),
    *(OSError, KeyError, TypeError, ValueError, AttributeError),
)
"""Exceptions of reading a file that is no kubeconfig."""
_WAY_ON = "name a kubeconfig with --kubeconfig or KUBECONFIG"


@dataclass(frozen=True, slots=True)
class Target:
    """The caller's choice of a cluster; None: the one in the kubeconfig."""

    kubeconfig: Path | None = None
    context: str | None = None
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """The needs of requests to one cluster."""

    context: str
    """Name of the context, for messages and guards."""
    namespace: str
    config: SingleConfig

    @property
    def server(self) -> str:
        """URL of the API server."""
        return str(self.config.cluster.server).rstrip("/")


def find_access(
    target: Target, environ: Mapping[str, str], home: Path, account: Path = _SERVICE_ACCOUNT
) -> Access:
    """Return the access that the target asks for.

    The files are those of `--kubeconfig`, else of KUBECONFIG, else ~/.kube/config, as with kubectl; without
    any, a pod's service account. Raises `EngineUnavailable` where there is no access, and `SettingsError`
    for a context that no file has.
    """
    named = target.kubeconfig is not None or bool(environ.get("KUBECONFIG"))
    try:
        files = [file for file in _files(target, environ, home) if named or file.exists()]
        if files:
            config = _merged([file for file in files if target.kubeconfig or file.exists()] or files[:1])
        elif (account / "token").exists():
            config = KubeConfig.from_service_account(account)
        else:
            raise EngineUnavailable(f"no kubeconfig: {home / '.kube/config'} is not there; {_WAY_ON}")
        return _chosen(config, target)
    except _UNUSABLE as error:
        where = ", ".join(map(str, _files(target, environ, home)))
        raise EngineUnavailable(
            f"the kubeconfig ({where}) cannot be used: {_text(error)}; {_WAY_ON}"
        ) from error


def _text(error: Exception) -> str:
    lines = str(error).splitlines()
    what = lines[0] if lines else type(error).__name__
    return f"it has no {what}" if isinstance(error, KeyError) else what


def _files(target: Target, environ: Mapping[str, str], home: Path) -> list[Path]:
    if target.kubeconfig is not None:
        return [target.kubeconfig]
    if listed := [Path(name) for name in environ.get("KUBECONFIG", "").split(os.pathsep) if name]:
        return listed
    return [home / ".kube/config"]


def _merged(files: list[Path]) -> KubeConfig:
    """Return the files as one: of entries with one name the first counts, as with kubectl."""
    clusters: dict[str, Cluster] = {}
    contexts: dict[str, Context] = {}
    users: dict[str, User] = {}
    current: str | None = None
    for file in files:
        config = KubeConfig.from_file(file)
        folder = file.absolute().parent
        clusters = {**{name: _rooted(each, folder) for name, each in config.clusters.items()}, **clusters}
        users = {**{name: _of_user(each, folder) for name, each in config.users.items()}, **users}
        contexts = {**config.contexts, **contexts}
        current = current or config.current_context or None
    return KubeConfig(clusters=clusters, contexts=contexts, users=users, current_context=current)


def _rooted(cluster: Cluster, folder: Path) -> Cluster:
    """Return the cluster with its file's path made absolute."""
    if cluster.certificate_auth:
        cluster.certificate_auth = str(folder / cluster.certificate_auth)
    return cluster


def _of_user(user: User, folder: Path) -> User:
    """Return the user with absolute paths, and a plugin of version 1 as one that lightkube runs.

    The two versions of the protocol differ in nothing that is used here. A plugin gets the version that
    it was configured for, in KUBERNETES_EXEC_INFO.
    """
    for name in ("client_cert", "client_key", "token_file"):
        if path := getattr(user, name):
            setattr(user, name, str(folder / path))
    plugin = user.exec
    if plugin is None:
        return user
    if "/" in plugin.command:
        plugin.command = str(folder / plugin.command)
    about = {"apiVersion": plugin.apiVersion, "kind": "ExecCredential", "spec": {"interactive": False}}
    plugin.env = [*(plugin.env or []), NameValue(name="KUBERNETES_EXEC_INFO", value=json.dumps(about))]
    if plugin.apiVersion == _PLUGIN_V1:
        plugin.apiVersion = _PLUGIN_V1BETA1
    return user


def _chosen(config: KubeConfig, target: Target) -> Access:
    name = target.context or config.current_context
    if name is None:
        known = ", ".join(sorted(config.contexts)) or "none"
        raise EngineUnavailable(f"the kubeconfig has no current context; name one with --context ({known})")
    if name not in config.contexts:
        known = ", ".join(sorted(config.contexts)) or "none"
        raise SettingsError([f"no context '{name}' in the kubeconfig; it has {known}"])
    chosen = config.get(name)
    assert chosen is not None
    if chosen.user is None:  # lightkube wants one
        chosen = chosen._replace(user=User())
    return Access(name, target.namespace or chosen.context.namespace or DEFAULT_NAMESPACE, chosen)
