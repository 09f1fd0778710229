"""Measures the image of stanlocal: ``python -m tests.bench.image``.

Needs a Docker Engine, the docker command, and root with debootstrap where the image's base is not kept yet.
Prints the table, writes it to tests/bench/results/image.md (or to `--out`), and exits with 1 when a row falls
short.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from stanlocal.engine.docker import endpoint
from tests.bench.group.rows import Row, bounded
from tests.bench.page import CORES, RESULTS, SYSTEM, page, publish
from tests.support.own_image import missing, own_image

LARGEST_MB = 120.0
LONGEST_HELP_S = 0.25


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.image", description=__doc__)
    parser.add_argument("--repeat", type=int, default=21, help="runs of --help (21)")
    parser.add_argument("--out", type=Path, default=RESULTS / "image.md", help="the results file")
    options = parser.parse_args()
    if (reason := missing()) is not None:
        parser.error(reason)
    client = endpoint.connect()
    with (
        tempfile.TemporaryDirectory(prefix="stanlocal-bench-") as folder,
        own_image(client, Path(folder)) as image,
    ):
        added = image.added_bytes / 1e6
        size = Row(
            "size beyond the base",
            f"{added:.0f} MB",
            "",
            "",
            f"at most {LARGEST_MB:g} MB",
            added <= LARGEST_MB,
        )
        rows = [
            size,
            bounded("`--help` in the container", image.help_seconds(options.repeat), LONGEST_HELP_S),
        ]
    client.close()
    text = page(
        "The image of stanlocal",
        bench="image",
        how="built on a base of Debian's packages; seconds are the median of "
        f"{options.repeat} runs (shortest-longest), entry point included",
        machine=f"{CORES}, {SYSTEM}",
        columns=("what", "measured", "demand", ""),
        rows=((row.what, row.ours, row.demand, row.cells[-1]) for row in rows),
    )
    publish(text, options.out)
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
