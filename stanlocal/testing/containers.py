"""An FT group with the methods of a container, for tests that are written with testcontainers-python.

Its nodes are those of `FTGroup`. It reads a setting of testcontainers, which
`pip install 'stanlocal[testcontainers]'` brings along.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from stanlocal import sync
from stanlocal.errors import Refused
from stanlocal.settings.tool_options import DEFAULT_IMAGE


class NatsStreamingFTContainer:
    """A group of its own with `start` and `stop`, or up inside ``with``; purged at the end.

    Takes what `stanlocal.FTGroup` takes. The prefix that testcontainers puts before names of images
    (`TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX`) is put before `image`, too.

        with NatsStreamingFTContainer(nodes=3) as stan:
            client = my_client(stan.get_connection_url(), stan.get_cluster_id())
            stan.group.kill("@active")
    """

    def __init__(self, image: str = DEFAULT_IMAGE, **settings: Any) -> None:
        self.image = _hub_prefix() + image
        self._settings = {"image": self.image, **settings}
        self._group: sync.FTGroup | None = None

    def start(self) -> NatsStreamingFTContainer:
        """Bring the group up, unless it is; return once one node is active and every other a standby."""
        if self._group is None:
            group = sync.FTGroup(**self._settings)
            group.__enter__()
            self._group = group
        return self

    def stop(self) -> None:
        """Remove the group and its store, if it was started."""
        if self._group is not None:
            group, self._group = self._group, None
            group.__exit__(None, None, None)

    def __enter__(self) -> NatsStreamingFTContainer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def group(self) -> sync.FTGroup:
        """The group, for faults, waits and clients; raises `Refused` before `start`."""
        if self._group is None:
            raise Refused("the group is not started; call start(), or use it in 'with'")
        return self._group

    def get_connection_url(self) -> str:
        """Return the addresses of all nodes, separated by commas; raises `Refused` before `start`."""
        return ",".join(self.group.look().plan.client_urls)

    def get_monitoring_url(self) -> str:
        """Return the addresses of all monitors, separated by commas; raises `Refused` before `start`."""
        return ",".join(self.group.look().plan.monitor_urls)

    def get_cluster_id(self) -> str:
        """Return the cluster id, which clients need, too; raises `Refused` before `start`."""
        return self.group.look().plan.cluster_id


def _hub_prefix() -> str:
    """Return what testcontainers puts before names of images; raises `ImportError` without testcontainers."""
    try:
        from testcontainers.core.config import testcontainers_config
    except ImportError as error:
        raise ImportError(f"{error}; install it with: pip install 'stanlocal[testcontainers]'") from error
    prefix: str = testcontainers_config.hub_image_name_prefix
    return prefix
