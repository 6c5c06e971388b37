"""Models, clusters and layouts that tests of the step time share."""

from typing import Any

import numpy as np

from groundup.facts.catalogue import load_catalogue
from groundup.models.published import published
from groundup.models.workload import work_of
from groundup.training.cluster import cluster_of
from groundup.training.laws import laws_of
from groundup.training.layout import Layout

FACTS = load_catalogue()
LAWS = laws_of(FACTS)
H100 = cluster_of("h100-sxm", FACTS)
DENSE = work_of(published("Llama 3.1 70B"))
MOE = work_of(published("Mixtral 8x7B"))


def layout(accelerators: float = 64, sequence: float = 8192, batch: float = 256,
           **degrees: Any) -> Layout:  # fmt: skip
    """A layout of numbers or arrays."""
    arrays = {name: np.asarray(value, float) for name, value in degrees.items()}
    return Layout(np.asarray(float(accelerators)), np.asarray(float(sequence)),
                  np.asarray(float(batch)), **arrays)  # fmt: skip
