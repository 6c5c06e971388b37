"""The planning commands as a user types them: report, what-if, calibrate, their errors."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from groundup.cli.main import EXIT_ERROR, main

CAMPUS = str(Path(__file__).parents[2] / "stacks" / "campus-100k.toml")
FLOORS = (
    "Materials", "Fabs", "Chips", "Networks", "Sites", "Training", "Data", "Models", "Recipes",
    "Inference", "Middleware", "Apps",
)  # fmt: skip


def run(capsys, *words, status=0):
    assert main(list(words)) == status
    said = capsys.readouterr()
    return said.out if status == 0 else said.err


class Headings(HTMLParser):
    """Text of all h2 elements, and every address that a browser would load by itself."""

    def __init__(self):
        super().__init__()
        self.inside, self.found, self.loaded = False, [], []

    def handle_starttag(self, tag, attrs):
        self.inside = self.inside or tag == "h2"
        if tag != "a":
            self.loaded += [v for k, v in attrs if k in ("src", "href") and not v.startswith("#")]

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "h2"

    def handle_data(self, data):
        if self.inside and data.strip():
            self.found.append(data.strip())


def test_report_is_one_page_with_every_floor(capsys, tmp_path):
    page = tmp_path / "new folder" / "campus.html"
    run(capsys, "plan", CAMPUS, "--samples", "300", "--report", str(page))
    seen = Headings()
    seen.feed(page.read_text(encoding="utf-8"))
    assert set(FLOORS) <= set(seen.found)
    assert {"Money", "What moves the headlines", "Month by month"} <= set(seen.found)
    assert seen.loaded == []
    assert [path.name for path in page.parent.iterdir()] == ["campus.html"]


def test_a_report_that_cannot_be_written_says_what_to_do(capsys, tmp_path):
    (tmp_path / "file").write_text("in the way")
    said = run(capsys, "plan", CAMPUS, "--samples", "0", "--report", str(tmp_path / "file/x.html"),
               status=EXIT_ERROR)  # fmt: skip
    assert "--report" in said
    assert "Traceback" not in said


def test_what_if_names_paths_and_the_binding_floor_of_each_month(capsys):
    said = run(capsys, "what-if", CAMPUS, "materials.gallium.refining.china=-90%", "--months", "6",
               "--samples", "200")  # fmt: skip
    assert "China makes 90 % less gallium (refining) in months 1 to 6".lower() in said.lower()
    assert "gallium -> transceiver -> networks" in said
    assert "binds" in said


def test_what_if_report_begins_with_the_change(capsys, tmp_path):
    page = tmp_path / "shock.html"
    run(
        capsys,
        "what-if",
        CAMPUS,
        "materials.china=-100%",
        "--report",
        str(page),
        "--samples",
        "100",
    )
    seen = Headings()
    seen.feed(page.read_text(encoding="utf-8"))
    assert seen.found[1] == "What if"
    assert set(FLOORS) <= set(seen.found)


def test_what_if_json_is_one_object(capsys):
    said = json.loads(
        run(capsys, "what-if", CAMPUS, "chips.count=x0.5", "--json", "--samples", "0")
    )
    assert said["changes"] == ["chips.count -50 %"]
    assert {row["binding"] for row in said["months"]} <= {"fabs", "networks", "sites", "nothing"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("chips.cont=2",), "did you mean 'chips.count'"),
        (("chips.count",), "KEY=VALUE"),
        (("chips.count=x2", "--months", "0"), "--months 0: allowed is 1 to 240"),
        (("chips.count=x2", "--start", "-1"), "--start -1"),
        (("chips.count=x2", "--horizon", "9999"), "--horizon 9999"),
        (("chips.count=x2", "--samples", "-3"), "--samples -3"),
        (("chips.accelerator=h100",), "h100-sxm"),
        (("networks.topology=ring",), "fat-tree"),
    ],
)
def test_bad_changes_name_the_remedy(capsys, words, says):
    said = run(capsys, "what-if", CAMPUS, *words, status=EXIT_ERROR)
    assert says in said
    assert "Traceback" not in said


def test_a_chip_that_does_not_exist_yet_is_planned_through_all_floors(capsys):
    keys = ["accelerator=designed", "design_area_mm2=1600", "design_hbm=hbm4", "count=20000"]
    words = [word for key in keys for word in ("--set", f"chips.{key}")]
    llama = str(Path(CAMPUS).with_name("llama3-405b.toml"))
    plan = json.loads(run(capsys, "plan", llama, *words, "--set", "sites.cooling=liquid",
                          "--samples", "50", "--json"))  # fmt: skip
    assert plan["accelerator"] == "designed"
    assert [row["floor"] for row in plan["layers"]] == list(range(1, 15))
    assert plan["totals"]["usd_per_million_tokens"]["value"] > 0
    assert plan["layers"][1]["details"]["module_cost"]["value"] > 1000
