"""Numbers that circulate about accelerators, held against what follows from primary figures."""

from __future__ import annotations

from collections.abc import Iterator

from groundup.chips.catalogue import figure, power
from groundup.chips.roofline import peak_from_units
from groundup.facts.catalogue import Catalogue
from groundup.facts.claims import Claim
from groundup.facts.estimate import Estimate, ceil, given, sqrt, total

_ONE = given(1.0, "accelerator", "one accelerator")
_SPARSE = (
    "the circulating number counts 2:4 structured sparsity, which doubles the peak; dense matrix "
    "products reach half of it"
)


def claims(facts: Catalogue) -> tuple[Claim, ...]:
    """Every circulating number about chips, with what is found and the verdict."""
    return (*_peaks(facts), *_watts(facts), *_others(facts), *_markets(facts), *_stacks(facts))


def _peaks(facts: Catalogue) -> Iterator[Claim]:
    unit = "TFLOP/s"
    h100 = _speed(peak_from_units("h100-sxm", "bf16", facts))
    why = f"1.83 GHz x 528 tensor cores x 512 multiply-adds; {_SPARSE}"
    yield Claim("S033", "an H100 does 1 979 TFLOP/s in FP16", 1979, 1979, h100, "wrong", why)
    fp8 = (2.0 * h100).named("chips.claim.h100_fp8", "twice the 16-bit peak")
    yield Claim(
        "S034", "an H100 or H200 does 3 958 TFLOP/s in FP8", 3958, 3958, fp8, "wrong", _SPARSE
    )
    for word, key, said in (("fp8", "S035.fp8", 9000.0), ("bf16", "S035.fp16", 4500.0)):
        found = _speed(figure("b200", f"peak.{word}.sparse", facts) / 2.0).to(unit)
        text = f"a B200 does {said:,.0f} TFLOP/s in {key[5:].upper()}".replace(",", " ")
        yield Claim(key, text, said, said, found, "wrong", _SPARSE)
    a100 = _speed(peak_from_units("a100-80gb", "bf16", facts))
    why = "1.41 GHz x 432 tensor cores x 256 multiply-adds: dense, so that a table with the sparse "
    why += "H100 beside it shows 6.3 times where 3.2 times are true"
    yield Claim("S037", "an A100 does 312 TFLOP/s in FP16", 312, 312, a100, "ok", why)
    mi300x = _speed(peak_from_units("mi300x", "bf16", facts))
    fp8 = _speed(figure("mi300x", "peak.fp8.dense", facts)).to(unit)
    why = f"1 307 is the dense BF16 peak (found here); dense FP8 is {fp8.value:,.0f} TFLOP/s"
    found = mi300x.named("chips.claim.mi300x", "2.1 GHz x 1 216 cores x 256 multiply-adds")
    # the number said is that of another format: no range in FP8 holds it
    yield Claim("S038", "an MI300X does 1 307 TFLOP/s in FP8", None, None, found, "wrong", why)


def _watts(facts: Catalogue) -> Iterator[Claim]:
    for name, key, said in (
        ("a100-80gb", "S042.a100", "an A100 draws 400 W"),
        ("h100-sxm", "S042.h100", "an H100 draws 700 W"),
        ("b200", "S042.b200", "a B200 draws 1 000 W"),
    ):
        watts = power(name, facts)
        assert watts is not None  # the catalogue has it; its test checks that
        ratio = (figure(name, "peak.bf16.dense", facts) / watts).to("TFLOP/(s*W)")
        found = ratio.named(f"chips.claim.{name}.per_watt", "dense BF16 peak / design power")
        yield Claim(key, said, None, None, found, "derived", "dense BF16 operations a joule")


def _others(facts: Catalogue) -> Iterator[Claim]:
    mfu = facts.estimate("chips.claims.mfu_high")
    why = (
        f"published dense training runs span {facts['chips.claims.mfu_low'].value:g} to "
        f"{mfu.value:g}; it must be said of which peak (dense) and which operations it is the share"
    )
    yield Claim("S040", "training uses 30 to 55 % of the peak", 0.30, 0.55, mfu, "ok", why)
    weights = facts.estimate("chips.claims.weights_70b")
    rate = figure("h100-sxm", "bandwidth", facts) * _ONE / weights
    found = rate.to("token/s").named("chips.claim.batch_one", "bandwidth / bytes of weights")
    why = (
        "an upper bound: every weight is read once a token; measured steps take 1.5 to 4 times as "
        "long, and 140 GB need two H100s, each with its half"
    )
    yield Claim(
        "S041", "tokens/s at batch 1 is bandwidth over model size", None, None, found, "ok", why
    )
    side = sqrt(figure("wse-3", "wafer_area", facts) * _ONE).to("mm")
    found = side.named("chips.claim.wafer_side", "square root of the area")
    why = "a square of 215 mm is the largest that a 300 mm wafer holds"
    yield Claim("S043", "a wafer-scale chip has 46 225 mm2", None, None, found, "ok", why)


def _markets(facts: Catalogue) -> Iterator[Claim]:
    """Concentration: sum of squared shares in per cent, 10 000 for a monopoly."""
    shares = [facts.estimate(key) for key in facts.keys("chips.market.accelerators.share.")]
    found = _hhi(shares).named("chips.claim.hhi_accelerators", "sum of (100 x share)^2")
    why = "the range of the leader's share decides: 5 700 at 75 %, 8 200 at 90 %"
    yield Claim(
        "S045", "NVIDIA sells 75 to 90 % of accelerators", None, None, found, "derived", why
    )
    half = facts.estimate("chips.market.eda_pair.share") / 2.0
    found = _hhi([half, half]).named("chips.claim.hhi_eda", "2 x (100 x share / 2)^2")
    why = "from below: equal halves, and nothing for the other makers"
    yield Claim("S046", "two makers of design tools hold 70 %", None, None, found, "derived", why)


def _hhi(shares: list[Estimate]) -> Estimate:
    return total((100.0 * share) ** 2 for share in shares)


def _stacks(facts: Catalogue) -> Iterator[Claim]:
    for name, key, title in (
        ("h100-sxm", "S047.h100", "H100"),
        ("h200-sxm", "S047.h200", "H200"),
        ("b200", "S047.b200", "B200"),
    ):
        each = figure(name, "stack_capacity", facts)
        needed = ceil(figure(name, "memory", facts) / each) * _ONE
        found = needed.to("stack").named(f"chips.claim.{name}.stacks", "memory / stack, rounded up")
        yield Claim(
            key, f"HBM stacks of an {title}", None, None, found, "derived", "usable memory over "
            "the capacity of a stack; makers switch off a little of it",
        )  # fmt: skip


def _speed(peak: Estimate) -> Estimate:
    """The peak of one accelerator, TFLOP/s."""
    return (peak * _ONE).to("TFLOP/s")
