import dataclasses
from datetime import date

import pytest

from groundup.chips import lint as chips_lint
from groundup.facts import lint
from groundup.facts.catalogue import load_catalogue


def changed(key, **fields):
    facts = load_catalogue()
    if "value" in fields:
        fields = {"low": fields["value"], "high": fields["value"], **fields}
    return facts.with_facts([dataclasses.replace(facts[key], **fields)])


def all_problems(facts):
    return lint.problems(facts) + chips_lint.problems(facts)


def test_shipped_facts_obey_every_identity():
    assert all_problems(load_catalogue()) == []


@pytest.mark.parametrize(
    ("key", "fields", "says"),
    [
        # the sparse figure taken for the dense one, the commonest error about this chip
        ("chips.h100-sxm.peak.bf16.dense", {"value": 1978.9}, "twice the dense"),
        ("chips.b200.peak.fp8.sparse", {"value": 4500.0}, "twice the dense"),
        ("chips.a100-80gb.peak.bf16.dense", {"convention": ""}, "no convention"),
        ("chips.h100-sxm.memory", {"value": 91.0}, "the stacks hold 80 GB"),
        ("chips.h200-sxm.stacks", {"value": 5.0}, "the stacks hold 120 GB"),
        ("chips.h200-sxm.bandwidth", {"value": 28800.0}, "6 stacks of hbm3e"),
        ("materials.silicon.share.sumco", {"value": 0.5}, "more than one"),
        ("materials.gallium.refining.china", {"high": 1.2}, "not between 0 and 1"),
        ("fabs.hbm.stack_yield", {"high": 1.5}, "not between 0 and 1"),
        ("sites.pue.liquid", {"value": 0.9}, "below 1 is impossible"),
        ("chips.b200.price", {"unit": "W/accelerator"}, "not money"),
        ("chips.b200.price", {"low": -1.0}, "below zero"),
        ("sites.node.b200", {"value": 900.0}, "less than the chip's 1000 W"),
        ("sites.us.carbon", {"as_of": date(2999, 1, 1)}, "in the future"),
        ("chips.h100-sxm.price", {"unit": "USD"}, "conflicting values"),
    ],
)
def test_seeded_wrong_values_are_caught(key, fields, says):
    found = all_problems(changed(key, **fields))
    assert len(found) >= 1
    assert any(says in text for text in found), found


def test_problems_inside_conflicts_are_seen_too():
    facts = load_catalogue()
    fact = facts["chips.h100-sxm.price"]
    late = dataclasses.replace(fact.conflicts[0], as_of=date(2999, 1, 1))
    facts = facts.with_facts([dataclasses.replace(fact, conflicts=(late,))])
    assert any("2999" in text for text in lint.problems(facts))
