"""The fit finds laws that made the points, and shrugs at wrong ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.inference.fit import PRIORS, Points, errors, fit, names_of, with_laws
from groundup.inference.latency import engine_of
from groundup.inference.steady import steady, traffic_of
from groundup.models.published import published

FACTS = load_catalogue()
TRUE = {name: value for name, (value, _) in PRIORS.items() if name != "weights_share"}
TRUE |= {"weights_share.gh100": 0.8, "layer": 60e-6, "sequence": 30e-6, "routed_layer": 70e-6}


def made() -> list[Points]:
    """Points that follow the laws `TRUE` exactly."""
    traffic = traffic_of(FACTS, 100.0, 400.0)
    points = []
    for name, width, kind in (("Llama-3.1-8B", 1, "bf16"), ("Llama-3.1-70B", 4, "bf16"),
                              ("Llama-3.1-70B", 8, "fp8"),
                              ("Qwen3-30B-A3B", 2, "bf16")):  # fmt: skip
        batch = np.array([8.0, 32.0, 128.0, 512.0])
        engine = engine_of(published(name), "h100-sxm", FACTS, tensor=width, weight_format=kind)
        empty = Points(name, "gh100", engine, batch, traffic, batch, batch)
        found = steady(with_laws(empty, TRUE), batch, traffic)
        points.append(replace(empty, median=found.median, tokens_per_s=found.tokens_per_s))
    return points


def test_laws_that_made_the_points_are_found() -> None:
    points = made()
    found = fit(points)
    assert set(found) == set(names_of(points))
    times, rates = errors(points, found)
    assert np.max(np.abs(times)) < 0.02
    assert np.max(np.abs(rates)) < 0.02
    for name in ("weights_share.gh100", "sequence", "layer"):
        assert found[name] == pytest.approx(TRUE[name], rel=0.1), name


def test_one_point_that_is_ten_times_off_changes_little() -> None:
    points = made()
    wrong = points[0].median.copy()
    wrong[2] *= 10.0
    found = fit([replace(points[0], median=wrong), *points[1:]])
    times, _ = errors(points, found)
    assert np.median(np.abs(times)) < 0.03
