#!/usr/bin/env python3
"""Runs the real server, and beside it a process that writes lines into the same output at a given rate.

Stands in for the server's executable: the lines of one node are then the server's own and the flood. Beside
it lie the real executable, `server`, and `flood.json`: {"node": name, "rate": lines/s}. No flood while there
is no such file.
"""

import json
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TICK_S = 0.01


def main() -> None:
    if "--version" not in sys.argv[1:] and (HERE / "flood.json").exists():
        flood = json.loads((HERE / "flood.json").read_text())
        conf = Path(sys.argv[sys.argv.index("-sc") + 1]).read_text()
        server = os.getpid()
        if json.dumps(flood["node"]) in conf and os.fork() == 0:
            write_lines(flood["rate"], server)
            return
    os.execv(HERE / "server", [str(HERE / "server"), *sys.argv[1:]])


def write_lines(rate: int, server: int) -> None:
    """Write the lines as the server does, until it has ended."""
    begin, written = time.monotonic(), 0
    while os.getppid() == server:
        time.sleep(TICK_S)
        due = int((time.monotonic() - begin) * rate)
        stamp = (
            time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime()) + f".{time.time_ns() // 1000 % 1_000_000:06}"
        )
        lines = (
            f"[1] {stamp} [DBG] STREAM: [Client:bench] Acking Publisher subj=orders guid={number}\n"
            for number in range(written, due)
        )
        sys.stderr.write("".join(lines))
        sys.stderr.flush()
        written = due


if __name__ == "__main__":
    main()
