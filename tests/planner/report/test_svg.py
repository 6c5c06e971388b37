from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.planner.report.reading import read_html

from groundup.planner.report.derivation import linked
from groundup.planner.report.svg import coordinate, element, escape, pretty, text_width, words, wrap


@given(st.text())
def test_any_text_survives_as_content_and_as_attribute(text: str) -> None:
    kept = ElementTree.fromstring(element("a", {"b": text}, escape(text)))
    allowed = "".join(c if ElementSafe(c) else "?" for c in text)
    normal = allowed.replace("\r", "\n")
    assert (kept.text or "").replace("\r", "\n") == normal
    assert len(kept.attrib["b"]) == len(normal)


def ElementSafe(letter: str) -> bool:
    code = ord(letter)
    return letter in "\t\n\r" or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code > 0xFFFF


@given(st.floats(-1e6, 1e6))
def test_coordinates_keep_a_hundredth_and_have_no_exponent(value: float) -> None:
    text = coordinate(value)
    assert "e" not in text
    assert float(text) == pytest.approx(value, abs=0.00501)


@given(st.text(alphabet=st.characters(codec="ascii", categories=("L", "N", "P")), max_size=200))
def test_wrapped_lines_fit_and_lose_nothing_unless_cut(text: str) -> None:
    lines = wrap(text, 90.0, 3)
    assert 1 <= len(lines) <= 3
    assert all(text_width(line) <= 90.0 + 1e-6 for line in lines)
    if not lines[-1].endswith("…"):
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_lines_of_a_text_stand_below_each_other() -> None:
    root = ElementTree.fromstring(words(3, 10, ["a", "<b>"]))
    assert [(span.text, span.get("x")) for span in root] == [("a", "3"), ("<b>", "3")]
    assert float(root[1].get("y", "0")) > float(root[0].get("y", "0"))


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("see https://a.example/x?y=1&z=2.", ["https://a.example/x?y=1&z=2"]),
        ("arXiv:2407.21783, Table 4", ["https://arxiv.org/abs/2407.21783"]),
        ("doi:10.1109/5.771073; page 2", ["https://doi.org/10.1109/5.771073"]),
        ('javascript:alert(1) "http://b.example"', ["http://b.example"]),
        ("plain <a href=x>", []),
    ],
)
def test_only_addresses_become_links(text: str, addresses: list[str]) -> None:
    read = read_html(linked(text))
    assert [value for _, _, value in read.attributes] == addresses
    assert "".join(read.words) == text


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("858 mm^2", "858 mm²"), ("die area [mm2]", "die area [mm²]"), ("3.1k m3", "3.1k m³"),
        ("1.94e26 FLOP", "1.94×10²⁶ FLOP"), ("2e-04 %", "2×10⁻⁴ %"), ("5 tCO2", "5 tCO₂"),
        ("HBM3 n2 mm", "HBM3 n2 mm"), ("$1/(acc*h)", "$1/(acc·h)"), ("2 * x", "2 * x"),
    ],
)  # fmt: skip
def test_units_and_powers_are_printed_as_such(text: str, printed: str) -> None:
    assert pretty(text) == printed


def test_names_in_backticks_are_code() -> None:
    assert linked("see `a.<b>`") == "see <code>a.&lt;b&gt;</code>"
