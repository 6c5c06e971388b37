import dataclasses
from datetime import date

import pytest

from groundup.facts.errors import FactError
from groundup.materials.controls import Control, controls_of, recorded_until, timeline

LICENCE = Control(
    ("gallium",), "China", "all", "licence", date(2023, 8, 1), "metal", "No. 23", "high"
)


def newest(name, day):
    return controls_of(name, day)[-1]


def test_gallium_and_germanium_by_date():
    # Announcement No. 23 of 2023, No. 46 of 2024, suspension of 9 November 2025
    assert controls_of("gallium", date(2023, 7, 31)) == ()
    assert [c.kind for c in controls_of("gallium", date(2024, 6, 1))] == ["licence"]
    ban = newest("germanium", date(2025, 3, 1))
    assert (ban.kind, ban.against, ban.status(date(2025, 3, 1))) == (
        "ban", "United States", "in force",
    )  # fmt: skip
    assert ban.status(date(2026, 1, 1)) == "suspended"
    assert ban.status(date(2026, 11, 27)) == "due again"
    assert newest("antimony", date(2024, 9, 15)).kind == "licence"


def test_rare_earths_of_april_stay_and_those_of_october_are_suspended():
    day = date(2025, 12, 1)
    states = {c.start: c.status(day) for c in controls_of("heavy-rare-earth", day)}
    assert states[date(2025, 4, 4)] == "in force"
    assert states[date(2025, 10, 9)] == "suspended"
    (rule,) = [c for c in timeline() if "0.1 %" in c.scope]
    assert rule.start == date(2025, 10, 9)


def test_the_five_metals_of_february_2025():
    assert newest("tungsten", date(2025, 2, 4)).start == date(2025, 2, 4)
    assert newest("indium", date(2025, 2, 4)).start == date(2025, 2, 4)
    assert controls_of("indium", date(2025, 2, 3)) == ()


def test_timeline_is_dated_and_in_order():
    starts = [row.start for row in timeline()]
    assert starts == sorted(starts)
    assert all(start <= recorded_until() for start in starts)
    assert controls_of("gallium") == controls_of("gallium", recorded_until())


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"materials": ("galium",)}, "unknown material 'galium'"),
        ({"kind": "tariff"}, "kind 'tariff'"),
        ({"until": date(2023, 7, 1)}, "ends before"),
        ({"resumes": date(2024, 7, 1)}, "resumes without being suspended"),
    ],
)
def test_impossible_controls_are_refused(fields, says):
    with pytest.raises(FactError, match=says):
        dataclasses.replace(LICENCE, **fields)
