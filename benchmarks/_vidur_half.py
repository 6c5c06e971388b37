"""Vidur's half of plan_queue.py: its scheduler and event loop on our requests and step costs.

Vidur's own step times come from profiles and random forests; here both sides take the same formula,
so that what is compared is the simulation itself.
"""

from __future__ import annotations

import atexit
import json
import logging
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

logging.disable(logging.CRITICAL)
KEEP = sys.stdout
sys.stdout = sys.stderr  # what the peer prints must not come between the answers


class Costs:
    """Seconds of a step: affine in requests, cached tokens, prompt tokens and their pairs."""

    def __init__(self, costs: dict[str, float]) -> None:
        self.costs = costs

    def get_execution_time(self, batch: Any, stage: int) -> Any:
        """What Vidur asks of an execution time predictor."""
        costs = self.costs
        seconds = costs["step"]
        for request, tokens in zip(batch.requests, batch.num_tokens, strict=True):
            before = request.num_processed_tokens
            if request.is_prefill_complete:
                seconds += costs["per_request"] + costs["per_context"] * before
            else:
                seconds += costs["per_prompt_token"] * tokens
                seconds += costs["per_pair"] * tokens * (before + tokens / 2)
        return SimpleNamespace(total_time=seconds, model_time=seconds, num_layers=0)


def _config(trace: Path, folder: Path, most: int, chunk: int, blocks: int) -> Any:
    from vidur.config import config as named
    from vidur.config.config import SimulationConfig

    metrics = named.MetricsConfig(
        write_metrics=False, enable_chrome_trace=False, store_plots=False,
        store_request_metrics=False, store_batch_metrics=False, store_utilization_metrics=False,
        output_dir=str(folder), cache_dir=str(folder),
    )  # fmt: skip
    rules = named.SarathiSchedulerConfig(
        batch_size_cap=most, chunk_size=chunk, num_blocks=blocks, block_size=16
    )
    cluster = named.ClusterConfig(
        num_replicas=1, replica_config=named.ReplicaConfig(), replica_scheduler_config=rules,
        global_scheduler_config=named.RoundRobinGlobalSchedulerConfig(),
    )  # fmt: skip
    # its memory planner asks that one request of max_tokens fits
    generator = named.TraceRequestGeneratorConfig(
        trace_file=str(trace), prefill_scale_factor=1.0, decode_scale_factor=1.0,
        time_scale_factor=1.0, max_tokens=16384,
    )  # fmt: skip
    SimulationConfig.write_config_to_file = lambda self: None  # type: ignore[method-assign]
    return SimulationConfig(
        cluster_config=cluster, request_generator_config=generator, metrics_config=metrics
    )


def simulate(
    rows: list[list[float]], costs: dict[str, float], most: int, chunk: int, blocks: int
) -> dict[str, Any]:
    """Seconds of the event loop, and each request's first and last token."""
    from vidur import entities
    from vidur.execution_time_predictor import ExecutionTimePredictorRegistry
    from vidur.simulator import Simulator

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trace = folder / "trace.csv"
        lines = [f"{at!r},{int(prompt)},{int(output)}" for at, prompt, output in rows]
        head = "arrived_at,num_prefill_tokens,num_decode_tokens"
        trace.write_text("\n".join([head, *lines]) + "\n")
        ExecutionTimePredictorRegistry.get = classmethod(lambda cls, *a, **k: Costs(costs))
        for kind in (entities.Replica, entities.Request, entities.Cluster):
            kind._id = -1  # its entities are numbered through, its tables begin at 0
        simulator = Simulator(_config(trace, folder, most, chunk, blocks))
        atexit.unregister(simulator._write_output)
        requests = sorted((e._request for _, e in simulator._event_queue), key=lambda r: r.id)
        start = time.perf_counter()
        simulator.run()
        took = time.perf_counter() - start
    return {
        "seconds": took,
        "first": [request.prefill_completed_at for request in requests],
        "last": [request.completed_at for request in requests],
    }


def main() -> None:
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(globals()[name](*arguments)), file=KEEP, flush=True)


if __name__ == "__main__":
    main()
