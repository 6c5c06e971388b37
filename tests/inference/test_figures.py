import math

import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.figures import Bars, Curves
from groundup.facts.layer import Ask
from groundup.inference.config import InferenceConfig
from groundup.inference.figures import figures
from groundup.models.published import published

FACTS = load_catalogue()
CONFIG = InferenceConfig(quantise="fp8", prompt_tokens=1000, output_tokens=400)


@pytest.mark.parametrize("chip", ["h100-sxm", "b200", "this-machine", "a100-80gb"])
def test_every_figure_is_made_for_any_accelerator_and_holds_numbers(chip: str) -> None:
    made = figures(CONFIG, Ask(chip, {}), FACTS)
    assert [type(one) for one in made] == [Curves, Bars, Curves, Bars, Bars]
    for one in made:
        if isinstance(one, Curves):
            values = [v for line in one.lines for v in (*line.x, *line.y)]
        else:
            values = [v for bar in one.bars for _, v in bar.parts]
        assert values
        assert all(math.isfinite(v) and v >= 0 for v in values)


def test_users_wait_longer_where_accelerators_make_more() -> None:
    front = figures(CONFIG, Ask("h100-sxm", {}), FACTS)[0]
    assert isinstance(front, Curves)
    for line in front.lines:
        assert np.all(np.diff(line.x) < 0)
        assert np.all(np.diff(line.y) > 0)
    fastest = [max(line.x) for line in front.lines]
    assert fastest == sorted(fastest)


def test_memory_bars_fill_the_memory() -> None:
    bars = figures(CONFIG, Ask("h100-sxm", {}), FACTS)[3]
    assert isinstance(bars, Bars)
    for bar in bars.bars:
        width = int(bar.label.split(" x ")[0])
        assert sum(value for _, value in bar.parts) == pytest.approx(80 * width)


def test_the_plans_own_model_is_shown_on_replicas_that_hold_it() -> None:
    # 405 GB of 8-bit weights: five and more cards of 80 GB hold them, powers of two from eight on
    config = InferenceConfig(quantise="fp8", accelerators_per_replica=16)
    made = figures(config, Ask("h100-sxm", {}), FACTS, model=published("Llama-3.1-405B"))
    bars = made[3]
    assert isinstance(bars, Bars)
    assert bars.title == "Memory of a replica of Llama-3.1-405B in 8 bits"
    assert [bar.label.split(" x ")[0] for bar in bars.bars] == ["8", "16", "32", "64"]
    assert "16 x h100-sxm" in made[1].title


def test_dollars_follow_the_price_of_an_hour() -> None:
    one, two = (
        figures(CONFIG, Ask("h100-sxm", {}), FACTS, usd_per_hour=usd)[2] for usd in (1.0, 2.0)
    )
    assert isinstance(one, Curves)
    assert isinstance(two, Curves)
    assert np.asarray(two.lines[0].y) == pytest.approx(2 * np.asarray(one.lines[0].y))


def test_a_cache_of_llama_70b_is_the_published_size() -> None:
    # 2 x 80 layers x 8 heads x 128 channels x 2 bytes = 327 680 bytes a token
    bars = figures(CONFIG, Ask("h100-sxm", {}), FACTS)[4]
    assert isinstance(bars, Bars)
    found = {bar.label: sum(value for _, value in bar.parts) for bar in bars.bars}
    assert found["Llama-3.1-70B"] == pytest.approx(327_680 * 8192 / 1e9)
    # 61 layers x (512 + 64) channels x 2 bytes = 70 272 bytes a token (DeepSeek-V3)
    assert found["DeepSeek-V3"] == pytest.approx(70_272 * 8192 / 1e9)
