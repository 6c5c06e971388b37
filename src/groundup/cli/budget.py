"""Reads a length of time as people write it."""

from __future__ import annotations

import argparse
import re

_MINUTES = {"s": 1 / 60, "m": 1.0, "": 1.0, "h": 60.0}


def minutes(text: str) -> float:
    """Minutes of `5m`, `90s`, `1.5h` or a bare number of minutes; argparse prints what is wrong."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip().lower())
    if match is None or float(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r}: write a time such as 5m, 90s or 1h")
    return float(match[1]) * _MINUTES[match[2]]
