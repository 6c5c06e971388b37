"""One of two processes that add a vector with torch.distributed (gloo); the first prints seconds.

Run as `python -m groundup.chips.allreduce RANK PORT SECONDS`. The printed line is a JSON list of
the seconds of each repeat.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from datetime import timedelta

from groundup.chips.bench_moves import stay_on

ELEMENTS = 4 * 2**20
"""Numbers of 4 bytes in the vector."""
_BLOCK = 5
"""Repeats between two looks at the clock; both processes must do as many."""
_START = 60.0
"""Seconds that starting and joining may take."""


def measured(seconds: float) -> tuple[list[float], str]:
    """Seconds of each all-reduce of two processes, and why there are none ("" where there are).

    Takes `seconds` and the start of two processes, some seconds more.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    command = [sys.executable, "-m", "groundup.chips.allreduce"]
    others = [
        subprocess.Popen(
            [*command, str(rank), str(port), str(seconds)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    try:
        found, error = others[0].communicate(timeout=_START + seconds)
    except subprocess.TimeoutExpired:
        return [], "the two processes did not meet in time"
    finally:
        for other in others:
            other.kill()
            other.communicate()
    lines = found.strip().splitlines()
    if others[0].returncode != 0 or not lines:
        return [], (error.strip().splitlines() or ["the process ended without a word"])[-1]
    return list(json.loads(lines[-1])), ""


def _join(rank: int, port: int, seconds: float) -> None:
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    stay_on(-rank)
    meet, wait = f"tcp://127.0.0.1:{port}", timedelta(seconds=_START)
    dist.init_process_group("gloo", init_method=meet, timeout=wait, rank=rank, world_size=2)
    vector, going = torch.ones(ELEMENTS), torch.ones(1)
    times: list[float] = []
    end = time.perf_counter() + seconds
    dist.all_reduce(vector)
    while going.item():
        for _ in range(_BLOCK):
            start = time.perf_counter()
            dist.all_reduce(vector)
            times.append(time.perf_counter() - start)
        going.fill_(float(time.perf_counter() < end))
        dist.broadcast(going, 0)
    dist.destroy_process_group()
    if rank == 0:
        print(json.dumps(times))


if __name__ == "__main__":
    _join(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
