import math

import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.figures import Bars, Curves
from groundup.facts.layer import Ask
from groundup.inference.config import InferenceConfig
from groundup.inference.figures import figures

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
    for bar, width in zip(bars.bars, (1, 2, 4, 8), strict=True):
        assert sum(value for _, value in bar.parts) == pytest.approx(80 * width)


def test_a_cache_of_llama_70b_is_the_published_size() -> None:
    # 2 x 80 layers x 8 heads x 128 channels x 2 bytes = 327 680 bytes a token
    bars = figures(CONFIG, Ask("h100-sxm", {}), FACTS)[4]
    assert isinstance(bars, Bars)
    found = {bar.label: sum(value for _, value in bar.parts) for bar in bars.bars}
    assert found["Llama-3.1-70B"] == pytest.approx(327_680 * 8192 / 1e9)
    # 61 layers x (512 + 64) channels x 2 bytes = 70 272 bytes a token (DeepSeek-V3)
    assert found["DeepSeek-V3"] == pytest.approx(70_272 * 8192 / 1e9)
