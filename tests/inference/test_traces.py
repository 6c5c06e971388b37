from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError, DataError, NoDataError
from groundup.inference.arrivals import daily, gamma, poisson
from groundup.inference.trace_file import read_trace
from groundup.inference.traces import lengths, names, published, sessions, with_means

FACTS = load_catalogue()
FILES = Path(__file__).parents[1] / "data" / "traces"


@pytest.mark.parametrize(
    "trace", ["azure_conv_2023", "azure_code_2023", "mooncake_conv", "mooncake_synthetic"]
)
@pytest.mark.parametrize("kind", ["prompt", "output"])
def test_drawn_lengths_have_the_recorded_mean_and_quantiles(trace: str, kind: str) -> None:
    drawn = lengths(trace, kind, 40_000, FACTS, seed=1)
    root = f"inference.trace.{trace}.{kind}"
    mean = 0.2 if FACTS[f"{root}.p100"].value > 20 * FACTS[f"{root}.p50"].value else 0.05
    assert drawn.mean() == pytest.approx(FACTS[f"{root}.mean"].value, rel=mean)
    for share in (10, 50, 90):
        found = np.quantile(drawn, share / 100)
        assert found == pytest.approx(FACTS[f"{root}.p{share}"].value, rel=0.05, abs=1)


@pytest.mark.parametrize("trace", ["sharegpt4", "arxiv"])
def test_median_and_high_quantile_give_a_log_normal(trace: str) -> None:
    drawn = lengths(trace, "prompt", 40_000, FACTS)
    for share in (50, 90):
        key = f"inference.trace.{trace}.prompt.p{share}"
        assert np.quantile(drawn, share / 100) == pytest.approx(FACTS[key].value, rel=0.04)


def test_a_known_mean_is_kept() -> None:
    assert lengths("sharegpt", "output", 40_000, FACTS).mean() == pytest.approx(337.99, rel=0.03)
    found = with_means(384, 120, 2000, 5.0, FACTS)
    assert found.prompt.mean() == pytest.approx(384, rel=0.01)
    assert found.output.mean() == pytest.approx(120, rel=0.01)
    assert with_means(384, 120, 2000, 5.0, FACTS, longest=500).prompt.max() == 500


def test_unknown_traces_and_missing_rates_are_refused() -> None:
    assert "azure_conv_2023" in names(FACTS)
    with pytest.raises(NoDataError, match="known: alpaca"):
        lengths("nothing", "prompt", 5, FACTS)
    with pytest.raises(NoDataError, match="has no rate on record"):
        published("sharegpt", 5, FACTS)
    assert published("azure_conv_2023", 5000, FACTS).rate == pytest.approx(5.53, rel=0.05)


@pytest.mark.parametrize("variation", [0.5, 1.0, 3.0])
def test_arrivals_have_their_rate_and_variation(variation: float) -> None:
    gaps = np.diff(gamma(60_000, 7.0, variation))
    assert 1 / gaps.mean() == pytest.approx(7.0, rel=0.05)
    assert gaps.std() / gaps.mean() == pytest.approx(variation, rel=0.05)


def test_rates_share_their_random_numbers() -> None:
    np.testing.assert_allclose(poisson(100, 2.0) * 2, poisson(100, 5.0) * 5)


def test_a_day_has_its_peak_and_mean() -> None:
    times = daily(40_000, 10.0, 1.8, day=1000.0)
    assert len(times) / times[-1] == pytest.approx(10.0, rel=0.05)
    phase = times[times < 4000] % 1000
    noon = ((phase > 400) & (phase < 600)).mean() / 0.2
    assert noon == pytest.approx(1 + 0.8 * np.sin(0.2 * np.pi) / (0.2 * np.pi), rel=0.05)


def test_sessions_share_prefixes_and_keep_lengths() -> None:
    base = with_means(600, 100, 500, 5.0, FACTS)
    found = sessions(base, 3, system=160, block=16)
    assert [len(blocks) for blocks in found.blocks] == (base.prompt // 16).tolist()
    long = [blocks for blocks in found.blocks if len(blocks) >= 10]
    assert {blocks[:10] for blocks in long} == {tuple(range(10))}
    alone = sessions(base, 1, block=16)
    assert len({b for blocks in alone.blocks for b in blocks}) == sum(map(len, alone.blocks))


def test_published_files_are_read() -> None:
    """Against csv: the reader must give Azure's own rows."""
    path = FILES / "azure_conv_2023_first.csv"
    found = read_trace(path)
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert found.prompt.tolist() == [int(row["ContextTokens"]) for row in rows]
    assert found.output.tolist() == [int(row["GeneratedTokens"]) for row in rows]
    assert found.arrival[1] == pytest.approx(4.314579, abs=1e-6)  # 18:15:50.995169 - :46.680590
    mooncake = read_trace(FILES / "mooncake_conv_first.jsonl")
    assert mooncake.block == 512
    assert mooncake.blocks[0][:3] == (0, 1, 2)
    assert mooncake.blocks[1][0] == 0  # both begin with the system prompt
    assert mooncake.arrival.max() < 60  # milliseconds in the file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timestamp,prompt\n0,5\n", r"line 2: no column 'output'"),
        ("timestamp,prompt,output\n0,five,5\n", r"line 2: prompt = 'five' is not a number"),
        ("timestamp,prompt,output\n0,5,0\n", r"output = '0'.*at least 1; drop rows of failed"),
        ("timestamp,prompt,output\nsoon,5,5\n", r"timestamp = 'soon' is neither seconds nor"),
        ("timestamp,prompt,output\n0,5\n", r"line 2: 2 cells under 3 columns"),
        ("timestamp,prompt,output\n", r"no requests"),
        ('{"timestamp": 0, "prompt": 5, "output": }\n', r"line 1: is not JSON"),
        ('{"timestamp": 0, "prompt": 5, "output": 5, "blocks": 3}', r"expected a list of integers"),
        ("timestamp,prompt,output\nnan,5,5\n", r"not a finite time"),
    ],
)
def test_errors_name_line_column_and_remedy(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "trace.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_trace(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="check the path"):
        read_trace(tmp_path / "none.csv")


def test_rows_are_put_in_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("arrived_at,num_prefill_tokens,num_decode_tokens\n9,3,4\n8,1,2\n")
    found = read_trace(path)
    assert found.arrival.tolist() == [0, 1]
    assert found.prompt.tolist() == [1, 3]


def test_variation_below_the_least_is_refused() -> None:
    with pytest.raises(ConfigError, match="variation"):
        gamma(5, 1.0, 0.0)
