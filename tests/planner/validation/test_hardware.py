import pytest

from groundup.chips.catalogue import chips
from groundup.facts.errors import NoDataError
from groundup.planner.validation.bars import published_file
from groundup.planner.validation.hardware import (
    accelerators_in,
    accelerators_of,
    chip_in,
    chip_of,
    memory_gb_of,
    systems,
)
from groundup.planner.validation.row import Row, read_rows

NOT_HELD = {
    "Google TPU v3", "Google TPU v5e,Google TPU v3", "1xXE7745x4H200-NVL-141GB",
    "XE7740x8H200-NVL-141GB",
}  # fmt: skip
"""Hardware of published rows that the catalogue of accelerators does not hold."""


@pytest.mark.parametrize(
    ("text", "name"),
    [("H100-80GB", "h100-sxm"), ("A100-80GB-SXM", "a100-80gb"), ("A100-40GB", "a100-40gb"),
     ("H100-96GB-HBM2e", "h100-sxm"), ("NVIDIA A100 SXM4 80 GB", "a100-80gb"),
     ("NVIDIA A100 SXM4 40 GB", "a100-40gb"), ("NVIDIA H100 SXM5 80GB", "h100-sxm"),
     ("NVIDIA H100 PCIe", "h100-pcie"), ("GB200", "gb200"), ("DGX-GB200", "gb200"),
     ("b200_sxm", "b200"), ("gb300", "gb300"), ("B300", "b300"), ("H800-80GB", "h800-sxm"),
     ("Google TPU v4", "tpu-v4"), ("TPUv4", "tpu-v4"), ("TPU v5p-8192", "tpu-v5p"),
     ("TPU v5e", "tpu-v5e"), ("Trillium", "tpu-v6e"), ("Amazon Trainium1", "trainium1"),
     ("trn2.48xlarge", "trainium2"), ("V100", "v100-sxm"), ("MI300X", "mi300x"),
     ("AMD Instinct MI325X 256GB HBM3e", "mi325x"), ("Intel(R) Gaudi(R) 2", "gaudi2"),
     ("Gaudi3", "gaudi3"), ("16xXE9712x4GB200", "gb200"), ("18xBM.GPU.GB200.4", "gb200"),
     ("SR780aV3-8xB200_SXM_180GB", "b200"), ("nyx_n1_ngc25.04_nemo", "b200"),
     ("eos-dfw_n64_ngc25.01_nemo", "h100-sxm"), ("D75T-7U", "mi325x"),
     ("p4d.24xlarge", "a100-40gb"),
     ("p5.48xlarge", "h100-sxm"), ("8xMI325X_2xEPYC_9575F", "mi325x"),
     ("AWS P6-B200 (NVLink5 900GB/s uni, EFAv4 8x50GB/s)", "b200")],
)  # fmt: skip
def test_texts_of_data_sheets_clouds_and_result_folders(text, name):
    assert chip_of(text) == name


def test_every_published_row_finds_its_accelerator_or_is_known_not_to():
    texts = {row.hardware for row in read_rows(published_file())} - {""}
    lost = set()
    for text in texts:
        try:
            assert chip_of(text) in chips()
        except NoDataError:
            lost.add(text)
    assert lost == NOT_HELD


@pytest.mark.parametrize(
    "name", sorted(n for n, c in chips().items() if c.family != "cpu" and c.maker)
)
def test_names_and_titles_of_the_catalogue_mean_themselves(name):
    assert chip_of(name) == name
    assert chip_of(chips()[name].title) == name


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "column `hardware`"), ("TPU v3", "'TPU v3'.*nearest.*tpu"), ("MI300A", "nearest.*mi300x"),
     ("H100 NVL", "nearest are h100"), ("RTX 4090", "'RTX 4090'"),
     ("H100, A100", "several kinds")],
)  # fmt: skip
def test_what_is_not_known_names_the_text_and_the_nearest(text, said):
    with pytest.raises(NoDataError, match=said):
        chip_of(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [("16xXE9712x4GB200", 64), ("18xBM.GPU.GB200.4", 72), ("1xBM.GPU.MI300X.8", 8),
     ("4xSR680Ax8H200-SXM-141GB", 32), ("nyx_n1_ngc25.04_nemo", 8), ("ESC_N8_E11_n2", 16),
     ("eos-dfw_n1024_ngc25.01_nemo", 8192), ("2xXE9680x8H100", 16), ("H100", None)],
)  # fmt: skip
def test_systems_state_their_accelerators(text, count):
    assert accelerators_of(text) == count


def test_the_table_of_systems_agrees_with_names_that_say_it_themselves():
    from groundup.planner.validation.hardware import _match

    said = [(name, row) for name, row in systems().items() if _match(name)]
    assert len(said) > 100
    for name, row in said:
        assert _match(name) == row["chip"], name


@pytest.mark.parametrize(
    ("text", "size"),
    [("H100-96GB-HBM2e", 96), ("A100 SXM4 80 GB", 80), ("B200_SXM_180GB", 180), ("GB200", None),
     ("NVLink5 900GB/s", None)],
)  # fmt: skip
def test_memory_as_stated(text, size):
    assert memory_gb_of(text) == size


def test_rows_without_hardware_are_read_by_name():
    assert chip_in(Row(name="GB200 NVL72 rack")) == "gb200"
    assert chip_in(Row(name="Colossus 200k")) == "h100-sxm"
    assert accelerators_in(Row(name="100k H100 cluster")) == 100_000
    assert accelerators_in(Row(name="8 things", n_chips="16")) == 16
    assert accelerators_in(Row(name="DGX H100")) is None
    with pytest.raises(NoDataError, match="says no accelerator"):
        chip_in(Row(name="a cluster"))


@pytest.mark.parametrize(
    ("system", "chip", "count"),
    [
        ("eos-dfw_n128_ngc99.01_nemo", "h100-sxm", 1024),
        ("tyche_ngpu2496_ngc99.04_nemo", "gb200", 2496),
    ],
)  # fmt: skip
def test_another_size_of_a_known_cluster(system: str, chip: str, count: int) -> None:
    assert chip_of(system) == chip
    assert accelerators_of(system) == count


def test_an_unknown_cluster_is_not_guessed() -> None:
    with pytest.raises(NoDataError):
        chip_of("kraken_n64_ngc25.01_nemo")
