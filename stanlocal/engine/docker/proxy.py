"""The container of a group's proxy and its control.

The proxy's control port is open only on its own loopback, and its client runs inside the container. So only
those who may use the engine may control the proxy: no page in a browser, no process of another user.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from stanlocal.engine.docker.api import Api
from stanlocal.engine.docker.containers import make
from stanlocal.engine.docker.files import entry, put
from stanlocal.engine.docker.helpers import named
from stanlocal.errors import EngineError, ProxyDown
from stanlocal.model.plan import GroupPlan
from stanlocal.model.proxy_routes import CONF_DIR, CONF_NAME, CONTROL, config, container_name
from stanlocal.render.container_spec import proxy_container


def ensure(api: Api, plan: GroupPlan, labels: Mapping[str, str], fingerprint_label: str) -> None:
    """Make the proxy as planned and start it, unless it runs; remove one that is not in the plan.

    Raises `NameConflict` if something foreign has its name, `PortInUse` if a client port is taken.
    """
    there = _find(api, plan.group, labels)
    wanted = _fingerprint(plan) if plan.proxied else None
    if there and there["State"] == "running" and there["Labels"].get(fingerprint_label) == wanted:
        return
    if there:  # one that does not run may lack its configuration
        api.remove(there["Id"], volumes=True)
    if wanted is not None:
        marked = {**labels, fingerprint_label: wanted}
        made = make(api, proxy_container(plan), marked, own_volumes=(CONF_DIR,))
        text = config(plan).encode()
        file = entry(CONF_NAME, plan.user)
        file.size = len(text)
        put(api, made, CONF_DIR, (file, text))
        api.start(made)


def control(api: Api, group: str, labels: Mapping[str, str], arguments: Sequence[str]) -> str:
    """Run a command of the proxy's own client; return its output.

    Raises `ProxyDown` if the group's proxy does not run, `EngineError` if it refuses.
    """
    there = _find(api, group, labels)
    if there is None or there["State"] != "running":
        raise ProxyDown(f"the proxy of group '{group}' does not run; bring it back with 'stanlocal up'")
    exit_code, output = api.run(there["Id"], [f"/{CONTROL}", *arguments])
    said = output.decode("utf-8", "replace").strip()
    if exit_code != 0:
        raise EngineError(f"the proxy refused '{' '.join(arguments)}': {said}; see 'stanlocal doctor'")
    return said


def _find(api: Api, group: str, labels: Mapping[str, str]) -> Mapping[str, Any] | None:
    """Return the group's proxy as listed, found by its name and our labels; None if there is none."""
    filters = {"label": [f"{name}={value}" for name, value in labels.items()]}
    return next(iter(named(api, filters, {container_name(group)})), None)


def _fingerprint(plan: GroupPlan) -> str:
    """Return a hash that changes whenever the proxy has to be made again."""
    return hashlib.sha256(f"{proxy_container(plan)}{config(plan)}".encode()).hexdigest()[:16]
