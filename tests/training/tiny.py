"""A small run that tests and the killed subprocess share."""

import sys
import time
from pathlib import Path

import torch
from torch import nn

from groundup.training.loop import TrainSettings, train
from groundup.training.optim import Matrix, Muon, Optimisers, adamw
from groundup.training.schedule import Schedule

STEPS = 20


def batch(step: int) -> torch.Tensor:
    return torch.randn(16, 8, generator=torch.Generator().manual_seed(step))


def loss(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    noisy = nn.functional.dropout(x, 0.1)  # draws from the global generator: must be resumed too
    return (model(noisy) - x.flip(1)).square().mean()


def run(out: Path, **changes) -> tuple[nn.Module, dict]:
    torch.set_num_threads(1)
    torch.manual_seed(5)
    model = nn.Sequential(nn.Linear(8, 12), nn.Tanh(), nn.Linear(12, 8))
    matrices = [model[0].weight, model[2].weight]
    optimisers = Optimisers(
        [Muon([Matrix(w) for w in matrices], 0.02), adamw([model[0].bias, model[2].bias], 0.01)]
    )
    progress = changes.pop("progress", lambda label, done, total: None)
    given = {
        "schedule": Schedule(STEPS, 2, 8),
        "tokens_per_step": 16,
        "identity": "tiny",
        "checkpoint_seconds": 0.0,
    }
    settings = TrainSettings(**(given | changes))
    return model, train(model, loss, batch, optimisers, settings, out, progress)


if __name__ == "__main__":

    def slowly(label: str, done: float, total: float) -> None:
        print(int(done) // 16, flush=True)
        time.sleep(0.05)

    run(Path(sys.argv[1]), progress=slowly)
