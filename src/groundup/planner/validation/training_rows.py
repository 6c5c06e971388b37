"""What a row says about a training run: model, layout, machine, software and what was measured."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Array
from groundup.models.architecture import Architecture
from groundup.models.workload import work_of
from groundup.planner.validation.hardware import accelerators_of, chip_of
from groundup.planner.validation.model import architecture_of_row
from groundup.planner.validation.row import Row
from groundup.training.cluster import Cluster, cluster_of
from groundup.training.laws import Software
from groundup.training.layout import Layout
from groundup.training.work import Work

FUSED_SINCE = 2022.6
"""Fused attention kernels in frameworks (Dao et al. 2022, arXiv:2205.14135)."""
SEQUENCE_SPLIT_SINCE = 2022.4
"""Sequence parallelism in Megatron (Korthikanti et al. 2022, arXiv:2205.05198)."""
SHARDED_OPTIMISER_SINCE = 2022.8
"""The distributed optimiser in Megatron."""
CAUSAL_COUNT_SINCE = 2025.0
"""Model FLOPs of Megatron count half of the keys (causal); before they counted all."""
KERNELS_SINCE = (2023.7, 2024.6)
"""Dates by which frameworks ran FlashAttention-2 (July 2023) and FlashAttention-3 (July 2024)."""
_YEARS = (
    (re.compile(r"\b(20[12]\d)-(\d\d)-\d\d"), 0),
    (re.compile(r"ngc(\d\d)\.(\d\d)"), 2000),
    (re.compile(r"\((\d\d)\.(\d\d)(?:\.\d\d)?\)"), 2000),
    (re.compile(r"rel ?(\d\d)\.(\d\d)"), 2000),
    (re.compile(r"\b(\d\d)(\d\d)\.\d{5}\b"), 2000),
    (re.compile(r"(?<!\d)(20[12]\d)-?(0[1-9]|1[0-2])(?!\d)"), 0),
)
"""Places where a text states a date, the likeliest first, and what to add to its year."""
_RESULTS = re.compile(r"training_results_v(\d)\.(\d)|mlperf[^\d]{0,12}(\d)\.(\d)", re.IGNORECASE)
_KNOWN = (
    # (what name, source and notes hold, runs operation by operation, year where no date is given)
    (r"llm-foundry|mosaic|\bMPT\b", 1.0, 2023.6),
    (r"torchtitan(?!.*compile)", 0.6, 2024.9),
    (r"torchtitan", 0.3, 2024.9),
    (r"olmo", 0.3, 2024.9),
    (r"megatron|nemo|mlperf|mlcommons|bloom|bigscience|mt-nlg|palm|maxtext|tpu", 0.0, None),
    (r"fsdp|deepspeed|hugging|llama-?65b|2302\.13971", 0.7, None),
)
_CHIP_YEARS = {"a100": 2021.5, "h100": 2024.0, "h200": 2024.8, "b200": 2025.4, "gb200": 2025.5,
               "b300": 2026.0, "gb300": 2026.0, "tpu-v4": 2022.0, "mi300x": 2025.0,
               "mi325x": 2025.3}  # fmt: skip
"""Usual date of software that is run on a chip, where nothing else says it."""
_UNKNOWN_EAGER = 0.4
_SAVES_HALF = r"torchtitan|olmo"
"""Frameworks whose selective recomputation keeps every second product (torchtitan, distributed
activation checkpoint, policy `op`)."""
_SECOND_KERNEL = r"torchtitan|olmo|hugging|gpt-neox"
"""Frameworks on PyTorch's scaled_dot_product_attention, whose fused kernel is FlashAttention-2."""
_FITTED = r"megatron|nemo|llm-foundry|mosaic|\bMPT\b|mlperf|mlcommons|bloom|bigscience|mt-nlg"
"""Frameworks that the fit of the laws holds runs of."""
_NARROW = (("fp4", r"fp4"), ("fp8", r"fp8|float8|\bf8|mx8"), ("fp16", r"fp16|float16"))
_NUMBER = r"[ =:_-]?(\d+)"


@dataclass(frozen=True)
class Case:
    """A training run as the model of step time takes it."""

    row: Row
    """As it was published."""
    architecture: Architecture
    """Of the model."""
    work: Work
    """Counted from it."""
    layout: Layout
    """Complete but for `open`; numbers of shape ()."""
    open: tuple[str, ...]
    """Columns that the row leaves empty and that have to be chosen."""
    cluster: Cluster
    """Shapes ()."""
    software: Software
    """Shapes ()."""
    number_format: str
    """Of the products."""
    frozen: float = 0.0
    """Share of the weights that is not trained."""

    @property
    def known_framework(self) -> bool:
        """Whether runs of the framework are in the fit of the laws."""
        text = " ".join((self.row.name, self.row.source, self.row.notes))
        return bool(re.search(_FITTED, text, re.IGNORECASE))

    @property
    def moe(self) -> bool:
        """Whether tokens are routed to experts."""
        return bool(self.work.experts > 0)


def case_of(row: Row, facts: Catalogue) -> Case:
    """Read a row; NoDataError names what is missing (hardware, accelerators, sequence, batch)."""
    text = " ".join((row.name, row.source, row.notes, row.hardware))
    architecture = architecture_of_row(row)
    accelerator, year = chip_of(row.hardware), year_of(row)
    word = format_of(row, accelerator, facts)
    layout, empty = _layout(row, architecture, text, year)
    cluster = _variant(cluster_of(accelerator, facts, word), accelerator, row, facts)
    software = software_of(row, word, year)
    frozen = 1.0 if re.search(r"\blora\b", text, re.IGNORECASE) else 0.0
    return Case(row, architecture, work_of(architecture), layout, empty, cluster, software, word,
                frozen)  # fmt: skip


def year_of(row: Row) -> float:
    """Date of the software of a row: release, paper, round of results, or the chip's usual one."""
    for text in (row.source, row.name, row.notes):
        result = _RESULTS.search(text)
        if result:
            major, minor = (int(result[1] or result[3]), int(result[2] or result[4]))
            return 2025.3 + (major - 5) + 0.5 * minor  # rounds twice a year, 5.0 in May 2025
        for dated, add in _YEARS:
            date = dated.search(text)
            if date and 1 <= int(date[2]) <= 12 and 2015 < int(date[1]) + add < 2040:
                return int(date[1]) + add + (int(date[2]) - 1) / 12
    for pattern, _, usual in _KNOWN:
        if usual and re.search(pattern, " ".join((row.name, row.source)), re.IGNORECASE):
            return usual
    name = chip_of(row.hardware)
    return next((year for word, year in _CHIP_YEARS.items() if name.startswith(word)), 2025.0)


def software_of(row: Row, number_format: str, year: float) -> Software:
    """Framework and kernels, from the words of name, source and notes."""
    text = " ".join((row.name, row.source, row.notes))
    eager = next((e for p, e, _ in _KNOWN if re.search(p, text, re.IGNORECASE)), _UNKNOWN_EAGER)
    kernel = 1 + sum(year >= since for since in KERNELS_SINCE)
    if re.search(_SECOND_KERNEL, text, re.IGNORECASE):
        kernel = min(kernel, 2)
    scaled = number_format == "fp4" or bool(re.search(r"mx", row.precision, re.IGNORECASE))
    return Software(
        eager=_array(eager),
        kernel=_array(kernel),
        whole_scores=_array(0),
        block_scaled=_array(scaled),
        year=_array(year),
    )


def format_of(row: Row, accelerator: str, facts: Catalogue) -> str:
    """Number format of the products: the row's, or what results of its kind use."""
    told = row.precision or ("fp8" if re.search("mlperf|mlcommons", row.source, re.I) else "")
    told = re.sub(r"^bf16\(amp_(\w+)\)", r"\1", told.lower())
    word = next((word for word, pattern in _NARROW if re.search(pattern, told)), "bf16")
    while word in ("fp8", "fp4") and f"chips.{accelerator}.peak.{word}.dense" not in facts:
        word = {"fp4": "fp8", "fp8": "bf16"}[word]
    return word


def _layout(
    row: Row, architecture: Architecture, text: str, year: float
) -> tuple[Layout, tuple[str, ...]]:
    chips = row.number("n_chips") or accelerators_of(row.hardware)
    sequence = row.number("seq_len") or _usual_sequence(architecture)
    if not chips:
        raise NoDataError(f"{row.where}: no number of accelerators; fill `n_chips`")
    if not sequence:
        raise NoDataError(f"{row.where}: no sequence length; fill `seq_len`")
    told = {name: _degree(row, name, text) for name in ("tp", "pp", "cp", "ep", "microbatch")}
    model = (told["tp"] or 1) * (told["pp"] or 1)
    if told["cp"] and model * told["cp"] > chips:  # tables that count context ranks twice
        told["cp"] = max(1.0, chips // model)
    parallel = model * (told["cp"] or 1)
    batch, data = row.number("global_batch"), chips / parallel
    if not batch:
        batch = _usual_batch(row, sequence, data * (told["microbatch"] or 1))
    micro = told["microbatch"]
    if micro and batch / data < micro:
        micro = max(1.0, batch / data)
    if micro and told["pp"] and batch / data / micro < told["pp"] and "titan" in text.lower():
        micro = 1.0  # the batch of a rank is cut into micro-batches of one sequence
    virtual = _virtual(text)
    level = _recompute(row)
    share = 1.0
    if level == 1.0 and re.search(_SAVES_HALF, text, re.IGNORECASE):
        level, share = 2.0, 0.5
    split = re.search(r"seqpar|seq[_ -]?par", row.recompute) or (
        year >= SEQUENCE_SPLIT_SINCE and "full" not in row.recompute
    )
    layout = Layout(
        accelerators=_array(chips), sequence=_array(sequence), batch=_array(batch),
        microbatch=_array(micro or 1.0), tensor=_array(told["tp"] or 1.0),
        sequence_parallel=_array(bool(split) or year >= 2023), pipeline=_array(told["pp"] or 1.0),
        virtual=_array(virtual or 1.0), context=_array(told["cp"] or 1.0),
        expert=_array(told["ep"] or 1.0), sharding=_array(_sharding(row, text, year)),
        recompute=_array(level or 0.0), recompute_share=_array(share),
        fused_attention=_array(year >= FUSED_SINCE),
    )  # fmt: skip
    wanted: dict[str, float | None] = {
        "recompute": level, "microbatch": micro, "tensor": told["tp"], "pipeline": told["pp"],
    }  # fmt: skip
    if told["tp"] is None and told["pp"] is None:
        wanted["sharding"] = None
    empty = [name for name, value in wanted.items() if value is None]
    if virtual is None and (told["pp"] or 2) > 1:
        empty.append("virtual")
    return layout, tuple(empty)


def _degree(row: Row, column: str, text: str) -> float | None:
    """A degree from its column, or from words such as `TP4`, `pp_8`, `MBS1`."""
    value = row.number(column)
    if value is not None:
        return value
    word = {"microbatch": "mbs|micro[-_ ]?batch(?: size)?"}.get(column, column)
    found = re.search(rf"(?<![a-wyz])(?:{word}){_NUMBER}(?!\d)", text, re.IGNORECASE)
    return float(found.group(1)) if found else None


def _virtual(text: str) -> float | None:
    """Chunks of a stage; None where nothing is said."""
    found = re.search(rf"(?<![a-z])(?:VPP?|virtual[_ ](?:pp|pipeline)){_NUMBER}", text, re.I)
    if found:
        return float(found.group(1))
    if re.search(r"VPP?=(n/a|;|none|$)", text, re.IGNORECASE):
        return 1.0
    if re.search(r"interleaved", text, re.IGNORECASE):
        return None
    return 1.0 if re.search(r"\b1F1B\b|bigscience|bloom|mt-nlg|turing", text, re.I) else None


def _recompute(row: Row) -> float | None:
    told = row.recompute.lower()
    if not told:
        return None
    if "full" in told:
        return 2.0
    return 1.0 if re.search(r"selective|sac|partial", told) else 0.0


def _sharding(row: Row, text: str, year: float) -> float:
    if re.search(r"FULL_SHARD|HSDP|zero-?3|\bfsdp(2|=[1-9]|(?! ?=)\b)|torchtitan", text, re.I):
        return 3.0
    if re.search(r"SHARD_GRAD_OP|zero-?2", text, re.IGNORECASE):
        return 2.0
    return 1.0 if year >= SHARDED_OPTIMISER_SINCE else 0.0


def _usual_sequence(architecture: Architecture) -> float | None:
    """The model's context where it is short enough to have been trained in one piece."""
    return float(architecture.context) if architecture.context <= 8192 else None


def _usual_batch(row: Row, sequence: float, ranks: float) -> float:
    """Sequences of a step where none is stated: four million tokens, the usual of large runs."""
    return float(max(ranks, round(4 * 2**20 / sequence)))


def _variant(cluster: Cluster, accelerator: str, row: Row, facts: Catalogue) -> Cluster:
    """A cluster of shape (); with the figures of a variant of the chip that the row names."""
    words = f"{row.hardware} {row.notes}"
    if accelerator == "h100-sxm" and re.search(r"hbm2e|96 ?gb|\b500 ?w\b", words, re.IGNORECASE):
        prefix = "training.variant.h100-hbm2e."
        power = facts[prefix + "power"].value
        cluster = dataclasses.replace(
            cluster,
            power=_array(power),
            relative_power=cluster.relative_power * power / cluster.power,
            bandwidth=_array(facts[prefix + "bandwidth"].value * 1e9),
            memory=_array(facts[prefix + "memory"].value * 1e9),
        )
    values = {f.name: getattr(cluster, f.name) for f in dataclasses.fields(cluster)}
    return Cluster(**{name: np.asarray(value).reshape(-1)[0] for name, value in values.items()})


def _array(value: float) -> Array:
    return np.asarray(float(value))
