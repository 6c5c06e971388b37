"""What the floor shows: roofline of the plan's chip, catalogue, matrix products, designs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from groundup.chips.catalogue import (
    THIS_MACHINE,
    Chip,
    chip,
    figure,
    formats,
    known,
    power,
    sold,
)
from groundup.chips.config import ChipsConfig
from groundup.chips.design import design
from groundup.chips.gemm import gemm_share
from groundup.chips.kernels import Decoding, attention_share, decode_bandwidth
from groundup.chips.roofline import attainable, main_format, ridge
from groundup.chips.tokens import Served, decode_speed, hour_cost, per_dollar, price_of
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate
from groundup.facts.figures import Cell, Curves, Figure, Line, Table
from groundup.facts.layer import Ask

_MEASURED = "frameworks.matmul."
"""Keys of measured matrix products: best speed by chip and format."""
_INTENSITY = tuple(float(x) for x in np.logspace(-1, 4, 51))
_BATCHES = tuple(float(2**power) for power in range(10))
_AREAS = (200.0, 400.0, 600.0, 800.0, 1200.0, 1600.0)
_COMPARED = ("a100-80gb", "h100-sxm", "h200-sxm", "b200", "mi300x")
_DESIGN_NODES = ("n7", "n5", "n3")


def figures(
    config: ChipsConfig, ask: Ask, facts: Catalogue, samples: int = 0
) -> tuple[Figure, ...]:
    """Figures of the floor's page; those without data for the plan's chip are left out."""
    found: list[Figure] = []
    name = chip(ask.accelerator).name
    formats_known = bool(list(formats(name, facts)))
    if formats_known and known(name, "bandwidth", facts) is not None:
        found.append(_roofline(name, facts))
    if name == THIS_MACHINE and formats_known:
        found.append(_measured(facts))
    found += [_catalogue(facts), _products(facts, samples), _progress(facts)]
    found += _tokens(name, facts)
    found.append(_design_space(config, facts))
    return tuple(found)


def _roofline(name: str, facts: Catalogue) -> Curves:
    """All formats, and dots where matrix products, attention and decode end up."""
    lines = [
        Line(
            f"{word} (ridge at {ridge(name, word, facts).value:.0f} FLOP/B)",
            _INTENSITY,
            _row(attainable(name, word, _INTENSITY, facts)),
        )
        for word in formats(name, facts)
    ]
    return Curves(
        f"What {chip(name).title} can attain at an arithmetic intensity",
        "operations per byte of memory traffic [FLOP/B]",
        "attainable speed [TFLOP/s]",
        (*lines, *_dots(name, facts)),
        x_log=True,
        y_log=True,
        note="Lines: smaller of dense peak and intensity x bandwidth. Dots: what published kernels "
        "reach (16-bit): a large matrix product, attention over long sequences, and decoding a "
        "70-billion model with one sequence.",
    )


def _dots(name: str, facts: Catalogue) -> Iterator[Line]:
    """One dot a kernel; kernels without data for the chip are left out."""
    word = main_format(name, facts) or ""
    for label in ("matrix product 8192 x 8192 x 8192", "attention, 8192 tokens", "decode, batch 1"):
        try:
            intensity, share = _kernel(label, name, word, facts)
        except NoDataError:
            continue
        if label.startswith("decode"):
            reached = share * float(_row(attainable(name, word, (intensity,), facts))[0])
        else:
            reached = share * figure(name, f"peak.{word}.dense", facts).value
        yield Line(label, (intensity,), (reached,), dots=True)


def _kernel(label: str, name: str, word: str, facts: Catalogue) -> tuple[float, float]:
    """Intensity in FLOP/B and the share that is reached, of the peak or (decode) of the roof."""
    if label.startswith("matrix"):
        return 8192 / 3, gemm_share(name, word, facts).value
    if label.startswith("attention"):
        # 4 s^2 d operations over four s x d arrays of two bytes
        return 8192 / 2, attention_share(name, facts)[0].value
    step = Decoding(140e9, 80, 70e9)
    return 1.0, decode_bandwidth(name, step, facts).value


def _measured(facts: Catalogue) -> Table:
    """Every measured fact of this machine with the bounds of its repeats."""
    prefix = f"chips.{THIS_MACHINE}."
    rows: list[tuple[Cell, ...]] = []
    for key in facts.keys(prefix):
        fact = facts[key]
        if fact.kind == "measured":
            doubt = max(fact.high - fact.value, fact.value - fact.low) / fact.value
            name = key.removeprefix(prefix)
            rows.append((name, facts.estimate(key), fact.unit, f"{100 * doubt:.0f} %"))
    return Table(
        "What was measured on this machine",
        ("quantity", "value", "unit", "spread of the repeats"),
        tuple(rows),
        note="Mean of the fastest three repeats; the spread is half of the range from the 5 % to "
        "the 95 % quantile. Shapes of products are m x n x k.",
    )


def _catalogue(facts: Catalogue) -> Table:
    ordered = sorted(sold(), key=lambda one: (one.maker, one.year or 0, one.name))
    columns = (
        "accelerator",
        "year",
        "node",
        "16-bit dense [TFLOP/s]",
        "8-bit dense [TFLOP/s]",
        "memory [GB]",
        "bandwidth [GB/s]",
        "design power [W]",
        "per watt [TFLOP/(s*W)]",
    )
    return Table(
        "Accelerators on record, dense peaks",
        columns,
        tuple(_catalogue_row(one, facts) for one in ordered),
        note="Peaks are dense: structured sparsity doubles what some makers print. Design power "
        "of servers, hosts and cooling comes on top. Empty cells: the maker does not say.",
    )


def _catalogue_row(one: Chip, facts: Catalogue) -> tuple[Cell, ...]:
    watts = power(one.name, facts)
    half = _first(one.name, ("bf16", "fp16"), facts)
    each = half / watts if half is not None and watts is not None else None
    return (
        one.title,
        str(one.year) if one.year else None,
        one.nodes.get("logic"),
        half,
        _first(one.name, ("fp8", "int8", "mxint8"), facts),
        known(one.name, "memory", facts),
        known(one.name, "bandwidth", facts),
        watts,
        each.to("TFLOP/(s*W)").named(f"chips.{one.name}.per_watt") if each is not None else None,
    )


def _first(name: str, words: tuple[str, ...], facts: Catalogue) -> Estimate | None:
    for word in words:
        peak = known(name, f"peak.{word}.dense", facts)
        if peak is not None:
            return peak
    return None


def measured_products(facts: Catalogue) -> Iterator[tuple[str, str, Estimate]]:
    """Chip, format and best measured matrix product of every one on record."""
    for key in facts.keys(_MEASURED):
        name, word = key.removeprefix(_MEASURED).split(".")
        yield name, word, facts.estimate(key)


def _products(facts: Catalogue, samples: int) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, word, reached in measured_products(facts):
        peak = figure(name, f"peak.{word}.dense", facts)
        share = gemm_share(name, word, facts, samples)
        by_law = (figure(name, f"peak.{word}.dense", facts, samples) * share).named("by the law")
        error = by_law.value / reached.value - 1
        rows.append((chip(name).title, word, peak, reached, by_law, f"{100 * error:+.1f} %"))
    return Table(
        "Best matrix product measured, and by the fitted law",
        (
            "accelerator",
            "format",
            "dense peak [TFLOP/s]",
            "measured [TFLOP/s]",
            "by the law [TFLOP/s]",
            "error",
        ),
        tuple(rows),
        note="One law of three constants: share of the peak = a x (watts per TFLOP/s)^b, times a "
        "factor for AMD's libraries of 2024 and 2025.",
    )


def _progress(facts: Catalogue) -> Curves:
    """Dense 16-bit operations a joule over the years, one line of dots a maker."""
    points: dict[str, list[tuple[float, float]]] = {}
    for one in sold():
        half, watts = _first(one.name, ("bf16", "fp16"), facts), power(one.name, facts)
        if one.family in ("gpu", "tensor") and half and watts and one.year:
            ratio = (half / watts).to("TFLOP/(s*W)").value
            points.setdefault(one.maker, []).append((float(one.year), ratio))
    lines = []
    for maker, made in sorted(points.items()):
        x, y = zip(*sorted(made), strict=True)
        lines.append(Line(maker, x, y, dots=True))
    return Curves(
        "16-bit operations a joule, by year",
        "year of announcement",
        "dense 16-bit peak over design power [TFLOP/s per W]",
        tuple(lines),
        y_log=True,
        note="At the peak, which no kernel reaches; 8-bit formats double it.",
    )


def _tokens(name: str, facts: Catalogue) -> Iterator[Figure]:
    """Tokens per dollar over the batch, for the plan's chip and well-known ones."""
    lines = []
    for one in dict.fromkeys((name, *_COMPARED)):
        try:
            cost = hour_cost(one, price_of(one, facts), facts)
            speed = decode_speed(one, Served(), _BATCHES, facts)
        except NoDataError:
            continue  # no price, no power, or no law for this chip: it has no curve
        lines.append(Line(chip(one).title, _BATCHES, _row(per_dollar(speed, cost))))
    if lines:
        yield Curves(
            "Tokens that a dollar of chip and electricity decodes",
            "sequences in the batch",
            "Mtoken per USD",
            tuple(lines),
            x_log=True,
            y_log=True,
            note="A 70-billion model in one byte a parameter, 1.3 GB of cache a sequence, spread "
            "over accelerators where it does not fit, under a serving engine. Without host, "
            "network, building and idle hours, which the floors above add.",
        )


def _design_space(config: ChipsConfig, facts: Catalogue) -> Curves:
    lines = []
    for node in _DESIGN_NODES:
        made = [_designed(area, node, config, facts) for area in _AREAS]
        low, value, high = ([one[i] for one in made] for i in range(3))
        lines.append(Line(node, _AREAS, tuple(value), tuple(low), tuple(high)))
    dots = [
        Line(title, (area,), (figure(name, "peak.bf16.dense", facts).value,), dots=True)
        for title, name, area in (
            ("A100 (n7)", "a100-80gb", 826.0),
            ("H100 (n5)", "h100-sxm", 814.0),
        )
    ]
    return Curves(
        "Peak of a chip that does not exist yet, by area and node",
        "area of the compute dies [mm2]",
        "dense 16-bit peak [TFLOP/s]",
        (*lines, *dots),
        note=f"At {config.design_clock_ghz:g} GHz with {config.design_sram_mb:g} MB on the dies; "
        "band: 5 to 95 % of the fit to six GPUs. Dots: shipped chips at their own clocks.",
    )


def _designed(
    area: float, node: str, config: ChipsConfig, facts: Catalogue
) -> tuple[float, float, float]:
    wanted = ChipsConfig(
        accelerator="designed",
        design_area_mm2=area,
        design_node=node,
        design_clock_ghz=config.design_clock_ghz,
        design_sram_mb=min(config.design_sram_mb, area / 4),
        design_hbm_stacks=0,
    )
    peak = design(wanted, facts, 200)["peak.bf16.dense"]
    return peak.low, peak.value, peak.high


def _row(estimate: Estimate) -> tuple[float, ...]:
    return tuple(float(value) for value in estimate.values)
