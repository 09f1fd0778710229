"""The clients that stanlocal's is compared with: installed once, run as processes, their figures read."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

NODE_CLIENT = "node-nats-streaming@0.3.2"
STAN_BENCH = "github.com/nats-io/stan.go/examples/stan-bench@v0.10.4"
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Tools:
    """Folder of the peers."""

    stan_bench: Path
    node_modules: Path


def install() -> Tools:
    """Install what is missing, by npm and go, into the user's cache folder and GOPATH."""
    folder = user_cache_path("stanlocal") / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "node_modules" / "node-nats-streaming").exists():
        command = [
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--silent",
            "--prefix",
            str(folder),
            NODE_CLIENT,
        ]
        subprocess.run(command, check=True, timeout=300)
    gopath = subprocess.run(
        ["go", "env", "GOPATH"], capture_output=True, text=True, check=True
    ).stdout.strip()
    stan_bench = Path(gopath) / "bin" / "stan-bench"
    if not stan_bench.exists():
        subprocess.run(
            ["go", "install", STAN_BENCH], check=True, timeout=600, env={**os.environ, "CGO_ENABLED": "0"}
        )
    return Tools(stan_bench, folder / "node_modules")


def go(tools: Tools, url: str, cluster_id: str, kind: str, channel: str, count: int, size: int) -> float:
    """Messages a second of stan-bench: publishing with a window of 16,384, or one at a time, or delivery."""
    base = [str(tools.stan_bench), "-s", url, "-c", cluster_id, "-ms", str(size), "-n", str(count)]
    roles = {
        "async": ["-np", "1", "-ns", "0", "-mpa", "16384"],
        "sync": ["-np", "1", "-ns", "0", "-sync"],
        "subscribe": ["-np", "0", "-ns", "1"],
    }
    done = subprocess.run(
        [*base, *roles[kind], channel], capture_output=True, text=True, check=True, timeout=300
    )
    rate = re.search(r"(?:Pub|Sub) stats: ([\d,]+) msgs/sec", done.stdout)
    assert rate is not None, f"stan-bench said no rate: {done.stdout}{done.stderr}"
    return float(rate[1].replace(",", ""))


def node(tools: Tools, url: str, cluster_id: str, kind: str, channel: str, count: int, size: int) -> float:
    """Messages a second of node-nats-streaming."""
    command = ["node", str(HERE / "node_bench.js"), url, cluster_id, kind, channel, str(count), str(size)]
    environment = {**os.environ, "NODE_PATH": str(tools.node_modules)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, env=environment)
    return float(done.stdout)
