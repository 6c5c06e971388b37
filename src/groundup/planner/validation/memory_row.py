"""What a row of `train_memory` says of its run: layout, number formats, recomputation."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.planner.validation.row import Row
from groundup.training.layout import BLOCKS, CHEAP, NOTHING, PRODUCTS, Layout
from groundup.training.states import Formats, formats_of

_FLASH = 2206
"""Papers before arXiv:2205.14135 (FlashAttention, May 2022) ran kernels that store scores."""
_LAST_EAGER = 2024
"""torchtitan computes its loss in a compiled kernel since early 2025."""
_PAPER = re.compile(r"\b(\d{4})\.\d{4,5}\b")
_YEAR = re.compile(r"(20[12]\d)(?:[-_/]?(?:0[1-9]|1[0-2]))?(?!\d)")
_CHUNKS = re.compile(
    r"\b(?:vpp?|virtual\w*|interleav\w*)(?: with| stages?| size)? ?[=:(]? ?(\d+)\b"
)
_DEEPSPEED = r"deepspeed|\bzero[- ]?[123]\b|1910\.02054"
_SEQUENCE = r"seq ?par|seqsel|sequence[- ]?par|^(?:seq|sp)\b"
_FINETUNING = r"torchtune|\bq?lora\b|fine-?tun"
_WHOLE_BLOCKS = r"\bfull (?:ac\b|activation|recomp|checkpoint)|gradient checkpoint"
_SHARDED = (
    (r"shard[_ ]grad[_ ]op|zero[- ]?2|reshard_after_forward=false", 2.0),
    (r"zero[- ]?3|full[_ ]shard|fsdp|hsdp", 3.0),
    (r"zero[- ]?1|distributed optim", 1.0),
    (r"no[_ ]shard|\bddp\b|zero[- ]?0", 0.0),
)


@dataclass(frozen=True)
class Case:
    """What a row says of a run."""

    layout: Layout
    """How it was spread."""
    formats: Formats
    """Bytes of states, activations and logits."""


def case_of(row: Row, facts: Catalogue) -> Case:
    """Layout and formats of a row; NoDataError where accelerators or the sequence are missing.

    What a row leaves open is what its framework does: PyTorch shards everything (FSDP, and with a
    pipeline keeps weights and gradients whole), Megatron shards nothing but, since 2023, the
    optimiser.
    """
    text = _text(row)
    torch = _is_torch(row, text)
    old = (_paper(text) or 9999) < _FLASH
    layout = _layout(row, text, torch, old)
    if "2205.05198" in text and (row.number("layers") or 1) / float(layout.pipeline) % 3 == 0:
        # the paper's 175B and 530B interleave; tables that quote its figures leave that out
        several = float(layout.pipeline) > 1
        chunks = facts["training.gpt3.chunks"].value if several else 1.0
        layout = replace(layout, virtual=np.asarray(chunks))
    return Case(layout, formats_of_row(row, facts))


def _text(row: Row) -> str:
    parts = (row.name, row.source, row.notes, row.recompute, row.precision, row.metric)
    return re.sub(r"\bfsdp ?= ?(?:0|n/a)?(?=[;,\s]|$)", "", " ".join(parts).lower())


def _is_torch(row: Row, text: str) -> bool:
    """Whether PyTorch's own parallelism ran it, not Megatron's or DeepSpeed's."""
    if re.search(r"megatron|nemo|2205\.05198|2104\.04473|bloom|mlperf", text):
        return False
    if re.search(_DEEPSPEED, text):
        return False
    if re.search(r"titan|torch|fsdp|llm-foundry|mosaic|lingua|olmo|hugging|peft", text):
        return True
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
    kind, share = _recompute(row, text, torch)
    numbers = {
        "accelerators": ranks * tensor * pipeline * context,
        "sequence": sequence,
        "batch": max(batch or micro * ranks * pipeline, micro * ranks),
        "microbatch": micro,
        "tensor": tensor,
        "sequence_parallel": float(
            not old or re.search(_SEQUENCE, f"{row.recompute} {text}".strip().lower()) is not None
        ),
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


def _recompute(row: Row, text: str, torch: bool) -> tuple[int, float]:
    """What is recomputed and in which share of the layers: the column, else notes and name."""
    column = row.recompute.strip().lower()
    said = column or f"{row.notes} {row.name}".lower()
    if re.search(r"selective|\bsac\b|sel[_ ]op|(?:\b|seq)sel\b", said):
        if "layer" in said:
            return BLOCKS, 0.5
        return (PRODUCTS if torch else CHEAP), 1.0
    if re.search(r"\bfull\b" if column else _WHOLE_BLOCKS, said):
        return BLOCKS, 1.0
    if not column and re.search(_FINETUNING, text):
        return BLOCKS, 1.0  # recipes of fine-tuning recompute blocks unless told otherwise
    return NOTHING, 1.0


_RECIPES = (
    (r"pure[_ ]bf16|bf16 (?:param|optim|adam)|torchtune", "bf16-adam"),
    (r"8-?bit (?:adam|optim)|adam\w*-?8-?bit|paged", "adam8bit"),
    (r"\bmuon\b", "muon"),
    (r"2412\.19437", "fp8-deepseek"),
    (r"ms-?amp|fp8-lm", "fp8-msamp"),
    (r"\bfp32\b(?! reduc| grad| master)", "fp32-adam"),
)
"""What a row says, and the recipe of number formats that it means; the last that is said counts.
torchtune trains in bf16 throughout unless told otherwise (its recipes' `dtype`)."""


def formats_of_row(row: Row, facts: Catalogue) -> Formats:
    """Bytes of states, activations and logits of a row's run."""
    text = _text(row)
    torch, old = _is_torch(row, text), (_paper(text) or 9999) < _FLASH
    name = "fsdp-adam" if torch else "megatron-adam"
    name = "mixed-adam" if re.search(_DEEPSPEED, text) else name
    for words, other in _RECIPES:
        name = other if re.search(words, text) else name
    formats = formats_of(name, facts, _loss(text, torch))
    if torch:
        formats = replace(formats, cached_logit=facts["training.logit.cached"].value)
    if old:
        score, mask = (facts[f"training.activation.{part}"].value for part in ("score", "dropout"))
        formats = replace(formats, score=score, dropout=mask)
    return _adapted(_offloaded(formats, text), text, facts)


def _offloaded(formats: Formats, text: str) -> Formats:
    """FSDP's offload keeps sharded weights, gradients and moments on the host."""
    if not re.search(r"offload", text) or re.search(r"(?:no|without|activation) offload", text):
        return formats
    return replace(formats, sharded_weight=0.0, gradient=0.0, master=0.0, moments=0.0)


def _loss(text: str, torch: bool) -> str:
    if not torch:
        return "megatron"
    years = [int(year) for year in _YEAR.findall(text)]
    if re.search(r"chunked loss|torchtune", text):
        return "chunked"
    if re.search(r"llm-foundry|mosaic|fused (?:loss|cross)", text):
        return "compiled"  # llm-foundry's default loss is a fused kernel
    return "compiled" if "compile" in text and years and max(years) > _LAST_EAGER else "eager"


def _adapted(formats: Formats, text: str, facts: Catalogue) -> Formats:
    """LoRA trains adapters on frozen 16-bit weights, QLoRA on weights of 4 (or 8 or 2) bits."""
    if not re.search(r"\bq?lora\b", text):
        return formats
    bits = re.search(r"\b([248])[- ]?bits?\b|int([48])\b", text)
    weight = formats.gathered
    if "qlora" in text or bits:
        four = facts["training.lora.weight4"].value
        weight = four * float(bits.group(1) or bits.group(2)) / 4 if bits else four
    share = facts["training.lora.trained"].value
    return replace(formats, weight=weight, sharded_weight=weight, gathered=weight, trained=share)
