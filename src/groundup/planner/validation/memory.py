"""Rows of `train_memory`: bytes of an accelerator in training, whole or by part."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.units import factor
from groundup.models.workload import work_of
from groundup.planner.validation.hardware import chip_of
from groundup.planner.validation.model import architecture_of_row
from groundup.planner.validation.row import Prediction, Row, within
from groundup.training.layout import BLOCKS, CHEAP, NOTHING, PRODUCTS, Layout
from groundup.training.memory import Memory, memory
from groundup.training.states import Formats, formats_of

_FLASH = 2206
"""Papers before arXiv:2205.14135 (FlashAttention, May 2022) ran kernels that store scores."""
_LAST_EAGER = 2024
"""torchtitan computes its loss in a compiled kernel since early 2025."""
_PAPER = re.compile(r"\b(\d{4})\.\d{4,5}\b")
_YEAR = re.compile(r"(20[12]\d)(?:[-_/]?(?:0[1-9]|1[0-2]))?(?!\d)")
_CHUNKS = re.compile(r"\b(?:vp|vpp|virtual|chunks?|interleav\w*)\D{0,20}?(\d+)\b")
_SHARDED = (
    (r"shard[_ ]grad[_ ]op|zero[- ]?2|reshard_after_forward=false", 2.0),
    (r"zero[- ]?3|full[_ ]shard|fsdp|hsdp", 3.0),
    (r"zero[- ]?1|distributed optim", 1.0),
    (r"no[_ ]shard|\bddp\b|zero[- ]?0", 0.0),
)
_UNITS = {"gib": "GiB", "gb": "GB", "mib": "MiB", "mb": "MB", "tib": "TiB", "bytes": "B", "b": "B"}


@dataclass(frozen=True)
class Case:
    """What a row says of a run."""

    layout: Layout
    """How it was spread."""
    formats: Formats
    """Bytes of states, activations and logits."""


def predict(row: Row, facts: Catalogue) -> Prediction:
    """Bytes that the row's metric names, in the row's unit.

    `activation...` is what layers keep, `optimizer...`, `param...`, `gradient...` are states, all
    else is the peak that the framework's allocator reports, or the driver where the row says
    nvidia-smi. NoDataError names what is missing.
    """
    case = case_of(row, facts)
    found = memory(work_of(architecture_of_row(row)), case.layout, case.formats, _outside(facts))
    value, how = _asked(row, found)
    kind = "part" if how != "peak" else "peak"
    sigma = facts[f"planner.error.memory_{kind}"].value
    return within(value / _unit(row, facts), sigma, f"training memory: {how}")


def case_of(row: Row, facts: Catalogue) -> Case:
    """Layout and formats of a row; NoDataError where accelerators or the sequence are missing.

    What a row leaves open is what its framework does: PyTorch shards everything (FSDP, and with a
    pipeline keeps weights and gradients whole), Megatron shards nothing but, since 2023, the
    optimiser.
    """
    text = _text(row)
    torch = _is_torch(row, text)
    old = (_paper(text) or 9999) < _FLASH
    return Case(_layout(row, text, torch, old), _formats(row, text, torch, old, facts))


def _text(row: Row) -> str:
    parts = (row.name, row.source, row.notes, row.recompute, row.precision, row.metric)
    return " ".join(parts).lower()


def _is_torch(row: Row, text: str) -> bool:
    if re.search(r"titan|torchtune|fsdp|llm-foundry|mosaic|trainy|lingua|olmo|hugging|peft", text):
        return True
    if re.search(r"megatron|nemo|2205\.05198|2104\.04473|bloom|deepspeed", text):
        return False
    return (row.number("tp") or 1) == 1 and (row.number("pp") or 1) == 1


def _paper(text: str) -> int | None:
    found = _PAPER.search(text)
    return int(found.group(1)) if found else None


def _layout(row: Row, text: str, torch: bool, old: bool) -> Layout:
    sequence = row.number("seq_len")
    if sequence is None:
        raise NoDataError(f"{row.where}: `seq_len` is missing")
    tensor, pipeline, context, expert = (
        row.number(name) or 1.0 for name in ("tp", "pp", "cp", "ep")
    )
    replicas = row.number("dp")
    chips = row.number("n_chips") or (replicas or 1.0) * tensor * pipeline * context
    ranks = max(chips / (tensor * pipeline * context), 1.0)
    batch = row.number("global_batch")
    micro = row.number("microbatch") or _microbatch(batch, ranks, pipeline, torch)
    if micro is None:
        raise NoDataError(f"{row.where}: `microbatch` and `global_batch` are missing")
    kind, share = _recompute(row, text, torch, old)
    numbers = {
        "accelerators": ranks * tensor * pipeline * context,
        "sequence": sequence,
        "batch": max(batch or micro * ranks * pipeline, micro * ranks),
        "microbatch": micro,
        "tensor": tensor,
        "sequence_parallel": float(not old or "seqpar" in text),
        "pipeline": pipeline,
        "virtual": _chunks(text, pipeline),
        "context": context,
        "expert": expert,
        "sharding": _sharding(text, torch, old, pipeline),
        "recompute": float(kind),
        "recompute_share": share,
        "fused_attention": float(not old),
    }
    return Layout(**{name: np.asarray(float(value)) for name, value in numbers.items()})


def _microbatch(batch: float | None, ranks: float, pipeline: float, torch: bool) -> float | None:
    """Sequences at once where a row does not say: PyTorch cuts a batch into as many as stages."""
    if batch is None:
        return None
    each = batch / ranks
    return max(each / pipeline, 1.0) if torch or pipeline == 1 else 1.0


def _chunks(text: str, pipeline: float) -> float:
    """Chunks of a stage: a number after `VP=` or `interleaved`, 2 where only the word stands."""
    if pipeline == 1 or "no interleav" in text:
        return 1.0
    if found := _CHUNKS.search(text.replace("1f1b", "")):
        return max(float(found.group(1)), 1.0)
    return 2.0 if "interleav" in text else 1.0


def _sharding(text: str, torch: bool, old: bool, pipeline: float) -> float:
    stage = next((stage for words, stage in _SHARDED if re.search(words, text)), None)
    if stage is None:
        stage = 3.0 if torch else float(not old)
    return 2.0 if torch and stage == 3.0 and pipeline > 1 else stage


def _recompute(row: Row, text: str, torch: bool, old: bool) -> tuple[int, float]:
    """What is recomputed and in which share of the layers."""
    said = f"{row.recompute} {row.notes} {row.name}".lower()
    if re.search(r"\bfull\b(?!_| shard| finetun| fine)", said):
        return BLOCKS, 1.0
    if "selective" in said or re.search(r"\bsac\b", said):
        if "layer" in said:
            return BLOCKS, 0.5
        return (PRODUCTS if torch else CHEAP), 1.0
    return NOTHING, 1.0


def _formats(row: Row, text: str, torch: bool, old: bool, facts: Catalogue) -> Formats:
    name = "fsdp-adam" if torch else "megatron-adam"
    for words, other in (
        (r"8-?bit", "adam8bit"),
        (r"pure bf16|bf16 (?:param|optim)", "bf16-adam"),
        (r"\bmuon\b", "muon"),
        (r"deepseek-ai|2412\.19437", "fp8-deepseek"),
        (r"\bfp32\b(?! reduc| grad| master)", "fp32-adam"),
    ):
        if re.search(words, text):
            name = other
    formats = formats_of(name, facts, _loss(text, torch))
    if torch:
        formats = replace(formats, cached_logit=facts["training.logit.cached"].value)
    if old:
        formats = replace(
            formats,
            score=facts["training.activation.score"].value,
            dropout=facts["training.activation.dropout"].value,
        )
    return _adapted(formats, text, facts)


def _loss(text: str, torch: bool) -> str:
    if not torch:
        return "megatron"
    years = [int(year) for year in _YEAR.findall(text)]
    if "chunked loss" in text:
        return "chunked"
    return "compiled" if "compile" in text and years and max(years) > _LAST_EAGER else "eager"


def _adapted(formats: Formats, text: str, facts: Catalogue) -> Formats:
    """LoRA trains adapters on frozen 16-bit weights, QLoRA on 4-bit ones."""
    if not re.search(r"\bq?lora\b", text):
        return formats
    weight = facts["training.lora.weight4"].value if "qlora" in text else formats.gathered
    share = facts["training.lora.trained"].value
    return replace(formats, weight=weight, sharded_weight=weight, gathered=weight, trained=share)


def _outside(facts: Catalogue) -> float:
    return facts.estimate("training.outside.context").to("B/accelerator").value


def _asked(row: Row, found: Memory) -> tuple[float, str]:
    metric = row.metric.lower()
    parts: list[str] = []
    if "activation" in metric:
        parts = ["activations"]
    elif re.search(r"state|(param|weight|model).*optim|optim.*(param|weight)", metric):
        parts = ["weights", "gradients", "optimiser"]
    elif "optim" in metric:
        parts = ["optimiser"]
    elif "grad" in metric:
        parts = ["gradients"]
    elif re.search(r"param|weight", metric):
        parts = ["weights"]
    if parts:
        return float(sum(getattr(found, part) for part in parts)), " + ".join(parts)
    driver = re.search(r"nvidia-smi|\bsmi\b|driver", f"{row.notes} {row.metric}".lower())
    return float(found.total if driver else found.allocated), "peak"


def _unit(row: Row, facts: Catalogue) -> float:
    """Bytes of one unit of the row; a per cent is of the card's memory."""
    text = row.unit.strip().lower().split("/")[0].strip()
    if text in ("%", "1", "fraction"):
        chip = chip_of(f"{row.hardware} {row.notes}")
        card = facts.estimate(f"chips.{chip}.memory").to("B/accelerator").value
        return card * (0.01 if text == "%" else 1.0)
    if text not in _UNITS:
        raise NoDataError(f"{row.where}: unit `{row.unit}` is not one of memory")
    return factor(_UNITS[text], "B")
