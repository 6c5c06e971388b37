"""The exposition is read by Prometheus' own client library."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from groundup.apps.metrics import BUCKETS, Metrics


def parsed(metrics: Metrics) -> dict[tuple[str, frozenset], float]:
    families = text_string_to_metric_families(metrics.text([("up", "Is up.", (), 1.0)]))
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def test_counters_and_gauges() -> None:
    metrics = Metrics()
    metrics.add("groundup_requests_total", route="chat", method="POST", status="200")
    metrics.add("groundup_requests_total", route="chat", method="POST", status="200")
    metrics.add("groundup_joules_total", 2.5, method="rapl")
    found = parsed(metrics)
    labels = frozenset({("route", "chat"), ("method", "POST"), ("status", "200")})
    assert found["groundup_requests_total", labels] == 2
    assert found["groundup_joules_total", frozenset({("method", "rapl")})] == 2.5
    assert found["up", frozenset()] == 1


@given(st.lists(st.floats(0, 200), min_size=1))
def test_histogram_is_cumulative_and_sums(seconds: list[float]) -> None:
    metrics = Metrics()
    for each in seconds:
        metrics.observe("chat", each)
    found = parsed(metrics)
    name, route = "groundup_request_seconds", ("route", "chat")
    for bound in BUCKETS:
        le = str(int(bound)) if bound == int(bound) else str(bound)
        count = found[f"{name}_bucket", frozenset({route, ("le", le)})]
        assert count == sum(each <= bound for each in seconds)
    assert found[f"{name}_bucket", frozenset({route, ("le", "+Inf")})] == len(seconds)
    assert found[f"{name}_count", frozenset({route})] == len(seconds)
    assert abs(found[f"{name}_sum", frozenset({route})] - sum(seconds)) <= 1e-9 * sum(seconds)


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r")))
def test_labels_are_escaped(text: str) -> None:
    metrics = Metrics()
    metrics.add("groundup_joules_total", method=text)
    assert parsed(metrics)["groundup_joules_total", frozenset({("method", text)})] == 1
