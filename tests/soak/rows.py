"""All rows by name, in the order in which they are listed."""

from __future__ import annotations

from tests.soak.chaos import CHAOS
from tests.soak.clock import CLOCK
from tests.soak.cluster_kills import CLUSTER_KILLS
from tests.soak.containers import CONTAINERS
from tests.soak.daemon_restarts import DAEMON_RESTARTS
from tests.soak.disk_full import DISK_FULL
from tests.soak.fuzzing import FUZZ
from tests.soak.kills import KILLS
from tests.soak.outside import OUTSIDE
from tests.soak.restarts import RESTARTS
from tests.soak.row import Row
from tests.soak.tool_kills import TOOL_KILLS
from tests.soak.two_tools import TWO_TOOLS
from tests.soak.two_users import TWO_USERS

ROWS: dict[str, Row] = {
    row.name: row
    for row in (
        KILLS,
        CLUSTER_KILLS,
        RESTARTS,
        TOOL_KILLS,
        TWO_TOOLS,
        CHAOS,
        DAEMON_RESTARTS,
        DISK_FULL,
        CLOCK,
        FUZZ,
        TWO_USERS,
        CONTAINERS,
        OUTSIDE,
    )
}
