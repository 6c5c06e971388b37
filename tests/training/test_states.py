import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError
from groundup.training.states import formats_of, names

FACTS = load_catalogue()
PUBLISHED = {
    "mixed-adam": 16,  # Rajbhandari et al. 2019, section 3.1
    "megatron-adam": 18,  # Megatron Core guide, distributed optimizer, table
    "fp32-adam": 16,  # the same
    "bf16-adam": 8,  # torchtitan, bf16 optimizer states: two bytes four times
    "adam8bit": 6,  # Dettmers et al. 2021: 2 bytes of moments
    "muon": 14,  # Liu et al. 2025: 4 less than Megatron's Adam
    "fp8-deepseek": 13,  # DeepSeek-V3, section 3.3
    "fp8-msamp": 7,  # FP8-LM: 6 beside the fp8 weight
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_bytes_of_a_parameter_are_those_published(name):
    assert formats_of(name, FACTS).states == PUBLISHED[name]


def test_fsdp_keeps_one_copy_when_sharded():
    formats = formats_of("fsdp-adam", FACTS)
    assert formats.states - formats.weight + formats.sharded_weight == 16


def test_every_recipe_reads():
    assert set(PUBLISHED) <= set(names(FACTS))
    assert all(formats_of(name, FACTS, "compiled").logit == 4 for name in names(FACTS))


def test_an_unknown_recipe_is_no_data():
    with pytest.raises(NoDataError, match="mixed-adam"):
        formats_of("fp2", FACTS)
