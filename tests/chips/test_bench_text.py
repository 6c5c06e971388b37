import re
from collections import Counter

from groundup.chips.bench import rates
from groundup.chips.bench_text import _count, _text, reading


def test_the_text_is_always_the_same_megabyte():
    assert _text() == _text()
    assert 0.9e6 < len(_text()) < 1.2e6


def test_it_really_counts_beginnings_of_words():
    # oracle: every word split by hand
    words = re.split(r"\s+", "An ant, the Antler; the theory")
    expected = Counter(word.strip(",;").lower()[:4] for word in words)
    assert _count("An ant, the Antler; the theory") == len(expected)


def test_rate_is_bytes_a_second():
    found = rates([reading()], 0.2, rounds=2)["text.python"]
    assert 1e5 < found.rate < 1e9
