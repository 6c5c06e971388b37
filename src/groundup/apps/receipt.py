"""The receipt of one answer: what it rests on, and its share of energy, water, carbon and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from groundup.apps.library import Library
from groundup.apps.ports import Answer, Citation
from groundup.apps.release import Rate, Release
from groundup.apps.weights import Weights

JOULES_PER_KWH = 3.6e6  # definition of the kilowatt-hour
SECONDS_PER_HOUR = 3600.0
LAYERS = {
    14: "apps",
    13: "middleware",
    12: "inference",
    11: "recipes",
    10: "models",
    9: "data",
    8: "training",
    6: "systems",
    5: "sites",
    4: "networks",
    3: "chips",
    2: "fabs",
    1: "materials",
}
Basis = Literal["measured", "planned"]


@dataclass(frozen=True)
class Measured:
    """What one request took: wall-clock seconds, and joules with how they were found."""

    seconds: float
    joules: float
    joules_low: float
    joules_high: float
    joules_method: str


@dataclass(frozen=True)
class Row:
    """One line of a receipt: a number with its interval, or a text, or neither and a reason."""

    floor: int
    layer: str
    item: str
    basis: Basis
    value: float | None = None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    text: str = ""
    source: str = ""


@dataclass(frozen=True)
class Receipt:
    """All rows, from the answer down to the ground, and the total cost."""

    release: str
    created: str
    rows: tuple[Row, ...]
    total_usd: Row

    def to_json(self) -> dict[str, Any]:
        """Return plain dicts and lists."""
        return asdict(self)


@dataclass(frozen=True)
class Span:
    """A number with its interval; the rule of products of positive intervals."""

    value: float
    low: float
    high: float

    def times(self, other: Span) -> Span:
        """Multiply; both intervals are non-negative."""
        return Span(self.value * other.value, self.low * other.low, self.high * other.high)

    def over(self, other: Span) -> Span:
        """Divide; the divisor's interval is above zero."""
        return Span(self.value / other.value, self.low / other.high, self.high / other.low)

    def plus(self, other: Span) -> Span:
        """Add."""
        return Span(self.value + other.value, self.low + other.low, self.high + other.high)


def make_receipt(
    answer: Answer, release: Release, library: Library, weights: Weights, measured: Measured
) -> Receipt:
    """Return the receipt of one answer.

    A row is `measured` only when every number in it was measured; a measured number times a
    planned rate is `planned`. A rate that the plan lacks leaves its row without a value.
    """
    here = Span(measured.joules, measured.joules_low, measured.joules_high)
    share = _training_share(release)
    energy = here if share is None else here.plus(share)
    money = _electricity(release, energy), _hardware(release, measured.seconds)
    rows = (
        Row(14, "apps", "time of this answer", "measured", measured.seconds, "s"),
        *_document_rows(answer.citations, library),
        *_model_rows(release, weights),
        *_data_rows(release, library),
        *_training_rows(release, share),
        _joules_row(6, "energy of this answer", here, (measured.joules_method,)),
        money[0],
        _priced(release, energy, 5, "water", "l_water_per_kwh", "L"),
        _priced(release, energy, 5, "carbon dioxide", "g_co2_per_kwh", "g"),
        _contained(4, "links between machines"),
        money[1],
        _contained(2, "wafers and packaging"),
        _contained(1, "materials"),
    )
    return Receipt(release.name, release.created, rows, _total(money))


def _build_joules(release: Release) -> Span:
    """Joules of all steps that built the release."""
    total = Span(0.0, 0.0, 0.0)
    for manifest in release.manifests.values():
        joules = manifest.get("joules")
        if isinstance(joules, int | float):
            low, high = manifest.get("joules_low", joules), manifest.get("joules_high", joules)
            total = total.plus(Span(float(joules), float(low), float(high)))
    return total


def is_measured(method: str) -> bool:
    """Return whether a joules method reads a meter (RAPL) rather than estimates."""
    return method.lower().startswith("rapl")


def _training_share(release: Release) -> Span | None:
    """Build energy over the answers that the release is planned to give."""
    answers, joules = release.rates.get("lifetime_answers"), _build_joules(release)
    if answers is None or answers.low <= 0 or joules.value <= 0:
        return None
    return joules.over(Span(answers.value, answers.low, answers.high))


def _document_rows(citations: Sequence[Citation], library: Library) -> list[Row]:
    rows = []
    for citation in citations:
        document = library.by_uri(citation.uri)
        licence = document.licence if document else "unknown licence"
        start, end = citation.start_line, citation.end_line
        place = f"{citation.uri}:{start}" + ("" if start == end else f"-{end}")
        rows.append(Row(13, "middleware", "cited", "measured", text=place, source=licence))
    if not rows:
        text = "no document is cited"
        rows.append(Row(13, "middleware", "cited", "measured", text=text))
    return rows


def _model_rows(release: Release, weights: Weights) -> list[Row]:
    file = f"{release.served_model.name}/model.safetensors"
    size, count = float(weights.file_bytes), float(weights.parameters)
    return [
        Row(12, "inference", "model", "measured", text=f"{release.name}, {weights.precision}"),
        Row(12, "inference", "weights", "measured", size, "B", source=file),
        Row(10, "models", "parameters", "measured", count, "", source=file),
        Row(10, "models", "digest", "measured", text=weights.digest, source=file),
    ]


def _data_rows(release: Release, library: Library) -> list[Row]:
    licences = library.training_licences
    text = ", ".join(f"{licence} {count}" for licence, count in licences.items())
    rows = [
        Row(9, "data", "training documents", "measured", float(sum(licences.values()))),
        Row(9, "data", "licences of training documents", "measured", text=text),
    ]
    tokens = training_tokens(release.manifests)
    if tokens is not None:
        rows.insert(1, Row(9, "data", "tokens trained on", "measured", tokens))
    return rows


def training_tokens(manifests: Mapping[str, Mapping[str, Any]]) -> float | None:
    """Return the tokens that pretraining read, if its manifest says so."""
    metrics = manifests.get("pretrain", {}).get("metrics", {})
    for key in ("tokens_trained", "tokens_seen", "tokens"):
        if _is_number(metrics.get(key)):
            return float(metrics[key])
    return None


def _training_rows(release: Release, share: Span | None) -> list[Row]:
    manifests = release.manifests.values()
    seconds = sum(float(m["seconds"]) for m in manifests if _is_number(m.get("seconds")))
    methods = sorted({str(m.get("joules_method", "")) for m in manifests if "joules" in m})
    rows = [Row(11, "recipes", "time to build this release", "measured", seconds, "s")]
    if methods:
        joules = _build_joules(release)
        rows.append(_joules_row(8, "energy to build this release", joules, methods))
    item = "share of that in this answer"
    if share is None:
        return [*rows, _no_number(8, item, "no data: no lifetime_answers, or no step has joules")]
    return [*rows, _number(8, item, share, "J", _source(release.rates["lifetime_answers"]))]


def _joules_row(floor: int, item: str, joules: Span, methods: Sequence[str]) -> Row:
    """Energy is measured when a meter was read for all of it, else an estimate and so planned."""
    if joules.high == 0:
        return _no_number(floor, item, f"no data: less than the meter can tell ({methods[0]})")
    basis: Basis = "measured" if all(is_measured(method) for method in methods) else "planned"
    return _number(floor, item, joules, "J", "; ".join(methods), basis)


def _electricity(release: Release, energy: Span) -> Row:
    return _priced(release, energy, 5, "electricity", "usd_per_kwh", "USD")


def _priced(release: Release, energy: Span, floor: int, item: str, rate: str, unit: str) -> Row:
    """Energy of the answer and its training share, times a rate per kilowatt-hour."""
    price = release.rates.get(rate)
    if price is None:
        return _no_number(floor, item, f"no data: the plan has no {rate}")
    per_joule = Span(1 / JOULES_PER_KWH, 1 / JOULES_PER_KWH, 1 / JOULES_PER_KWH)
    amount = energy.times(per_joule).times(Span(price.value, price.low, price.high))
    return _number(floor, item, amount, unit, _source(price))


def _hardware(release: Release, seconds: float) -> Row:
    """Seconds of the answer times what an hour of the machine costs."""
    item, price = "share of the machine", release.rates.get("hardware_usd_per_hour")
    if price is None:
        return _no_number(3, item, "no data: the plan has no hardware_usd_per_hour")
    hours = seconds / SECONDS_PER_HOUR
    amount = Span(hours, hours, hours).times(Span(price.value, price.low, price.high))
    return _number(3, item, amount, "USD", _source(price))


def _total(money: Sequence[Row]) -> Row:
    """Sum of the rows that have a price; what is lacking is named."""
    priced = [Span(r.value, r.low or 0.0, r.high or 0.0) for r in money if r.value is not None]
    lacking = [row.item for row in money if row.value is None]
    if not priced:
        return _no_number(14, "cost of this answer", "no data: no price is known")
    note = "without " + ", ".join(lacking) if lacking else "electricity and machine"
    total = priced[0]
    for span in priced[1:]:
        total = total.plus(span)
    return _number(14, "cost of this answer", total, "USD", note)


def _contained(floor: int, item: str) -> Row:
    text = "inside the price of the machine; no separate sourced number"
    return Row(floor, LAYERS[floor], item, "planned", text=text)


def _number(
    floor: int, item: str, span: Span, unit: str, source: str, basis: Basis = "planned"
) -> Row:
    return Row(
        floor, LAYERS[floor], item, basis, span.value, unit, span.low, span.high, source=source
    )


def _no_number(floor: int, item: str, why: str) -> Row:
    return Row(floor, LAYERS[floor], item, "planned", text=why)


def _source(rate: Rate) -> str:
    day = f", {rate.as_of}" if rate.as_of else ""
    return f"{rate.value:g} {rate.unit} ({rate.source}{day})"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
