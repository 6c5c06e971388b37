"""Rows of kind `inference_service`: a public service's day on prefill and decode replicas apart."""

from __future__ import annotations

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.inference.disaggregation import ServiceRates, service_rates
from groundup.planner.validation.row import Prediction, Row, within


def predict_service(row: Row, facts: Catalogue) -> Prediction:
    """Tokens a second of a server that reads or writes, or dollars of a day or a million tokens.

    Words of the row and its unit decide which; NoDataError where they mean none of these: what
    users asked for (tokens of the day, share of cached ones, income) is an input, not a result.
    """
    found = _answer(row, service_rates(facts))
    if found is None:
        raise NoDataError(f"no law of a service's day for {row.metric!r} in {row.unit!r}")
    value, unit = found
    sigma = facts["planner.error.serving.service"].value
    return within(value, sigma, "replicas for prefill and decode", unit)


def _answer(row: Row, rates: ServiceRates) -> tuple[float, str] | None:
    """The number that a row asks for, with its unit."""
    metric, unit = row.metric.lower(), row.unit.lower()
    words = f"{row.name} {row.metric} {row.notes}".lower()
    if any(word in metric for word in ("revenue", "income", "price", "margin", "hit", "profit")):
        return None
    if "usd" in unit or "$" in unit:
        a_token = "tok" in unit
        return (rates.usd_per_output_mtok, "USD/Mtoken") if a_token else (rates.usd_per_day, "USD")
    if "/s" in unit or "per_s" in metric or "tps" in unit:
        return _rate(metric, words, rates)
    if "node" in metric and "peak" not in metric:
        return rates.nodes, "1"
    return None


def _rate(metric: str, words: str, rates: ServiceRates) -> tuple[float, str] | None:
    """Tokens a second: of a user, or of a server that reads or writes."""
    if "user" in metric or "speed" in metric:
        return rates.tokens_per_user, "token/s"
    for text in (metric, words):
        for word in ("prefill", "input"):
            if word in text:
                return rates.input_per_node, "token/s"
        for word in ("decode", "output"):
            if word in text:
                return rates.output_per_node, "token/s"
    return None
