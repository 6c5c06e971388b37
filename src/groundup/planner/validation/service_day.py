"""Rows of kind `inference_service`: a public service's day on prefill and decode replicas apart."""

from __future__ import annotations

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.inference.disaggregation import ServiceRates, service_rates
from groundup.planner.validation.row import Prediction, Row, within


def predict_service(row: Row, facts: Catalogue) -> Prediction:
    """Tokens a second of a server that reads or writes, or dollars of a day or a million tokens.

    The words of the metric and the unit decide which; NoDataError where they mean none of these.
    """
    words = f"{row.metric} {row.name} {row.unit}".lower().replace("_", " ")
    rates = service_rates(facts)
    sigma = facts["planner.error.serving.service"].value
    for found, (value, unit) in _answers(rates).items():
        if all(word in words for word in found.split()):
            return within(value, sigma, "replicas for prefill and decode", unit)
    raise NoDataError(f"no law of a service's day for {row.metric!r} in {row.unit!r}")


def _answers(rates: ServiceRates) -> dict[str, tuple[float, str]]:
    """What can be said, by words that must all be there, the more particular first."""
    read, written = rates.input_per_node, rates.output_per_node
    return {
        "usd tok out": (rates.usd_per_output_mtok, "USD/Mtoken"),
        "input node": (read, "token/s"), "prefill node": (read, "token/s"),
        "output node": (written, "token/s"), "decode node": (written, "token/s"),
        "cost day": (rates.usd_per_day, "USD"), "usd day": (rates.usd_per_day, "USD"),
        "prefill": (read, "token/s"), "decode": (written, "token/s"),
        "user": (rates.tokens_per_user, "token/s"), "nodes": (rates.nodes, "1"),
        "input": (read, "token/s"), "output": (written, "token/s"),
    }  # fmt: skip
